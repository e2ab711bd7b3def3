"""AWS::SageMaker::Model, EndpointConfig, Endpoint and FeatureGroup."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.resources.api import call, to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)
from catalog.localaws.cloudformation.resources.sagemaker import sync_tags

_WAIT_SECONDS = 600.0


class _Named(ResourceHandler):
    """A SageMaker resource that is made by one call and known by its name."""

    noun: str
    property: str
    only_on_update: frozenset[str] = frozenset()

    def has_attribute(self, attribute: str) -> bool:
        """Return whether `Fn::GetAtt` knows the attribute: the name is one, beyond the schema."""
        return attribute == self.property or super().has_attribute(attribute)

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the resource."""
        client = ctx.client("sagemaker")
        name = properties.get(self.property) or ctx.name(63)
        operation = f"Create{self.noun}"
        asked = {k: v for k, v in properties.items() if k not in self.only_on_update}
        response = call(
            client, operation, to_request(client, operation, {**asked, self.property: name})
        )
        arn = response[f"{self.noun}Arn"]
        ctx.report(arn)
        return self._created(ctx, name, arn)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the tags, the only thing that can change."""
        sync_tags(ctx.client("sagemaker"), ctx.physical_id, old, new)
        name = ctx.physical_id.rsplit("/", 1)[-1]
        return self._created(ctx, name, ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the resource."""
        name = ctx.attributes.get(self.property) or properties.get(self.property)
        name = name or ctx.physical_id.rsplit("/", 1)[-1]
        call(ctx.client("sagemaker"), f"Delete{self.noun}", {f"{self.noun}Name": name})

    def _created(self, ctx: Context, name: str, arn: str) -> Created:
        del ctx
        return Created(physical_id=arn, attributes={self.property: name, "Id": arn})


class Model(_Named):
    """A model."""

    type = "AWS::SageMaker::Model"
    noun = "Model"
    property = "ModelName"


class EndpointConfig(_Named):
    """An endpoint configuration."""

    type = "AWS::SageMaker::EndpointConfig"
    noun = "EndpointConfig"
    property = "EndpointConfigName"


class Endpoint(_Named):
    """An endpoint; waits until it is in service."""

    type = "AWS::SageMaker::Endpoint"
    noun = "Endpoint"
    property = "EndpointName"
    handled = frozenset(
        {
            "DeploymentConfig",
            "EndpointConfigName",
            "EndpointName",
            "ExcludeRetainedVariantProperties",
            "RetainAllVariantProperties",
            "Tags",
        }
    )
    only_on_update = frozenset({"ExcludeRetainedVariantProperties", "RetainAllVariantProperties"})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Deploy another endpoint configuration."""
        client = ctx.client("sagemaker")
        name = ctx.attributes["EndpointName"]
        if {**old, "Tags": None} != {**new, "Tags": None}:
            request = to_request(
                client, "UpdateEndpoint", {**new, "EndpointName": name}, omit={"Tags"}
            )
            client.update_endpoint(**request)
        sync_tags(client, ctx.physical_id, old, new)
        return self._created(ctx, name, ctx.physical_id)

    def _created(self, ctx: Context, name: str, arn: str) -> Created:
        client = ctx.client("sagemaker")
        _wait_for(ctx, lambda: client.describe_endpoint(EndpointName=name)["EndpointStatus"])
        return Created(physical_id=arn, attributes={"EndpointName": name, "EndpointArn": arn})


class FeatureGroup(_Named):
    """A feature group."""

    type = "AWS::SageMaker::FeatureGroup"
    noun = "FeatureGroup"
    property = "FeatureGroupName"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the group; its name is its physical id."""
        client = ctx.client("sagemaker")
        request = to_request(client, "CreateFeatureGroup", properties)
        client.create_feature_group(**request)
        name = properties["FeatureGroupName"]
        ctx.report(name)
        return self._group(ctx, name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Add features, change throughput, TTL and tags."""
        client, name = ctx.client("sagemaker"), ctx.physical_id
        before = old["FeatureDefinitions"]
        added = [item for item in new["FeatureDefinitions"] if item not in before]
        if any(item not in new["FeatureDefinitions"] for item in before):
            raise HandlerError("Features of a feature group cannot be removed or changed.")
        request: dict[str, Any] = {"FeatureGroupName": name}
        if added:
            request["FeatureAdditions"] = added
        for key in ("OnlineStoreConfig", "ThroughputConfig"):
            if key in new and old.get(key) != new[key]:
                request[key] = {k: v for k, v in new[key].items() if k == "TtlDuration"} or new[key]
        if len(request) > 1:
            client.update_feature_group(**request)
        sync_tags(client, ctx.arn("sagemaker", f"feature-group/{name}"), old, new)
        return self._group(ctx, name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the group."""
        del properties
        ctx.client("sagemaker").delete_feature_group(FeatureGroupName=ctx.physical_id)

    def _group(self, ctx: Context, name: str) -> Created:
        client = ctx.client("sagemaker")
        found = _wait_for(
            ctx, lambda: client.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"]
        )
        created = client.describe_feature_group(FeatureGroupName=name)["CreationTime"]
        return Created(
            physical_id=name,
            attributes={"FeatureGroupStatus": found, "CreationTime": created.isoformat()},
        )


def _wait_for(ctx: Context, read: Any) -> str:
    """Wait for a status that is final; return it."""
    status = ""

    def final() -> bool:
        nonlocal status
        try:
            status = str(read())
        except ClientError as error:
            raise HandlerError(str(error)) from error
        return not status.endswith("ing")

    ctx.wait(final, seconds=_WAIT_SECONDS, what="a final status")
    if status == "Failed" or status.endswith("Failed"):
        raise HandlerError(f"The resource is in the status {status}.")
    return status


HANDLERS = (Model(), EndpointConfig(), Endpoint(), FeatureGroup())
