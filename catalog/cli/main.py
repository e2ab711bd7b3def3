"""The `publish-catalog` command: parse, call, render, exit code."""

from __future__ import annotations

import sys

import click

from catalog.cli.console import print_error, stderr
from catalog.errors import CatalogError

USAGE_EXIT_CODE = 64  # sysexits' EX_USAGE; click's own 2 would read as "the plan has changes"
INTERRUPTED_EXIT_CODE = 130


def run(arguments: list[str]) -> int:
    """Run the command line and return the exit code of the process.

    Args:
        arguments: the words after the program's name.
    """
    from catalog.cli.app import app  # noqa: PLC0415 - keeps `--help` of a broken install readable

    try:
        result = app(arguments, standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        error.show()
        return USAGE_EXIT_CODE
    except (KeyboardInterrupt, click.Abort):
        stderr().print("interrupted: run the same command again to go on from here")
        return INTERRUPTED_EXIT_CODE
    except CatalogError as error:
        print_error(error)
        return error.exit_code
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of `publish-catalog`."""
    sys.exit(run(sys.argv[1:]))
