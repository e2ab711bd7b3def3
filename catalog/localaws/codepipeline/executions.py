"""What happened in a pipeline: executions, stages, actions."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.codebuild.builds import S3Place

IN_PROGRESS = "InProgress"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPING = "Stopping"
STOPPED = "Stopped"
ABANDONED = "Abandoned"
SUPERSEDED = "Superseded"


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(kw_only=True)
class ActionExecution:
    """One run of one action."""

    stage: str
    declaration: dict[str, Any]
    region: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    start: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    summary: str = ""
    token: str = ""
    updated_by: str = ""
    external_id: str = ""
    external_url: str = ""
    error_code: str = ""
    error_message: str = ""
    configuration: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, S3Place] = field(default_factory=dict)
    outputs: dict[str, S3Place] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    revision: str = ""
    revision_summary: str = ""

    @property
    def name(self) -> str:
        """The action's name."""
        return str(self.declaration["name"])

    def end(self, status: str) -> None:
        """Note how it ended."""
        self.status = status
        self.updated = now()

    def error(self) -> dict[str, str]:
        """Return `errorDetails`."""
        return {"code": self.error_code, "message": self.error_message}


@dataclass(kw_only=True)
class StageRun:
    """One stage of one execution; a retry adds actions to it."""

    name: str
    status: str = IN_PROGRESS
    actions: list[ActionExecution] = field(default_factory=list)

    def latest(self, action: str) -> ActionExecution | None:
        """Return the last run of an action."""
        return next((one for one in reversed(self.actions) if one.name == action), None)


@dataclass(kw_only=True, eq=False)
class Execution:
    """One execution of a pipeline.

    Attributes:
        declaration: the pipeline as it was when the execution started.
        halt: no further action starts.
        abandon: running actions are given up as well.
    """

    pipeline: str
    declaration: dict[str, Any]
    trigger_type: str
    trigger_detail: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    summary: str = ""
    start: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    variables: dict[str, str] = field(default_factory=dict)
    source_overrides: dict[str, dict[str, str]] = field(default_factory=dict)
    stages: dict[str, StageRun] = field(default_factory=dict)
    artifacts: dict[str, S3Place] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    stop_reason: str = ""
    attempt: int = 1
    halt: threading.Event = field(default_factory=threading.Event)
    abandon: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def mode(self) -> str:
        """The pipeline's execution mode."""
        return str(self.declaration["executionMode"])

    @property
    def trigger(self) -> dict[str, str]:
        """`trigger` as the API shows it."""
        return {"triggerType": self.trigger_type, "triggerDetail": self.trigger_detail}

    def sources(self) -> list[ActionExecution]:
        """Return the source actions that have found a revision."""
        return [
            action
            for stage in self.stages.values()
            for action in stage.actions
            if action.revision and action.declaration["actionTypeId"]["category"] == "Source"
        ]

    def describe(self) -> dict[str, Any]:
        """Return it as GetPipelineExecution shows it."""
        return {
            "pipelineName": self.pipeline,
            "pipelineVersion": self.declaration["version"],
            "pipelineExecutionId": self.id,
            "status": self.status,
            "statusSummary": self.summary,
            "artifactRevisions": [
                {
                    "name": action.declaration["outputArtifacts"][0]["name"],
                    "revisionId": action.revision,
                    "revisionSummary": action.revision_summary,
                    "created": action.updated,
                }
                for action in self.sources()
            ],
            "variables": [
                {"name": name, "resolvedValue": value} for name, value in self.variables.items()
            ],
            "trigger": self.trigger,
            "executionMode": self.mode,
            "executionType": "STANDARD",
        }

    def summarise(self) -> dict[str, Any]:
        """Return it as ListPipelineExecutions shows it."""
        shown: dict[str, Any] = {
            "pipelineExecutionId": self.id,
            "status": self.status,
            "statusSummary": self.summary,
            "startTime": self.start,
            "lastUpdateTime": self.updated,
            "sourceRevisions": [
                {
                    "actionName": action.name,
                    "revisionId": action.revision,
                    "revisionSummary": action.revision_summary,
                }
                for action in self.sources()
            ],
            "trigger": self.trigger,
            "executionMode": self.mode,
            "executionType": "STANDARD",
        }
        if self.stop_reason:
            shown["stopTrigger"] = {"reason": self.stop_reason}
        return shown
