"""What actions wait for: a human's decision, a function's answer."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Approval:
    """One approval that somebody has to decide."""

    status: str = ""
    summary: str = ""
    by: str = ""
    decided: threading.Event = field(default_factory=threading.Event)


class Approvals:
    """All open approvals, by token. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[str, Approval] = {}
        self._lock = threading.Lock()

    def ask(self) -> tuple[str, Approval]:
        """Open an approval and return its token."""
        token, approval = str(uuid.uuid4()), Approval()
        with self._lock:
            self._open[token] = approval
        return token, approval

    def decide(self, token: str, *, status: str, summary: str, by: str) -> bool:
        """Decide an approval; False when there is none, or it is decided already."""
        with self._lock:
            approval = self._open.pop(token, None)
        if approval is None:
            return False
        approval.status, approval.summary, approval.by = status, summary, by
        approval.decided.set()
        return True

    def forget(self, token: str) -> None:
        """Close an approval that nobody decided."""
        with self._lock:
            self._open.pop(token, None)


@dataclass(kw_only=True)
class Job:
    """A job that a function has to answer for."""

    succeeded: bool = False
    message: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    answered: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All open jobs. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[str, Job] = {}
        self._lock = threading.Lock()

    def open(self) -> tuple[str, Job]:
        """Open a job and return its id."""
        identifier, job = str(uuid.uuid4()), Job()
        with self._lock:
            self._open[identifier] = job
        return identifier, job

    def find(self, identifier: str) -> Job | None:
        """Return an open job, or None."""
        with self._lock:
            return self._open.get(identifier)

    def close(self, identifier: str) -> None:
        """Forget a job."""
        with self._lock:
            self._open.pop(identifier, None)
