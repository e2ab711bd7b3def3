"""Progress of a run: one line per event, and a live line where there is a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import TextIO


class Progress:
    """Prints; safe to call from several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._start = time.monotonic()
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds since the run's start."""
        return time.monotonic() - self._start

    def line(self, text: str) -> None:
        """Print one event with the time it happened."""
        with self._lock:
            self._clear()
            print(f"{self.elapsed:7.1f}s  {text}", file=self._stream, flush=True)

    def tick(self, running: Iterable[tuple[str, float]]) -> None:
        """Show what runs now, and for how long; on terminals only."""
        if self._live:
            steps = ", ".join(f"{name} {self.elapsed - start:.0f}s" for name, start in running)
            with self._lock:
                self._clear()
                print(f"{self.elapsed:7.1f}s  running: {steps}"[:100], end="", file=self._stream)
                self._stream.flush()

    def _clear(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=self._stream)
