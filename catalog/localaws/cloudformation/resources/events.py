"""AWS::Events::Rule."""

from __future__ import annotations

import json
from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    tag_changes,
)


class Rule(ResourceHandler):
    """A rule and its targets."""

    type = "AWS::Events::Rule"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the rule, then add its targets."""
        client = ctx.client("events")
        name = properties.get("Name") or ctx.name(64)
        bus = properties.get("EventBusName", "default")
        physical = name if bus == "default" else f"{bus}|{name}"
        request = self._rule(client, name, properties)
        if properties.get("Tags"):
            request["Tags"] = properties["Tags"]
        arn = client.put_rule(**request)["RuleArn"]
        ctx.report(physical)
        self._targets(client, name, bus, {}, properties)
        return _created(physical, name, arn)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Replace the rule's settings and bring the targets to the template's."""
        client = ctx.client("events")
        name = ctx.physical_id.rsplit("|", 1)[-1]
        bus = new.get("EventBusName", "default")
        arn = client.put_rule(**self._rule(client, name, new))["RuleArn"]
        self._targets(client, name, bus, old, new)
        upsert, removed = tag_changes(old, new)
        if upsert:
            client.tag_resource(ResourceARN=arn, Tags=upsert)
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)
        return _created(ctx.physical_id, name, arn)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the targets, then the rule."""
        client = ctx.client("events")
        name = ctx.physical_id.rsplit("|", 1)[-1]
        bus = properties.get("EventBusName", "default")
        client.describe_rule(Name=name, EventBusName=bus)
        self._targets(client, name, bus, properties, {})
        client.delete_rule(Name=name, EventBusName=bus)

    def _rule(self, client: Any, name: str, properties: Properties) -> dict[str, Any]:
        request = to_request(
            client, "PutRule", {**properties, "Name": name}, omit={"Targets", "Tags"}
        )
        if isinstance(properties.get("EventPattern"), dict):
            request["EventPattern"] = json.dumps(properties["EventPattern"])
        return request

    def _targets(self, client: Any, name: str, bus: str, old: Properties, new: Properties) -> None:
        wanted = new.get("Targets") or []
        gone = {t["Id"] for t in old.get("Targets") or ()} - {t["Id"] for t in wanted}
        if gone:
            client.remove_targets(Rule=name, EventBusName=bus, Ids=sorted(gone))
        if wanted:
            request = to_request(
                client, "PutTargets", {"Rule": name, "EventBusName": bus, "Targets": wanted}
            )
            failed = client.put_targets(**request)["FailedEntries"]
            if failed:
                raise HandlerError(f"Failed to add targets: {failed}")


def _created(physical: str, name: str, arn: str) -> Created:
    return Created(physical_id=physical, attributes={"Arn": arn, "RuleName": name})


HANDLERS = (Rule(),)
