"""AWS::Scheduler::Schedule."""

from __future__ import annotations

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
)


class Schedule(ResourceHandler):
    """An EventBridge Scheduler schedule."""

    type = "AWS::Scheduler::Schedule"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the schedule."""
        name = properties.get("Name") or ctx.name(64)
        client = ctx.client("scheduler")
        request = to_request(client, "CreateSchedule", {**properties, "Name": name})
        arn = client.create_schedule(**request)["ScheduleArn"]
        ctx.report(name)
        return Created(physical_id=name, attributes={"Arn": arn})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Replace every setting."""
        del old
        client = ctx.client("scheduler")
        request = to_request(client, "UpdateSchedule", {**new, "Name": ctx.physical_id})
        arn = client.update_schedule(**request)["ScheduleArn"]
        return Created(physical_id=ctx.physical_id, attributes={"Arn": arn})

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the schedule."""
        group = properties.get("GroupName")
        extra = {"GroupName": group} if group else {}
        ctx.client("scheduler").delete_schedule(Name=ctx.physical_id, **extra)


HANDLERS = (Schedule(),)
