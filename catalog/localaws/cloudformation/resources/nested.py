"""AWS::CloudFormation::Stack: a stack within a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)

if TYPE_CHECKING:
    from catalog.localaws.cloudformation.service import CloudFormation

_WAIT_SECONDS = 3600.0


class NestedStack(ResourceHandler):
    """Runs through the ordinary stack operations, as the parent's caller."""

    type = "AWS::CloudFormation::Stack"
    volatile = True
    handled = frozenset(
        {"NotificationARNs", "Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"}
    )

    def problems(self, properties: Properties) -> list[str]:
        """Return what is wrong; the schema itself does not insist on a template."""
        missing = [] if "TemplateURL" in properties else ["#: required key [TemplateURL] not found"]
        return [*missing, *super().problems(properties)]

    def has_attribute(self, attribute: str) -> bool:
        """Return whether it is an output; which ones there are is known once it ran."""
        return attribute.startswith("Outputs.")

    def replacement(self, old: Properties, new: Properties) -> str:
        """Return "False": a nested stack is always updated in place."""
        del old, new
        return "False"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Create the stack and wait for it."""
        request = self._request(ctx, properties)
        request["StackName"] = ctx.name(128)
        request["DisableRollback"] = ctx.stack.disable_rollback
        if properties.get("TimeoutInMinutes"):
            request["TimeoutInMinutes"] = properties["TimeoutInMinutes"]
        stack_id = ctx.client("cloudformation").create_stack(**request)["StackId"]
        service = cast("CloudFormation", ctx.aws.service("cloudformation"))
        service.link_nested(child_id=stack_id, parent=ctx.stack)
        ctx.report(stack_id)
        return self._wait(ctx, stack_id, "CREATE_COMPLETE")

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Update the stack and wait for it."""
        del old
        request = self._request(ctx, new)
        try:
            ctx.client("cloudformation").update_stack(StackName=ctx.physical_id, **request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
            return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)
        return self._wait(ctx, ctx.physical_id, "UPDATE_COMPLETE")

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Delete the stack and wait until it is gone."""
        del properties
        ctx.client("cloudformation").delete_stack(StackName=ctx.physical_id)
        self._wait(ctx, ctx.physical_id, "DELETE_COMPLETE")

    def _request(self, ctx: Context, properties: Properties) -> dict[str, Any]:
        parameters = properties.get("Parameters", {})
        request: dict[str, Any] = {
            "TemplateURL": properties["TemplateURL"],
            "Parameters": [
                {
                    "ParameterKey": name,
                    "ParameterValue": ",".join(value) if isinstance(value, list) else str(value),
                }
                for name, value in parameters.items()
            ],
            "Tags": properties.get("Tags", []),
            "Capabilities": list(ctx.stack.settings.capabilities),
        }
        if ctx.stack.settings.role_arn:
            request["RoleARN"] = ctx.stack.settings.role_arn
        if properties.get("NotificationARNs"):
            request["NotificationARNs"] = properties["NotificationARNs"]
        return request

    def _wait(self, ctx: Context, stack_id: str, wanted: str) -> Created:
        # The engine's own view: waiting is CloudFormation's business, not a call of the caller's.
        service = cast("CloudFormation", ctx.aws.service("cloudformation"))
        child = service.state_of(ctx.account, ctx.region).stacks[stack_id]
        ctx.wait(
            lambda: not child.status.endswith("_IN_PROGRESS"),
            seconds=_WAIT_SECONDS,
            what=f"Embedded stack {stack_id}",
        )
        if child.status != wanted:
            reasons = [
                f"{event.reason}"
                for event in child.events
                if event.status.endswith("_FAILED") and event.reason
            ]
            detail = f": {reasons[0]}" if reasons else ""
            raise HandlerError(
                f"Embedded stack {stack_id} was not successfully "
                f"{wanted.split('_', maxsplit=1)[0].lower().rstrip('e')}ed{detail}"
            )
        outputs = {o["OutputKey"]: o["OutputValue"] for o in child.outputs}
        return Created(
            physical_id=stack_id,
            attributes={f"Outputs.{name}": value for name, value in outputs.items()},
        )


HANDLERS = (NestedStack(),)
