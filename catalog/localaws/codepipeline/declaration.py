"""Pipeline declarations: defaults, and what CreatePipeline refuses."""

from __future__ import annotations

import copy
import re
from typing import Any

from catalog.localaws.codepipeline.actions import PROVIDERS
from catalog.localaws.core.service import ServiceError

_NAME = re.compile(r"[A-Za-z0-9.@_-]{1,100}")


def checked(given: dict[str, Any], *, version: int) -> dict[str, Any]:
    """Return a declaration with AWS's defaults filled in.

    Args:
        given: the `pipeline` of CreatePipeline or UpdatePipeline.
        version: the version it becomes.

    Raises:
        ServiceError: what CodePipeline refuses, or `NotEmulated` for an action type that the local
            AWS cannot run.
    """
    pipeline = copy.deepcopy(given)
    pipeline["version"] = version
    pipeline.setdefault("pipelineType", "V1")
    pipeline.setdefault("executionMode", "SUPERSEDED")
    if not _NAME.fullmatch(pipeline["name"]):
        raise ServiceError("ValidationException", f"Invalid pipeline name: {pipeline['name']}")
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        raise _structure("Exactly one of artifactStore and artifactStores must be given")
    if pipeline["pipelineType"] == "V1":
        for key in ("variables", "triggers"):
            if pipeline.get(key):
                raise _structure(f"{key} need pipeline type V2")
        if pipeline["executionMode"] != "SUPERSEDED":
            raise _structure(f"Execution mode {pipeline['executionMode']} needs pipeline type V2")
    _check_stages(pipeline["stages"])
    _check_triggers(pipeline)
    return pipeline


def _structure(message: str) -> ServiceError:
    return ServiceError("InvalidStructureException", message)


def _check_stages(stages: list[dict[str, Any]]) -> None:
    if len(stages) < 2:
        raise _structure("Pipeline should have at least 2 stages")
    if len({stage["name"] for stage in stages}) != len(stages):
        raise ServiceError("InvalidStageDeclarationException", "Stage names must be unique")
    produced: set[str] = set()
    for index, stage in enumerate(stages):
        if not stage["actions"]:
            raise ServiceError(
                "InvalidStageDeclarationException", f"Stage {stage['name']} has no actions"
            )
        if len({action["name"] for action in stage["actions"]}) != len(stage["actions"]):
            raise ServiceError(
                "InvalidStageDeclarationException",
                f"Action names must be unique in stage {stage['name']}",
            )
        for action in sorted(stage["actions"], key=lambda one: one.get("runOrder", 1)):
            _check_action(action, first=index == 0, produced=produced)


def _check_action(action: dict[str, Any], *, first: bool, produced: set[str]) -> None:
    action.setdefault("runOrder", 1)
    action.setdefault("configuration", {})
    action.setdefault("inputArtifacts", [])
    action.setdefault("outputArtifacts", [])
    kind = action["actionTypeId"]
    source = kind["category"] == "Source"
    if source != first:
        raise ServiceError(
            "InvalidStageDeclarationException",
            "Source actions belong into the first stage, and no others do",
        )
    if (kind["category"], kind["provider"]) not in PROVIDERS:
        raise ServiceError(
            "NotEmulated",
            f"CodePipeline action {kind['category']}/{kind['provider']} is not emulated by the "
            "local AWS",
            status=501,
        )
    for artifact in action["inputArtifacts"]:
        if artifact["name"] not in produced:
            raise ServiceError(
                "InvalidActionDeclarationException",
                f"Action {action['name']} uses artifact {artifact['name']}, "
                "which no earlier action makes",
            )
    for artifact in action["outputArtifacts"]:
        if artifact["name"] in produced:
            raise ServiceError(
                "InvalidActionDeclarationException",
                f"Artifact {artifact['name']} is made by more than one action",
            )
        produced.add(artifact["name"])


def _check_triggers(pipeline: dict[str, Any]) -> None:
    names = {action["name"] for action in pipeline["stages"][0]["actions"]}
    for trigger in pipeline.get("triggers", []):
        action = trigger["gitConfiguration"]["sourceActionName"]
        if action not in names:
            raise _structure(f"Trigger names source action {action}, which the pipeline lacks")
