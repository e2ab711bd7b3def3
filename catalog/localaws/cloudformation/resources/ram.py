"""AWS::RAM::ResourceShare."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
    tag_changes,
)


class ResourceShare(ResourceHandler):
    """Resources shared with other accounts."""

    type = "AWS::RAM::ResourceShare"
    handled = frozenset(
        {"AllowExternalPrincipals", "Name", "Principals", "ResourceArns", "Sources", "Tags"}
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the share with its principals and resources."""
        client = ctx.client("ram")
        share = client.create_resource_share(
            **to_request(client, "CreateResourceShare", properties)
        )["resourceShare"]
        ctx.report(share["resourceShareArn"])
        return _share(share)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the name, what is shared and with whom."""
        client, arn = ctx.client("ram"), ctx.physical_id
        external = new.get("AllowExternalPrincipals", True)
        share = client.update_resource_share(
            resourceShareArn=arn, name=new["Name"], allowExternalPrincipals=external
        )["resourceShare"]
        for key, member in (("ResourceArns", "resourceArns"), ("Principals", "principals")):
            before, after = set(old.get(key) or ()), set(new.get(key) or ())
            if after - before:
                client.associate_resource_share(
                    resourceShareArn=arn, **{member: sorted(after - before)}
                )
            if before - after:
                client.disassociate_resource_share(
                    resourceShareArn=arn, **{member: sorted(before - after)}
                )
        upsert, removed = tag_changes(old, new)
        if upsert:
            client.tag_resource(resourceShareArn=arn, tags=_lower(upsert))
        if removed:
            client.untag_resource(resourceShareArn=arn, tagKeys=removed)
        return _share(share)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the share."""
        del properties
        ctx.client("ram").delete_resource_share(resourceShareArn=ctx.physical_id)


def _lower(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]


def _share(share: dict[str, Any]) -> Created:
    arn = share["resourceShareArn"]
    return Created(
        physical_id=arn,
        attributes={
            "Arn": arn,
            "OwningAccountId": share.get("owningAccountId", ""),
            "Status": share.get("status", ""),
        },
    )


HANDLERS = (ResourceShare(),)
