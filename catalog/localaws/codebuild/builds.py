"""One build: its record, its phases, and what BatchGetBuilds shows of it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IN_PROGRESS = "IN_PROGRESS"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
FAULT = "FAULT"
TIMED_OUT = "TIMED_OUT"
STOPPED = "STOPPED"


@dataclass(kw_only=True)
class PhaseRecord:
    """One entry of a build's `phases`."""

    type: str
    start: datetime
    status: str = IN_PROGRESS
    end: datetime | None = None
    code: str = ""
    message: str = ""

    def describe(self) -> dict[str, Any]:
        """Return the phase as the API shows it."""
        shown: dict[str, Any] = {"phaseType": self.type, "startTime": self.start}
        if self.type == "COMPLETED":
            return shown
        if self.end is not None:
            shown["phaseStatus"] = self.status
            shown["endTime"] = self.end
            shown["durationInSeconds"] = int((self.end - self.start).total_seconds())
            shown["contexts"] = [{"statusCode": self.code, "message": self.message}]
        return shown

    @property
    def context(self) -> str:
        """The phase's context as events show it."""
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class S3Place:
    """An object in S3."""

    bucket: str
    key: str

    @property
    def arn(self) -> str:
        """The object's ARN."""
        return f"arn:aws:s3:::{self.bucket}/{self.key}"


@dataclass(frozen=True, kw_only=True)
class PipelineArtifacts:
    """What CodePipeline hands to a build of a project with source CODEPIPELINE.

    Attributes:
        inputs: artifact name → object; `primary` names the one that is CODEBUILD_SRC_DIR.
        outputs: artifact name → object that the build must write.
        encryption_key: KMS key of the pipeline's artifact store, if it has one.
    """

    initiator: str
    primary: str
    inputs: Mapping[str, S3Place]
    outputs: Mapping[str, S3Place]
    encryption_key: str | None = None


@dataclass(kw_only=True)
class Build:
    """A build and everything that can be known of it.

    Attributes:
        id: `project:uuid`.
        project: the project's settings with StartBuild's overrides applied.
        folder: the build's own folder on disk.
        pipeline: set when CodePipeline started the build.
    """

    id: str
    account: str
    region: str
    number: int
    project: dict[str, Any]
    initiator: str
    folder: Path
    start_parameters: dict[str, Any]
    pipeline: PipelineArtifacts | None = None
    start: datetime = field(default_factory=lambda: datetime.now(UTC))
    end: datetime | None = None
    status: str = IN_PROGRESS
    source_version: str = ""
    resolved_source_version: str = ""
    phases: list[PhaseRecord] = field(default_factory=list)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    exported: list[dict[str, str]] = field(default_factory=list)
    stop_requested: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def name(self) -> str:
        """The project's name."""
        return self.id.partition(":")[0]

    @property
    def uuid(self) -> str:
        """The part of the id that is the build's alone."""
        return self.id.partition(":")[2]

    @property
    def arn(self) -> str:
        """The build's ARN."""
        return f"arn:aws:codebuild:{self.region}:{self.account}:build/{self.id}"

    @property
    def log_file(self) -> Path:
        """The build log on disk."""
        return self.folder / "build.log"

    @property
    def current_phase(self) -> str:
        """Type of the phase the build is in."""
        return self.phases[-1].type if self.phases else "SUBMITTED"

    @property
    def log_group(self) -> str:
        """The CloudWatch Logs group, whether or not it is written."""
        configured: str = self._cloudwatch().get("groupName", "")
        return configured or f"/aws/codebuild/{self.name}"

    @property
    def log_stream(self) -> str:
        """The CloudWatch Logs stream."""
        prefix = self._cloudwatch().get("streamName", "")
        return f"{prefix}/{self.uuid}" if prefix else self.uuid

    @property
    def logs_to_cloudwatch(self) -> bool:
        """Whether the project sends its log to CloudWatch Logs (it does unless told otherwise)."""
        return bool(self._cloudwatch().get("status", "ENABLED") == "ENABLED")

    def _cloudwatch(self) -> dict[str, Any]:
        found: dict[str, Any] = self.project.get("logsConfig", {}).get("cloudWatchLogs", {})
        return found

    def describe(self) -> dict[str, Any]:
        """Return the build as the API shows it."""
        with self.lock:
            project = self.project
            shown: dict[str, Any] = {
                "id": self.id,
                "arn": self.arn,
                "buildNumber": self.number,
                "startTime": self.start,
                "currentPhase": self.current_phase,
                "buildStatus": self.status,
                "buildComplete": self.end is not None,
                "projectName": self.name,
                "phases": [phase.describe() for phase in self.phases],
                "initiator": self.initiator,
                "logs": self._logs(),
                "secondarySources": project.get("secondarySources", []),
                "secondarySourceVersions": project.get("secondarySourceVersions", []),
                "artifacts": self.artifacts.get("", {"location": ""}),
                "secondaryArtifacts": [item for name, item in self.artifacts.items() if name],
                "exportedEnvironmentVariables": list(self.exported),
            }
            for key in (
                "source",
                "cache",
                "environment",
                "serviceRole",
                "timeoutInMinutes",
                "queuedTimeoutInMinutes",
                "encryptionKey",
                "vpcConfig",
                "fileSystemLocations",
            ):
                if key in project:
                    shown[key] = project[key]
            if self.end is not None:
                shown["endTime"] = self.end
            if self.source_version:
                shown["sourceVersion"] = self.source_version
            if self.resolved_source_version:
                shown["resolvedSourceVersion"] = self.resolved_source_version
            return copy.deepcopy(shown)

    def _logs(self) -> dict[str, Any]:
        configured = self.project.get("logsConfig", {})
        shown: dict[str, Any] = {
            "cloudWatchLogs": configured.get("cloudWatchLogs", {"status": "ENABLED"}),
            "s3Logs": configured.get("s3Logs", {"status": "DISABLED", "encryptionDisabled": False}),
        }
        if self.logs_to_cloudwatch:
            shown["groupName"] = self.log_group
            shown["streamName"] = self.log_stream
            shown["cloudWatchLogsArn"] = (
                f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.log_group}"
                f":log-stream:{self.log_stream}"
            )
            shown["deepLink"] = (
                f"https://console.aws.amazon.com/cloudwatch/home?region={self.region}"
                f"#logsV2:log-groups/log-group/{self.log_group}/log-events/{self.log_stream}"
            )
        return shown
