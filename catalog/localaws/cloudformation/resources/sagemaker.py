"""AWS::SageMaker::ModelPackageGroup and AWS::SageMaker::Pipeline."""

from __future__ import annotations

import json
import uuid
from typing import Any

from catalog.localaws.cloudformation.resources.api import policy_text, to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)


def sync_tags(client: Any, arn: str, old: Properties, new: Properties) -> None:
    """Bring the tags of a SageMaker resource from `old` to `new`."""
    upsert, removed = tag_changes(old, new)
    if upsert:
        client.add_tags(ResourceArn=arn, Tags=upsert)
    if removed:
        client.delete_tags(ResourceArn=arn, TagKeys=removed)


class ModelPackageGroup(ResourceHandler):
    """A group of model versions, with its resource policy."""

    type = "AWS::SageMaker::ModelPackageGroup"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the group, then put its policy."""
        client = ctx.client("sagemaker")
        request = to_request(
            client, "CreateModelPackageGroup", properties, omit={"ModelPackageGroupPolicy"}
        )
        arn = client.create_model_package_group(**request)["ModelPackageGroupArn"]
        ctx.report(arn)
        self._policy(client, {}, properties)
        return self._group(client, properties)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change policy and tags."""
        client = ctx.client("sagemaker")
        self._policy(client, old, new)
        sync_tags(client, ctx.physical_id, old, new)
        return self._group(client, new)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the policy, then the group; SageMaker refuses one that holds versions."""
        client = ctx.client("sagemaker")
        self._policy(
            client, properties, {"ModelPackageGroupName": properties["ModelPackageGroupName"]}
        )
        client.delete_model_package_group(ModelPackageGroupName=properties["ModelPackageGroupName"])

    def _policy(self, client: Any, old: Properties, new: Properties) -> None:
        if not changed(old, new, "ModelPackageGroupPolicy"):
            return
        name = new["ModelPackageGroupName"]
        if new.get("ModelPackageGroupPolicy"):
            client.put_model_package_group_policy(
                ModelPackageGroupName=name,
                ResourcePolicy=policy_text(new["ModelPackageGroupPolicy"]),
            )
        else:
            client.delete_model_package_group_policy(ModelPackageGroupName=name)

    def _group(self, client: Any, properties: Properties) -> Created:
        found = client.describe_model_package_group(
            ModelPackageGroupName=properties["ModelPackageGroupName"]
        )
        return Created(
            physical_id=found["ModelPackageGroupArn"],
            attributes={
                "ModelPackageGroupArn": found["ModelPackageGroupArn"],
                "ModelPackageGroupStatus": found["ModelPackageGroupStatus"],
                "CreationTime": found["CreationTime"].isoformat(),
            },
        )


class Pipeline(ResourceHandler):
    """A SageMaker pipeline."""

    type = "AWS::SageMaker::Pipeline"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the pipeline."""
        client = ctx.client("sagemaker")
        request = self._request(client, "CreatePipeline", properties)
        request["ClientRequestToken"] = str(uuid.uuid4())
        client.create_pipeline(**request)
        ctx.report(properties["PipelineName"])
        return Created(physical_id=properties["PipelineName"])

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the definition and the settings."""
        client = ctx.client("sagemaker")
        client.update_pipeline(**self._request(client, "UpdatePipeline", new))
        sync_tags(client, ctx.arn("sagemaker", f"pipeline/{ctx.physical_id}"), old, new)
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the pipeline."""
        del properties
        ctx.client("sagemaker").delete_pipeline(
            PipelineName=ctx.physical_id, ClientRequestToken=str(uuid.uuid4())
        )

    def _request(self, client: Any, operation: str, properties: Properties) -> dict[str, Any]:
        omit = {"PipelineDefinition"}
        if operation == "UpdatePipeline":
            omit.add("Tags")
        request = to_request(client, operation, properties, omit=omit)
        definition = properties["PipelineDefinition"]
        if not isinstance(definition, dict):
            raise HandlerError("PipelineDefinition must be an object.")
        if "PipelineDefinitionBody" in definition:
            body = definition["PipelineDefinitionBody"]
            request["PipelineDefinition"] = body if isinstance(body, str) else json.dumps(body)
        else:
            request["PipelineDefinitionS3Location"] = to_request(
                client,
                operation,
                {"PipelineDefinitionS3Location": definition["PipelineDefinitionS3Location"]},
                rename={"Key": "ObjectKey", "Version": "VersionId"},
            )["PipelineDefinitionS3Location"]
        return request


HANDLERS = (ModelPackageGroup(), Pipeline())
