"""AWS::SSM::Parameter."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
)


class Parameter(ResourceHandler):
    """A String or StringList parameter."""

    type = "AWS::SSM::Parameter"
    volatile = True

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the parameter; one that exists is not overwritten."""
        ssm = ctx.client("ssm")
        name = properties.get("Name") or f"CFN-{ctx.name(500)}"
        request = _request(name, properties)
        if properties.get("Tags"):
            request["Tags"] = [{"Key": k, "Value": v} for k, v in properties["Tags"].items()]
        ssm.put_parameter(**request)
        ctx.report(name)
        return _parameter(name, properties)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Put a new version of the value; change the tags."""
        ssm, name = ctx.client("ssm"), ctx.physical_id
        if {**old, "Tags": None} != {**new, "Tags": None}:
            ssm.put_parameter(**_request(name, new), Overwrite=True)
        before, after = old.get("Tags") or {}, new.get("Tags") or {}
        upsert = [{"Key": k, "Value": v} for k, v in after.items() if before.get(k) != v]
        if upsert:
            ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=upsert)
        if gone := sorted(before.keys() - after.keys()):
            ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=gone)
        return _parameter(name, new)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the parameter."""
        del properties
        ctx.client("ssm").delete_parameter(Name=ctx.physical_id)


def _request(name: str, properties: Properties) -> dict[str, Any]:
    request: dict[str, Any] = {"Name": name}
    for key in ("Type", "Value", "Description", "AllowedPattern", "Tier", "Policies", "DataType"):
        if key in properties:
            request[key] = properties[key]
    return request


def _parameter(name: str, properties: Properties) -> Created:
    return Created(
        physical_id=name,
        attributes={"Type": properties["Type"], "Value": properties["Value"]},
    )


HANDLERS = (Parameter(),)
