"""A journal of a run as JSON lines: what was planned, begun, done and refused, and when."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from catalog.errors import CatalogError, InvalidInput, Location, Problem
from catalog.publishing.actions import Plan
from catalog.publishing.apply import Progress


class Journal:
    """Appends one JSON object per event; without a path it does nothing. Thread-safe.

    Every line has `time` (ISO 8601, UTC) and `event`: `plan`, `started`, `done`, `failed`,
    `blocked`, `roles` or `end`. Lines are flushed one by one: a killed run leaves what it did.

    Args:
        path: file to append to.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Journal:
        if self._path:
            try:
                self._file = self._path.open("a", encoding="utf-8")
            except OSError as error:
                problem = Problem(
                    message=f"the journal cannot be written: {error.strerror}",
                    where=Location(file=str(self._path)),
                )
                raise InvalidInput([problem], next_step="Name another file.") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.write("end", error=_error(error))
        if self._file:
            self._file.close()

    def plan(self, plan: Plan, *, release: str) -> None:
        """Write what is about to be done."""
        self.write(
            "plan",
            catalog=plan.catalog,
            account=plan.account,
            regions=list(plan.regions),
            release=release,
            fingerprint=plan.fingerprint,
            actions=[action.id for action in plan.actions],
        )

    def step(self, progress: Progress) -> None:
        """Write one step of an apply."""
        action = progress.action
        self.write(
            progress.state.value,
            action=action.id,
            account=action.account,
            region=action.region,
            subject=action.subject,
            seconds=round(progress.seconds, 3),
            error=_error(progress.error),
        )

    def roles(self, account: str, verb: str, error: CatalogError | None) -> None:
        """Write that an account's roles stack is done, or failed."""
        self.write("roles", account=account, verb=verb, error=_error(error))

    def write(self, event: str, **values: Any) -> None:
        """Write one line; values that are None are left out."""
        if not self._file:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            **{name: value for name, value in values.items() if value is not None},
        }
        with self._lock:
            self._file.write(json.dumps(line, sort_keys=True) + "\n")
            self._file.flush()


def _error(error: BaseException | None) -> dict[str, str] | None:
    if error is None:
        return None
    if isinstance(error, CatalogError):
        return {"kind": error.kind, "message": error.message, "next": error.next_step}
    return {"kind": type(error).__name__, "message": str(error)}
