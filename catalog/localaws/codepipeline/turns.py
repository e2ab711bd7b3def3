"""Which execution may enter which stage.

SUPERSEDED: one execution per stage; of those that wait for it, the newest goes on and the others
are superseded. QUEUED: one execution of the pipeline at a time, in the order they came. PARALLEL:
no waiting at all.
"""

from __future__ import annotations

import threading

from catalog.localaws.codepipeline.executions import Execution


class Turns:
    """The stage locks of one pipeline. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[str, Execution] = {}
        self._waiting: dict[str, Execution] = {}
        self._queue: list[Execution] = []

    def arrive(self, execution: Execution) -> None:
        """Take a place in the queue, in the order of starting."""
        with self._changed:
            self._queue.append(execution)

    def enter(self, stage: str, execution: Execution) -> bool:
        """Leave the stage before and wait for this one.

        Returns:
            False when a newer execution took the place, or the execution is to halt.
        """
        with self._changed:
            if execution.mode == "PARALLEL":
                return not execution.halt.is_set()
            if execution.mode == "QUEUED":
                while self._queue[0] is not execution:
                    if execution.halt.is_set():
                        return False
                    self._changed.wait(0.5)
                return not execution.halt.is_set()
            return self._enter_superseding(stage, execution)

    def _enter_superseding(self, stage: str, execution: Execution) -> bool:
        # An execution that waits between two stages is in neither: a newer one can catch up.
        self._release(execution)
        self._waiting[stage] = execution
        self._changed.notify_all()
        while stage in self._inside and self._inside[stage] is not execution:
            if execution.halt.is_set():
                return False
            self._changed.wait(0.5)
            if self._waiting.get(stage) is not execution:
                return False
        if self._waiting.get(stage) is execution:
            del self._waiting[stage]
        self._inside[stage] = execution
        return not execution.halt.is_set()

    def leave(self, execution: Execution) -> None:
        """Give up all places: the execution has ended."""
        with self._changed:
            if execution in self._queue:
                self._queue.remove(execution)
            self._release(execution)

    def _release(self, execution: Execution) -> None:
        for name in [name for name, who in self._inside.items() if who is execution]:
            del self._inside[name]
        self._changed.notify_all()
