"""AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
)

_SERVICE = "application-autoscaling"


class ScalableTarget(ResourceHandler):
    """A dimension of a resource that may be scaled."""

    type = "AWS::ApplicationAutoScaling::ScalableTarget"
    handled = frozenset(
        {
            "MaxCapacity",
            "MinCapacity",
            "ResourceId",
            "RoleARN",
            "ScalableDimension",
            "ServiceNamespace",
            "SuspendedState",
        }
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Register the target."""
        client = ctx.client(_SERVICE)
        client.register_scalable_target(**to_request(client, "RegisterScalableTarget", properties))
        name = "|".join(_identity(properties).values())
        ctx.report(name)
        return Created(physical_id=name, attributes={"Id": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Register it again with the new bounds."""
        del old
        return self.create(ctx, new)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Deregister the target."""
        ctx.client(_SERVICE).deregister_scalable_target(**_identity(properties))


def _identity(properties: Properties) -> dict[str, str]:
    return {
        name: properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
    }


class ScalingPolicy(ResourceHandler):
    """A policy of a scalable target."""

    type = "AWS::ApplicationAutoScaling::ScalingPolicy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Put the policy."""
        client = ctx.client(_SERVICE)
        request = to_request(
            client,
            "PutScalingPolicy",
            {**properties, **_place(properties)},
            omit={"ScalingTargetId"},
        )
        arn = client.put_scaling_policy(**request)["PolicyARN"]
        ctx.report(arn)
        return Created(physical_id=arn, attributes={"Arn": arn})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Put the policy again."""
        del old
        return self.create(ctx, new)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the policy."""
        ctx.client(_SERVICE).delete_scaling_policy(
            PolicyName=properties["PolicyName"], **_place(properties)
        )


def _place(properties: Properties) -> dict[str, Any]:
    """Return the target, which a template names in full or by the target's id."""
    if "ScalingTargetId" in properties:
        resource, dimension, namespace = properties["ScalingTargetId"].split("|")
        return {
            "ResourceId": resource,
            "ScalableDimension": dimension,
            "ServiceNamespace": namespace,
        }
    return dict(_identity(properties))


HANDLERS = (ScalableTarget(), ScalingPolicy())
