"""AWS::CloudFormation::WaitConditionHandle and WaitCondition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, cast

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)

if TYPE_CHECKING:
    from catalog.localaws.cloudformation.responses import Responses


def _responses(ctx: Context) -> Responses:
    responses = ctx.aws.service("cloudformation").responses  # type: ignore[attr-defined]
    return cast("Responses", responses)


class WaitConditionHandle(ResourceHandler):
    """A URL that takes signals."""

    type = "AWS::CloudFormation::WaitConditionHandle"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Open the URL; `Ref` yields it."""
        del properties
        responses = _responses(ctx)
        url = responses.url(ctx.aws.endpoint_url, responses.open())
        return Created(physical_id=url, attributes={"Id": url})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Keep the URL."""
        del old, new
        return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Close the URL."""
        del properties
        _responses(ctx).close(ctx.physical_id.rsplit("/", 1)[-1])


class WaitCondition(ResourceHandler):
    """Waits until a handle has its signals."""

    type = "AWS::CloudFormation::WaitCondition"
    extra_attributes: ClassVar[frozenset[str]] = frozenset({"Data"})

    def problems(self, properties: Properties) -> list[str]:
        """Return what is wrong, the two properties included that only the engine needs."""
        missing = [name for name in ("Handle", "Timeout") if name not in properties]
        return [
            *(f"#: required key [{name}] not found" for name in missing),
            *super().problems(properties),
        ]

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Wait for the signals."""
        box = _responses(ctx).find(properties["Handle"])
        if box is None:
            raise HandlerError(f"Invalid wait condition handle: {properties['Handle']}")
        name = f"{ctx.stack.id}/{ctx.logical_id}"
        ctx.report(name)
        count, timeout = int(properties.get("Count", 1)), int(properties["Timeout"])
        signals: dict[str, dict[str, Any]] = {}

        def enough() -> bool:
            for message in list(box.messages):
                signals.setdefault(str(message.get("UniqueId")), message)
            return len(signals) >= count or any(
                message.get("Status") != "SUCCESS" for message in signals.values()
            )

        try:
            ctx.wait(enough, seconds=timeout, what="signals")
        except HandlerError:
            raise HandlerError(
                f"WaitCondition timed out. Received {len(signals)} conditions when expecting "
                f"{count}"
            ) from None
        for unique_id, message in signals.items():
            if message.get("Status") != "SUCCESS":
                raise HandlerError(
                    f"WaitCondition received failed message: '{message.get('Reason', '')}' for "
                    f"uniqueId: {unique_id}"
                )
        data = {unique_id: message.get("Data", "") for unique_id, message in signals.items()}
        return Created(physical_id=name, attributes={"Data": json.dumps(data), "Id": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Refuse: AWS does not update wait conditions."""
        del ctx, old, new
        raise HandlerError(
            "Update to resource type AWS::CloudFormation::WaitCondition is not supported."
        )

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Do nothing: a condition that was met leaves nothing."""
        del ctx, properties


HANDLERS = (WaitConditionHandle(), WaitCondition())
