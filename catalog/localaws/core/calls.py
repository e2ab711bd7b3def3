"""The call log: every request the local AWS answered, for tests and benchmarks."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_READS = re.compile(
    r"^(Get|List|Describe|Search|Head|BatchGet|BatchDescribe|Scan|Query|Validate|Estimate|Simulate"
    r"|Lookup|Select|Filter|Detect|Test|Decode|AssumeRole|Poll)"
)
# Named like reads, and yet they change something.
_MUTATING = frozenset({"DetectStackDrift", "DetectStackResourceDrift", "DetectStackSetDrift"})


def is_mutating(operation: str) -> bool:
    """Tell whether an operation changes anything, by its name ("CreatePortfolio")."""
    return operation in _MUTATING or not _READS.match(operation)


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """One answered request.

    Attributes:
        error: AWS error code, or None for success.
        started: `time.monotonic()` when the request arrived.
        seconds: how long it took, injected latency included.
        internal: made by an emulated service on someone's behalf, not by a client.
    """

    service: str
    operation: str
    account: str
    region: str
    principal: str
    mutating: bool
    error: str | None
    started: float
    seconds: float
    internal: bool = False


class CallLog:
    """An append-only list of calls. Thread-safe."""

    def __init__(self) -> None:
        self._records: list[CallRecord] = []
        self._lock = threading.Lock()

    def add(self, record: CallRecord) -> None:
        """Append one call."""
        with self._lock:
            self._records.append(record)

    def mark(self) -> int:
        """Return a position to hand to `since` later."""
        with self._lock:
            return len(self._records)

    def since(self, mark: int = 0, *, internal: bool = False) -> list[CallRecord]:
        """Return the calls after `mark`; those that services made themselves only on request."""
        with self._lock:
            records = self._records[mark:]
        return records if internal else [r for r in records if not r.internal]

    def where(
        self,
        predicate: Callable[[CallRecord], bool] | None = None,
        *,
        mark: int = 0,
        service: str | None = None,
        operation: str | None = None,
        account: str | None = None,
        region: str | None = None,
        mutating: bool | None = None,
        internal: bool = False,
    ) -> list[CallRecord]:
        """Return the calls that match every given filter."""
        wanted = {
            "service": service,
            "operation": operation,
            "account": account,
            "region": region,
            "mutating": mutating,
        }
        given = {name: value for name, value in wanted.items() if value is not None}
        return [
            record
            for record in self.since(mark, internal=internal)
            if all(getattr(record, name) == value for name, value in given.items())
            and (predicate is None or predicate(record))
        ]

    def mutating_since(self, mark: int) -> Sequence[CallRecord]:
        """Return the clients' calls after `mark` that may have changed something."""
        return self.where(mark=mark, mutating=True)

    def __len__(self) -> int:
        return self.mark()
