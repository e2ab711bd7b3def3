"""Runs a compiled SageMaker pipeline definition on this machine, without Docker or an account.

`python -m <this package> run` runs it; `list`, `approve` and `serve` work with the models it
registered. From Python: `run(definition)` returns a `RunResult`.
"""

from .errors import JobError, RunnerError
from .registry import Registry
from .result import RunResult, StepResult
from .runner import run, upload
from .settings import Settings, load
from .store import Store, pack

__all__ = [
    "JobError",
    "Registry",
    "RunResult",
    "RunnerError",
    "Settings",
    "StepResult",
    "Store",
    "load",
    "pack",
    "run",
    "upload",
]
