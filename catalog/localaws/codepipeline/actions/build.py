"""Build and test actions: CodeBuild."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, cast

from catalog.localaws.codebuild.builds import PipelineArtifacts
from catalog.localaws.codepipeline.actions.base import (
    AbandonedError,
    ActionContext,
    ActionFailureError,
    Outcome,
)

if TYPE_CHECKING:
    from catalog.localaws.codebuild.service import CodeBuild


def codebuild(context: ActionContext) -> Outcome:
    """Run a build of a project whose source is CODEPIPELINE and wait for its end."""
    project = context.need("ProjectName")
    inputs = context.record.inputs
    primary = context.configuration.get("PrimarySource") or next(iter(inputs), "")
    if primary not in inputs:
        raise ActionFailureError(
            "ConfigurationError", f"PrimarySource {primary} is not an input artifact"
        )
    service = cast("CodeBuild", context.aws.service("codebuild"))
    token = str(uuid.uuid4())
    outputs = {name: context.new_place(name) for name in context.output_names()}
    service.hand_over(
        token,
        PipelineArtifacts(
            initiator=f"codepipeline/{context.execution.pipeline}",
            primary=primary,
            inputs=inputs,
            outputs=outputs,
            encryption_key=context.encryption_key(),
        ),
    )
    client = context.client("codebuild")
    started = context.ask(
        client.start_build,
        projectName=project,
        idempotencyToken=token,
        environmentVariablesOverride=_variables(context),
    )["build"]
    context.record.external_id = started["id"]
    build = service.build(account=context.account, region=context.region, build_id=started["id"])
    try:
        context.wait(build.finished)
    except AbandonedError:
        client.stop_build(id=started["id"])
        raise
    ended = context.ask(client.batch_get_builds, ids=[started["id"]])["builds"][0]
    if ended["buildStatus"] != "SUCCEEDED":
        raise ActionFailureError(
            "JobFailed",
            f"Build terminated with state: {ended['buildStatus']}. {_phase(ended)}",
        )
    exported = {item["name"]: item["value"] for item in ended["exportedEnvironmentVariables"]}
    return Outcome(
        outputs=outputs,
        variables={"CODEBUILD_BUILD_ID": started["id"], **exported},
        external_id=started["id"],
        external_url=ended["logs"].get("deepLink", ""),
    )


def _variables(context: ActionContext) -> list[dict[str, str]]:
    text = context.configuration.get("EnvironmentVariables", "[]")
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ActionFailureError(
            "ConfigurationError", f"EnvironmentVariables is not JSON: {error}"
        ) from error
    return [{"type": "PLAINTEXT", **item} for item in given]


def _phase(build: dict[str, Any]) -> str:
    """Say in which phase a build failed, and why."""
    for phase in build["phases"]:
        context = (phase.get("contexts") or [{}])[0]
        if context.get("statusCode"):
            return (
                f"Phase: {phase['phaseType']}, Code: {context['statusCode']}, "
                f"Message: {context['message']}"
            )
    return ""
