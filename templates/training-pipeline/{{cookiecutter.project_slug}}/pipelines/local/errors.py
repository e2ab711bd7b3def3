"""Failures of a local run: what is wrong, what to do next, the exit code of the process."""

from __future__ import annotations

from typing import ClassVar


class RunnerError(Exception):
    """A mistake in the definition, its parameters or the command; nothing has run.

    Args:
        message: what is wrong, and where.
        next_step: what to do about it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(f"{message}\nNext: {next_step}" if next_step else message)


class UnresolvedError(RunnerError):
    """An expression that refers to a step which has not run (yet)."""


class JobError(RunnerError):
    """A job that ended badly.

    Args:
        message: what went wrong.
        next_step: what to do about it.
        kind: SageMaker's name for the failure, which RetryPolicies match against.
    """

    exit_code = 1

    def __init__(self, message: str, *, next_step: str = "", kind: str = "AlgorithmError") -> None:
        super().__init__(message, next_step=next_step)
        self.kind = kind
