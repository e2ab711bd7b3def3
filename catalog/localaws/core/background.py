"""Threads that do what AWS does asynchronously: joined on stop, their errors never lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable


class Background:
    """Runs functions in threads of their own until `stop`.

    Args:
        log: receives what a function raises, with its traceback.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._threads: set[threading.Thread] = set()
        self.stopping = threading.Event()
        self.errors: list[tuple[str, BaseException]] = []

    def spawn(self, name: str, function: Callable[[], object]) -> threading.Thread:
        """Run `function` in a new thread named `name`."""
        thread = threading.Thread(
            target=self._run, args=(name, function), name=f"local-aws {name}", daemon=True
        )
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return thread

    def _run(self, name: str, function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - the last frame of the thread
            self.errors.append((name, error))
            self._log.exception("background work %r failed", name)
        finally:
            with self._idle:
                self._threads.discard(threading.current_thread())
                self._idle.notify_all()

    def pause(self, seconds: float) -> bool:
        """Sleep, or return early with False when the local AWS stops."""
        return not self.stopping.wait(seconds)

    def settle(self, *, timeout: float) -> bool:
        """Wait until no background work is left; False when it still runs after `timeout`."""
        deadline = time.monotonic() + timeout
        with self._idle:
            while self._threads - {threading.current_thread()}:
                left = deadline - time.monotonic()
                if left <= 0 or not self._idle.wait(left):
                    return False
        return True

    def stop(self, *, timeout: float = 10.0) -> list[str]:
        """Tell all work to end and wait for it; returns the names of what did not end."""
        self.stopping.set()
        self.settle(timeout=timeout)
        with self._lock:
            return sorted(thread.name for thread in self._threads)
