"""The events CodeBuild sends, in the form of AWS's "Build notifications input format reference"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.localaws.codebuild.builds import Build, PhaseRecord
from catalog.localaws.core.local import LocalAws


def emit_state_change(aws: LocalAws, build: Build) -> None:
    """Send "CodeBuild Build State Change" with the build's present state."""
    with build.lock:
        last = build.phases[-1]
        detail = {
            "build-status": build.status,
            "project-name": build.name,
            "build-id": build.arn,
            "additional-information": _information(build),
            "current-phase": last.type,
            "current-phase-context": _context(last),
            "version": "1",
        }
    _emit(aws, build, "CodeBuild Build State Change", detail)


def emit_phase_change(aws: LocalAws, build: Build, phase: PhaseRecord) -> None:
    """Send "CodeBuild Build Phase Change" for a phase that has ended."""
    end = phase.end or phase.start
    with build.lock:
        detail = {
            "completed-phase": phase.type,
            "project-name": build.name,
            "build-id": build.arn,
            "completed-phase-context": _context(phase),
            "additional-information": _information(build),
            "completed-phase-status": phase.status,
            "completed-phase-duration-seconds": int((end - phase.start).total_seconds()),
            "completed-phase-start": _moment(phase.start),
            "completed-phase-end": _moment(end),
            "version": "1",
        }
    _emit(aws, build, "CodeBuild Build Phase Change", detail)


def _emit(aws: LocalAws, build: Build, detail_type: str, detail: dict[str, Any]) -> None:
    aws.emit(
        account=build.account,
        region=build.region,
        source="aws.codebuild",
        detail_type=detail_type,
        detail=detail,
        resources=[build.arn],
    )


def _context(phase: PhaseRecord) -> str:
    return f"[{phase.context}]" if phase.code else "[]"


def _moment(when: datetime) -> str:
    # AWS writes "Sep 1, 2017 4:12:29 PM": no leading zeros, which strftime cannot do portably.
    hour = when.hour % 12 or 12
    return f"{when:%b} {when.day}, {when.year} {hour}:{when:%M:%S} {when:%p}"


def _information(build: Build) -> dict[str, Any]:
    project = build.project
    environment = project["environment"]
    source = project["source"]
    information: dict[str, Any] = {
        "artifact": _artifact(build.artifacts.get("", {})),
        "cache": {"type": project["cache"]["type"]},
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment.get("privilegedMode", False),
            "image-pull-credentials-type": environment.get("imagePullCredentialsType", "CODEBUILD"),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": [
                {"name": item["name"], "type": item["type"], "value": item["value"]}
                for item in environment.get("environmentVariables", [])
            ],
        },
        "timeout-in-minutes": project["timeoutInMinutes"],
        "queued-timeout-in-minutes": project["queuedTimeoutInMinutes"],
        "build-complete": build.end is not None,
        "build-number": build.number,
        "initiator": build.initiator,
        "build-start-time": _moment(build.start),
        "source": {
            key: value
            for key, value in (
                ("location", source.get("location")),
                ("buildspec", source.get("buildspec")),
                ("type", source["type"]),
            )
            if value is not None
        },
        "phases": [_phase(phase) for phase in build.phases],
    }
    if build.source_version:
        information["source-version"] = build.source_version
    if build.logs_to_cloudwatch:
        information["logs"] = {
            "group-name": build.log_group,
            "stream-name": build.log_stream,
            "deep-link": build.describe()["logs"]["deepLink"],
        }
    return information


def _artifact(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: shown[key] for key in ("md5sum", "sha256sum", "location") if shown.get(key)} or {
        "location": ""
    }


def _phase(phase: PhaseRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {"start-time": _moment(phase.start), "phase-type": phase.type}
    if phase.end is not None and phase.type != "COMPLETED":
        shown["phase-context"] = [phase.context] if phase.code else []
        shown["end-time"] = _moment(phase.end)
        shown["duration-in-seconds"] = int((phase.end - phase.start).total_seconds())
        shown["phase-status"] = phase.status
    return shown
