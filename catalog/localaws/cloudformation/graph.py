"""Order: which resource waits for which, and running the ones that are ready side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from catalog.localaws.cloudformation.template import validation_error

_WORKERS = 8

Dependencies = Mapping[str, set[str]]


def check_acyclic(dependencies: Dependencies) -> None:
    """Refuse circular dependencies.

    Raises:
        ServiceError: `ValidationError`, naming the resources of the circle.
    """
    remaining = {name: set(needs) & set(dependencies) for name, needs in dependencies.items()}
    while True:
        free = {name for name, needs in remaining.items() if not needs}
        if not free:
            break
        remaining = {name: needs - free for name, needs in remaining.items() if name not in free}
    # What only hangs from a circle is no part of it.
    while True:
        needed = {need for needs in remaining.values() for need in needs}
        leaves = set(remaining) - needed
        if not leaves:
            break
        remaining = {name: needs for name, needs in remaining.items() if name not in leaves}
    if remaining:
        raise validation_error(
            f"Circular dependency between resources: [{', '.join(sorted(remaining))}]"
        )


def reverse(dependencies: Dependencies) -> dict[str, set[str]]:
    """Return the order of deletion: who needs me goes before me."""
    result: dict[str, set[str]] = {name: set() for name in dependencies}
    for name, needs in dependencies.items():
        for need in needs:
            if need in result:
                result[need].add(name)
    return result


def run(
    dependencies: Dependencies,
    work: Callable[[str], None],
    *,
    stop: Callable[[], bool] = lambda: False,
    keep_going: bool = False,
    workers: int = _WORKERS,
) -> dict[str, Exception]:
    """Run `work` for every name once what it depends on is done, independent ones in parallel.

    Args:
        dependencies: name to the names it waits for; names outside the mapping count as done.
        work: runs in a worker thread; an exception is a failure of that name.
        stop: asked before anything is started; true means start nothing more.
        keep_going: go on after a failure with whatever does not depend on it.
        workers: how many may run at a time.

    Returns:
        The failures by name, in the order in which they happened. What was never started is in
        neither the failures nor the work done.
    """
    waiting = {name: set(needs) & set(dependencies) for name, needs in dependencies.items()}
    failures: dict[str, Exception] = {}
    running: dict[Future[None], str] = {}
    done: set[str] = set()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="cloudformation") as pool:
        while True:
            if not stop() and (keep_going or not failures):
                for name in _ready(waiting, done):
                    del waiting[name]
                    running[pool.submit(work, name)] = name
            if not running:
                return failures
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                error = future.exception()
                if error is None:
                    done.add(name)
                elif isinstance(error, Exception):
                    failures[name] = error
                else:
                    raise error


def _ready(waiting: Mapping[str, set[str]], done: set[str]) -> Iterable[str]:
    return [name for name, needs in waiting.items() if needs <= done]
