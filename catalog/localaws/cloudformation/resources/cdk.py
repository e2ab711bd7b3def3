"""AWS::CDK::Metadata: what the CDK reports about itself; CloudFormation makes nothing of it."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
)


class Metadata(ResourceHandler):
    """A resource that exists only in the stack, as on AWS."""

    type = "AWS::CDK::Metadata"
    published_schema = False

    def problems(self, properties: Properties) -> list[str]:
        """Return what is wrong: anything but Analytics."""
        return [
            f"#: extraneous key [{name}] is not permitted"
            for name in properties
            if name != "Analytics"
        ]

    def has_attribute(self, attribute: str) -> bool:
        """Return False: there is nothing to ask for."""
        del attribute
        return False

    def effective(self, properties: Properties, tags: Any) -> dict[str, Any]:
        """Return the properties as they are."""
        del tags
        return dict(properties)

    def replacement(self, old: Properties, new: Properties) -> str:
        """Return "False"."""
        del old, new
        return "False"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Give the resource an id."""
        del properties
        return Created(physical_id=ctx.name(128))

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Keep the id."""
        del old, new
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Do nothing: there is nothing."""
        del ctx, properties


HANDLERS = (Metadata(),)
