"""Operations that only look: stacks, resources, events, templates, exports."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation import views
from catalog.localaws.cloudformation.base_service import CloudFormationBase
from catalog.localaws.cloudformation.model import State
from catalog.localaws.cloudformation.outputs import importers
from catalog.localaws.cloudformation.requests import checked_template, template_text
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.core.service import Call, ServiceError, paginate

_PAGE = 100


def _bad_token() -> ServiceError:
    return validation_error("Invalid NextToken")


class ReadingOperations(CloudFormationBase):
    """Describe, List, Get and Validate."""

    def describe_stacks(self, call: Call) -> dict[str, Any]:
        """DescribeStacks."""
        state: State = self.state(call)
        if call.params.get("StackName"):
            return {"Stacks": [views.stack_view(self.find_stack(call, call.params["StackName"]))]}
        living = [s for s in list(state.stacks.values()) if s.status != "DELETE_COMPLETE"]
        newest = sorted(living, key=lambda stack: stack.created, reverse=True)
        return self._page(call, "Stacks", [views.stack_view(stack) for stack in newest])

    def list_stacks(self, call: Call) -> dict[str, Any]:
        """ListStacks."""
        state: State = self.state(call)
        wanted = call.params.get("StackStatusFilter")
        stacks = sorted(state.stacks.values(), key=lambda s: s.created, reverse=True)
        found = [views.summary_view(s) for s in stacks if not wanted or s.status in wanted]
        return self._page(call, "StackSummaries", found)

    def describe_stack_events(self, call: Call) -> dict[str, Any]:
        """DescribeStackEvents, newest first."""
        name = call.params["StackName"]
        stack = self.find_stack(call, name, message=f"Stack [{name}] does not exist")
        events = [views.event_view(stack, event) for event in reversed(list(stack.events))]
        return self._page(call, "StackEvents", events)

    def describe_stack_resources(self, call: Call) -> dict[str, Any]:
        """DescribeStackResources."""
        state: State = self.state(call)
        name, physical = call.params.get("StackName"), call.params.get("PhysicalResourceId")
        if (name is None) == (physical is None):
            raise validation_error(
                "Either StackName or PhysicalResourceId must be specified, not both."
            )
        stacks = [self.find_stack(call, name)] if name else list(state.stacks.values())
        wanted = call.params.get("LogicalResourceId")
        if physical is not None:
            stacks = [
                s
                for s in stacks
                if s.status != "DELETE_COMPLETE"
                and any(r.physical_id == physical for r in s.resources.values())
            ]
            if not stacks:
                raise validation_error(f"Stack for {physical} does not exist")
        found = [
            views.resource_view(stack, resource)
            for stack in stacks
            for resource in list(stack.resources.values())
            if wanted is None or resource.logical_id == wanted
        ]
        return {"StackResources": found[:_PAGE]}

    def describe_stack_resource(self, call: Call) -> dict[str, Any]:
        """DescribeStackResource."""
        name, logical_id = call.params["StackName"], call.params["LogicalResourceId"]
        stack = self.find_stack(call, name, message=f"Stack '{name}' does not exist")
        resource = stack.resources.get(logical_id)
        if resource is None:
            raise validation_error(f"Resource {logical_id} does not exist for stack {stack.name}")
        return {"StackResourceDetail": views.detail_view(stack, resource)}

    def list_stack_resources(self, call: Call) -> dict[str, Any]:
        """ListStackResources."""
        stack = self.find_stack(call, call.params["StackName"])
        found = [views.resource_summary(r) for r in list(stack.resources.values())]
        return self._page(call, "StackResourceSummaries", found)

    def get_template(self, call: Call) -> dict[str, Any]:
        """GetTemplate: the text as it was submitted."""
        name, change_set = call.params.get("StackName"), call.params.get("ChangeSetName")
        if change_set:
            settings = self.find_change_set(call).settings
        elif name:
            settings = self.find_stack(call, name).settings
        else:
            raise validation_error("StackName is required if ChangeSetName is not specified.")
        return {
            "TemplateBody": settings.template.body,
            "StagesAvailable": ["Original", "Processed"],
        }

    def find_change_set(self, call: Call) -> Any:
        """Return the change set that a request names (see ChangeSetOperations)."""
        raise NotImplementedError

    def get_template_summary(self, call: Call) -> dict[str, Any]:
        """GetTemplateSummary, of a stack or of a template."""
        if call.params.get("StackName"):
            stack = self.find_stack(call, call.params["StackName"])
            return views.template_summary(stack.settings.template)
        return views.template_summary(checked_template(template_text(call)))

    def validate_template(self, call: Call) -> dict[str, Any]:
        """ValidateTemplate."""
        return views.validation_view(checked_template(template_text(call)))

    def list_exports(self, call: Call) -> dict[str, Any]:
        """ListExports."""
        state: State = self.state(call)
        found = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value}
            for name, (value, stack) in sorted(state.exports().items())
        ]
        return self._page(call, "Exports", found)

    def list_imports(self, call: Call) -> dict[str, Any]:
        """ListImports."""
        state: State = self.state(call)
        name = call.params["ExportName"]
        users = sorted(stack.name for stack in importers(state, name))
        if not users:
            raise validation_error(f"Export '{name}' is not imported by any stack.")
        return self._page(call, "Imports", users)

    def _page(self, call: Call, member: str, items: list[Any]) -> dict[str, Any]:
        page, token = paginate(
            items,
            token=call.params.get("NextToken"),
            size=None,
            default=_PAGE,
            error=_bad_token,
        )
        return {member: page, **({"NextToken": token} if token else {})}
