"""AWS::CloudWatch::Alarm."""

from __future__ import annotations

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
    tag_changes,
)


class Alarm(ResourceHandler):
    """A metric alarm."""

    type = "AWS::CloudWatch::Alarm"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Put the alarm."""
        name = properties.get("AlarmName") or ctx.name(255)
        client = ctx.client("cloudwatch")
        client.put_metric_alarm(
            **to_request(client, "PutMetricAlarm", {**properties, "AlarmName": name})
        )
        ctx.report(name)
        return self._alarm(ctx, name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Put the alarm again; PutMetricAlarm ignores the tags of one that exists."""
        client, name = ctx.client("cloudwatch"), ctx.physical_id
        client.put_metric_alarm(
            **to_request(client, "PutMetricAlarm", {**new, "AlarmName": name}, omit={"Tags"})
        )
        upsert, removed = tag_changes(old, new)
        arn = ctx.arn("cloudwatch", f"alarm:{name}")
        if upsert:
            client.tag_resource(ResourceARN=arn, Tags=upsert)
        if removed:
            client.untag_resource(ResourceARN=arn, TagKeys=removed)
        return self._alarm(ctx, name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the alarm."""
        del properties
        ctx.client("cloudwatch").delete_alarms(AlarmNames=[ctx.physical_id])

    def _alarm(self, ctx: Context, name: str) -> Created:
        arn = ctx.arn("cloudwatch", f"alarm:{name}")
        return Created(physical_id=name, attributes={"Arn": arn})


HANDLERS = (Alarm(),)
