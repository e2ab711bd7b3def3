"""What a run leaves: states of steps, and where everything is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DONE = frozenset({"Succeeded", "Cached"})


@dataclass(kw_only=True)
class StepResult:
    """One step of a run.

    Attributes:
        name: of the step.
        type: of the step.
        state: Pending, Running, Succeeded, Cached, Failed, Stopped, Skipped (by flag),
            NotExecuted (its branch was not taken) or NotStarted (the run ended before).
        started: seconds after the run's start.
        seconds: how long it took.
        message: why it ended as it did.
        notes: lines it reported, such as trials.
        folder: its sandbox, log and `rerun.sh`.
        properties: what the Describe call would answer.
    """

    name: str
    type: str
    state: str = "Pending"
    started: float = 0.0
    seconds: float = 0.0
    message: str = ""
    notes: list[str] = field(default_factory=list)
    folder: Path
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class RunResult:
    """One run of a pipeline.

    Attributes:
        run_id: the execution id.
        status: Succeeded, Failed or Stopped.
        message: the failed step and the reason.
        parameters: their values.
        steps: by name, in the definition's order.
        folder: of the run.
        report: the HTML report.
        seconds: from start to end.
        differences: what was not as in SageMaker.
    """

    run_id: str
    status: str = "Running"
    message: str = ""
    parameters: dict[str, Any]
    steps: dict[str, StepResult]
    folder: Path
    report: Path
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)

    @property
    def packages(self) -> list[dict[str, Any]]:
        """Model packages this run registered."""
        return [
            step.properties
            for step in self.steps.values()
            if step.type == "RegisterModel" and step.state == "Succeeded"
        ]

    def save(self) -> None:
        """Write `run.json`, for programs, beside the report."""
        temporary = self.folder / "run.json.tmp"
        temporary.write_text(json.dumps(asdict(self), indent=2, default=str), "utf-8")
        temporary.replace(self.folder / "run.json")
