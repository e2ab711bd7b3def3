"""How GetPipelineState and ListActionExecutions show what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.localaws.codebuild.builds import S3Place
from catalog.localaws.codepipeline.executions import IN_PROGRESS, ActionExecution, Execution


def pipeline_state(
    declaration: dict[str, Any], executions: Sequence[Execution]
) -> list[dict[str, Any]]:
    """Return `stageStates`.

    Args:
        declaration: the pipeline as it is now.
        executions: all of them, oldest first.
    """
    return [_stage(stage, executions) for stage in declaration["stages"]]


def _stage(stage: dict[str, Any], executions: Sequence[Execution]) -> dict[str, Any]:
    name = stage["name"]
    shown: dict[str, Any] = {
        "stageName": name,
        "inboundTransitionState": {"enabled": True},
        "actionStates": [_action(name, action, executions) for action in stage["actions"]],
    }
    entered = [one for one in executions if name in one.stages]
    if entered:
        shown["latestExecution"] = {
            "pipelineExecutionId": entered[-1].id,
            "status": entered[-1].stages[name].status,
            "type": "STANDARD",
        }
    return shown


def _action(stage: str, action: dict[str, Any], executions: Sequence[Execution]) -> dict[str, Any]:
    shown: dict[str, Any] = {"actionName": action["name"]}
    for execution in reversed(executions):
        run = execution.stages.get(stage)
        record = run.latest(action["name"]) if run else None
        if record is None:
            continue
        shown["latestExecution"] = _latest(record)
        if record.revision:
            shown["currentRevision"] = {
                "revisionId": record.revision,
                "revisionChangeId": record.id,
                "created": record.updated,
            }
        break
    return shown


def _latest(record: ActionExecution) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "actionExecutionId": record.id,
        "status": record.status,
        "lastStatusChange": record.updated,
    }
    for key, value in (
        ("summary", record.summary),
        ("token", record.token if record.status == IN_PROGRESS else ""),
        ("lastUpdatedBy", record.updated_by),
        ("externalExecutionId", record.external_id),
        ("externalExecutionUrl", record.external_url),
    ):
        shown |= {key: value} if value else {}
    if record.error_code:
        shown["errorDetails"] = record.error()
    return shown


def action_execution(execution: Execution, record: ActionExecution) -> dict[str, Any]:
    """Return one of `actionExecutionDetails`."""
    declaration = record.declaration
    result: dict[str, Any] = {
        "externalExecutionId": record.external_id,
        "externalExecutionSummary": record.summary,
        "externalExecutionUrl": record.external_url,
    }
    if record.error_code:
        result["errorDetails"] = record.error()
    given: dict[str, Any] = {
        "actionTypeId": declaration["actionTypeId"],
        "configuration": declaration["configuration"],
        "resolvedConfiguration": record.configuration,
        "region": record.region,
        "inputArtifacts": [_artifact(name, place) for name, place in record.inputs.items()],
    }
    for key in ("roleArn", "namespace"):
        if key in declaration:
            given[key] = declaration[key]
    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": record.id,
        "pipelineVersion": execution.declaration["version"],
        "stageName": record.stage,
        "actionName": record.name,
        "startTime": record.start,
        "lastUpdateTime": record.updated,
        "updatedBy": record.updated_by,
        "status": record.status,
        "input": given,
        "output": {
            "outputArtifacts": [_artifact(name, place) for name, place in record.outputs.items()],
            "executionResult": result,
            "outputVariables": record.variables,
        },
    }


def _artifact(name: str, place: S3Place) -> dict[str, Any]:
    return {"name": name, "s3location": {"bucket": place.bucket, "key": place.key}}
