"""AWS::CodePipeline::Pipeline."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)


class Pipeline(ResourceHandler):
    """A pipeline, V1 or V2."""

    type = "AWS::CodePipeline::Pipeline"
    volatile = True
    extra_attributes: ClassVar[frozenset[str]] = frozenset({"Version", "Arn"})

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the pipeline; CodePipeline itself starts the first execution."""
        client = ctx.client("codepipeline")
        name = properties.get("Name") or ctx.name(100)
        request = self._request(client, name, properties)
        if properties.get("Tags"):
            request["tags"] = [_lower(tag) for tag in properties["Tags"]]
        pipeline = client.create_pipeline(**request)["pipeline"]
        ctx.report(name)
        self._transitions(client, name, {}, properties)
        return self._pipeline(ctx, name, pipeline)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Replace the structure of the pipeline."""
        client, name = ctx.client("codepipeline"), ctx.physical_id
        pipeline = client.update_pipeline(**self._request(client, name, new))["pipeline"]
        before = {tag["Key"]: tag["Value"] for tag in old.get("Tags") or ()}
        after = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or ()}
        arn = ctx.arn("codepipeline", name)
        if after != before and after:
            client.tag_resource(resourceArn=arn, tags=[_lower(tag) for tag in new["Tags"]])
        if gone := sorted(before.keys() - after.keys()):
            client.untag_resource(resourceArn=arn, tagKeys=gone)
        self._transitions(client, name, old, new)
        if new.get("RestartExecutionOnUpdate"):
            client.start_pipeline_execution(name=name)
        return self._pipeline(ctx, name, pipeline)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the pipeline."""
        del properties
        client = ctx.client("codepipeline")
        client.get_pipeline(name=ctx.physical_id)  # DeletePipeline answers for missing ones too
        client.delete_pipeline(name=ctx.physical_id)

    def _request(self, client: Any, name: str, properties: Properties) -> dict[str, Any]:
        structure = {
            key: value
            for key, value in properties.items()
            if key not in ("Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions")
        }
        structure["Name"] = name
        if "ArtifactStores" in structure:
            structure["ArtifactStores"] = {
                store["Region"]: store["ArtifactStore"] for store in structure["ArtifactStores"]
            }
        structure["Stages"] = [_stage(stage) for stage in structure["Stages"]]
        return to_request(client, "CreatePipeline", {"Pipeline": structure})

    def _transitions(self, client: Any, name: str, old: Properties, new: Properties) -> None:
        before = {t["StageName"]: t for t in old.get("DisableInboundStageTransitions", [])}
        after = {t["StageName"]: t for t in new.get("DisableInboundStageTransitions", [])}
        for stage, item in after.items():
            if before.get(stage) != item:
                client.disable_stage_transition(
                    pipelineName=name,
                    stageName=stage,
                    transitionType="Inbound",
                    reason=item["Reason"],
                )
        for stage in before.keys() - after.keys():
            client.enable_stage_transition(
                pipelineName=name, stageName=stage, transitionType="Inbound"
            )

    def _pipeline(self, ctx: Context, name: str, pipeline: dict[str, Any]) -> Created:
        return Created(
            physical_id=name,
            attributes={
                "Version": str(pipeline.get("version", 1)),
                "Arn": ctx.arn("codepipeline", name),
            },
        )


def _stage(stage: Properties) -> dict[str, Any]:
    result = dict(stage)
    result["Actions"] = [_action(action) for action in stage["Actions"]]
    return result


def _action(action: Properties) -> dict[str, Any]:
    result = dict(action)
    configuration = result.get("Configuration", {})
    if not isinstance(configuration, dict):
        raise HandlerError(f"Configuration of action {action['Name']} must be an object.")
    return result


def _lower(tag: Properties) -> dict[str, str]:
    return {"key": tag["Key"], "value": tag["Value"]}


HANDLERS = (Pipeline(),)
