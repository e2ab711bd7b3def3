"""AWS::Athena::WorkGroup."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)


class WorkGroup(ResourceHandler):
    """An Athena workgroup."""

    type = "AWS::Athena::WorkGroup"
    handled = frozenset(
        {"Description", "Name", "RecursiveDeleteOption", "State", "Tags", "WorkGroupConfiguration"}
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the workgroup."""
        client = ctx.client("athena")
        given = dict(properties)
        given["Configuration"] = given.pop("WorkGroupConfiguration", {})
        request = to_request(
            client, "CreateWorkGroup", given, omit={"RecursiveDeleteOption", "State"}
        )
        client.create_work_group(**request)
        ctx.report(properties["Name"])
        if properties.get("State") == "DISABLED":
            client.update_work_group(WorkGroup=properties["Name"], State="DISABLED")
        return self._group(client, properties["Name"])

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change description, state, configuration and tags."""
        client, name = ctx.client("athena"), ctx.physical_id
        request: dict[str, Any] = {"WorkGroup": name}
        if changed(old, new, "Description"):
            request["Description"] = new.get("Description", "")
        if changed(old, new, "State"):
            request["State"] = new.get("State", "ENABLED")
        if changed(old, new, "WorkGroupConfiguration"):
            request["ConfigurationUpdates"] = to_request(
                client,
                "UpdateWorkGroup",
                {"ConfigurationUpdates": new.get("WorkGroupConfiguration", {})},
                rename={"ResultConfiguration": "ResultConfigurationUpdates"},
            )["ConfigurationUpdates"]
        if len(request) > 1:
            client.update_work_group(**request)
        upsert, removed = tag_changes(old, new)
        arn = ctx.arn("athena", f"workgroup/{name}")
        if upsert:
            client.tag_resource(ResourceARN=arn, Tags=upsert)
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)
        return self._group(client, name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the workgroup."""
        recursive = bool(properties.get("RecursiveDeleteOption", False))
        client = ctx.client("athena")
        client.get_work_group(WorkGroup=ctx.physical_id)
        client.delete_work_group(WorkGroup=ctx.physical_id, RecursiveDeleteOption=recursive)

    def _group(self, client: Any, name: str) -> Created:
        found = client.get_work_group(WorkGroup=name)["WorkGroup"]
        engine = found.get("Configuration", {}).get("EngineVersion", {})
        created = found.get("CreationTime")
        return Created(
            physical_id=name,
            attributes={
                "CreationTime": str(int(created.timestamp())) if created else "",
                "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": engine.get(
                    "EffectiveEngineVersion", ""
                ),
            },
        )


HANDLERS = (WorkGroup(),)
