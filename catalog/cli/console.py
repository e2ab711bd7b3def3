"""What every command prints with: tables and colour on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape

from catalog.errors import CatalogError, InvalidInput


def stdout() -> Console:
    """Return the console for results; wide and without wrapping when it is not a terminal."""
    return (
        Console(highlight=False, soft_wrap=True)
        if not sys.stdout.isatty()
        else Console(highlight=False)
    )


def stderr() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Write `value` as indented JSON to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def print_error(error: CatalogError) -> None:
    """Write one error: what is wrong, where, and what to do next; annotated in GitHub Actions."""
    console = stderr()
    if isinstance(error, InvalidInput):
        count = len(error.problems)
        console.print(f"[bold red]{count} problem{'s' if count != 1 else ''}[/]")
        for problem in error.problems:
            console.print(f"  {escape(str(problem))}")
            if os.environ.get("GITHUB_ACTIONS") == "true":
                _annotate(file=problem.where.file, line=problem.where.line, message=problem.message)
    else:
        where = f"{error.where}: " if error.where and str(error.where) else ""
        console.print(f"[bold red]{error.kind}:[/] {escape(where)}{escape(error.message)}")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            _annotate(file=None, line=None, message=f"{where}{error.message}")
    if error.next_step:
        console.print(f"[bold]next:[/] {escape(error.next_step)}")


def _annotate(*, file: str | None, line: int | None, message: str) -> None:
    # Workflow commands take one line, percent-encoded as GitHub's toolkit does.
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    place = ",".join(f"{key}={value}" for key, value in (("file", file), ("line", line)) if value)
    sys.stdout.write(f"::error {place}::{text}\n" if place else f"::error::{text}\n")
