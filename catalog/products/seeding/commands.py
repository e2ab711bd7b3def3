"""Programs that the seeding build runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(Exception):
    """A program that failed; `output` is what it said."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{command[0]} failed: {output.strip()}")
        self.output = output


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program and return what it wrote to standard output.

    Args:
        command: program and arguments.
        cwd: folder to run in.
        environment: variables on top of this process's.
        stdin: text for its standard input.

    Raises:
        CommandError: it ended with another code than 0.
    """
    done = subprocess.run(
        list(command),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(command, done.stderr or done.stdout)
    return done.stdout


def git_config(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return variables that add Git settings to those which the environment already sets."""
    start = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_CONFIG_COUNT": str(start + len(pairs))}
    for number, (key, value) in enumerate(pairs, start=start):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
