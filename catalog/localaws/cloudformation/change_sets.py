"""Change sets: a look at what an update would do, and doing it."""

from __future__ import annotations

import uuid
from typing import Any

from catalog.localaws.cloudformation.engine import StackRun
from catalog.localaws.cloudformation.model import ChangeSet, Stack, State
from catalog.localaws.cloudformation.requests import (
    checked_template,
    credentials_for,
    settings_of,
    template_text,
)
from catalog.localaws.cloudformation.stacks import StackOperations
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.core.service import Call, ServiceError, paginate

_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
_PAGE = 100


class ChangeSetOperations(StackOperations):
    """CreateChangeSet, DescribeChangeSet, ExecuteChangeSet, DeleteChangeSet, ListChangeSets."""

    def create_change_set(self, call: Call) -> dict[str, Any]:
        """CreateChangeSet of the types CREATE and UPDATE."""
        params = call.params
        state: State = self.state(call)
        kind = params.get("ChangeSetType", "UPDATE")
        if kind == "IMPORT" or params.get("ResourcesToImport"):
            raise validation_error(
                "Importing resources is not emulated by the local CloudFormation."
            )
        name = params["StackName"]
        stack = state.find(name)
        if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise validation_error(
                f"Stack [{stack.name}] already exists and cannot be created again with the "
                f"changeSet [{params['ChangeSetName']}]."
            )
        if kind == "UPDATE" and (stack is None or stack.status == "REVIEW_IN_PROGRESS"):
            raise validation_error(f"Stack [{name}] does not exist")
        if kind == "UPDATE" and stack is not None:
            self.check_updatable(stack)
        base = stack if kind == "UPDATE" else None
        stack_id = stack.id if stack else self.new_stack_id(call, name)
        template = checked_template(template_text(call, stack=base))
        settings = settings_of(
            call,
            template,
            stack_name=stack.name if stack else name,
            stack_id=stack_id,
            stack=base,
        )
        with state.lock:
            if stack is None:
                stack = self.new_stack(
                    call, settings, stack_id=stack_id, status="REVIEW_IN_PROGRESS"
                )
                state.stacks[stack_id] = stack
                stack.move("REVIEW_IN_PROGRESS", "User Initiated")
            self._check_name_is_free(state, stack, params["ChangeSetName"])
            change_set = ChangeSet(
                id=f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/"
                f"{params['ChangeSetName']}/{uuid.uuid4()}",
                name=params["ChangeSetName"],
                stack=stack,
                type=kind,
                settings=settings,
                options={
                    "OnStackFailure": params.get("OnStackFailure"),
                    "ClientToken": params.get("ClientToken"),
                },
                description=params.get("Description"),
            )
            state.change_sets[change_set.id] = change_set
        credentials = credentials_for(call, settings.role_arn)
        self.aws.spawn(
            f"change set {change_set.name}", lambda: self._compute(change_set, credentials)
        )
        return {"Id": change_set.id, "StackId": stack.id}

    def _check_name_is_free(self, state: State, stack: Stack, name: str) -> None:
        if any(c.stack is stack and c.name == name for c in state.change_sets.values()):
            raise ServiceError(
                "AlreadyExistsException",
                f"ChangeSet {name} cannot be created due to a mismatch "
                "with existing attribute Name",
            )

    def _compute(self, change_set: ChangeSet, credentials: dict[str, str]) -> None:
        change_set.status = "CREATE_IN_PROGRESS"
        self.aws.pause()
        try:
            preview = self.preview(change_set.stack, change_set.settings, credentials)
            changes = preview.changes()
            empty = change_set.type == "UPDATE" and preview.is_empty(changes)
        except ServiceError as error:
            change_set.status, change_set.reason = "FAILED", error.message
            return
        if empty:
            change_set.status, change_set.reason = "FAILED", _NO_CHANGES
            return
        change_set.changes = changes
        change_set.execution_status = "AVAILABLE"
        change_set.status = "CREATE_COMPLETE"

    def find_change_set(self, call: Call) -> ChangeSet:
        """Return the change set that a request names, by id or by name and stack.

        Raises:
            ServiceError: `ChangeSetNotFound`.
        """
        state: State = self.state(call)
        name, stack_name = call.params["ChangeSetName"], call.params.get("StackName")
        if name in state.change_sets:
            return state.change_sets[name]
        if stack_name is None and not name.startswith("arn:"):
            raise validation_error(
                "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        for change_set in state.change_sets.values():
            if change_set.name == name and stack_name in (
                change_set.stack.name,
                change_set.stack.id,
            ):
                return change_set
        raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)

    def describe_change_set(self, call: Call) -> dict[str, Any]:
        """DescribeChangeSet."""
        change_set = self.find_change_set(call)
        settings = change_set.settings
        page, token = paginate(
            change_set.changes,
            token=call.params.get("NextToken"),
            size=None,
            default=_PAGE,
            error=lambda: validation_error("Invalid NextToken"),
        )
        answer = {
            **_summary(change_set),
            "Parameters": [value.describe() for value in settings.parameters.values()],
            "NotificationARNs": list(settings.notification_arns),
            "Capabilities": list(settings.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in settings.tags.items()],
            "Changes": page,
        }
        if change_set.options["OnStackFailure"]:
            answer["OnStackFailure"] = change_set.options["OnStackFailure"]
        if token:
            answer["NextToken"] = token
        return answer

    def list_change_sets(self, call: Call) -> dict[str, Any]:
        """ListChangeSets."""
        state: State = self.state(call)
        stack = self.find_stack(call, call.params["StackName"])
        found = [_summary(c) for c in state.change_sets.values() if c.stack is stack]
        page, token = paginate(
            found,
            token=call.params.get("NextToken"),
            size=None,
            default=_PAGE,
            error=lambda: validation_error("Invalid NextToken"),
        )
        return {"Summaries": page, **({"NextToken": token} if token else {})}

    def delete_change_set(self, call: Call) -> dict[str, Any]:
        """DeleteChangeSet."""
        state: State = self.state(call)
        change_set = self.find_change_set(call)
        state.change_sets.pop(change_set.id, None)
        return {}

    def execute_change_set(self, call: Call) -> dict[str, Any]:
        """ExecuteChangeSet; the stack's other change sets go with it."""
        state: State = self.state(call)
        change_set = self.find_change_set(call)
        if change_set.execution_status != "AVAILABLE":
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be executed in its current execution status "
                f"of [{change_set.execution_status}]",
            )
        stack, settings = change_set.stack, change_set.settings
        credentials = credentials_for(call, settings.role_arn)
        token = call.params.get("ClientRequestToken")
        disable_rollback = bool(call.params.get("DisableRollback", False))
        retain = bool(call.params.get("RetainExceptOnCreate", False))
        if change_set.type == "UPDATE":
            self.check_updatable(stack)
        with state.lock:
            for other in list(state.change_sets.values()):
                if other.stack is stack:
                    other.execution_status = "OBSOLETE"
                    if other is not change_set:
                        state.change_sets.pop(other.id, None)
            change_set.execution_status = "EXECUTE_COMPLETE"
            stack.change_set_id = change_set.id
            stack.disable_rollback, stack.retain_except_on_create = disable_rollback, retain
        if change_set.type == "UPDATE":
            self.start_update(stack, settings, credentials, token=token)
            return {}
        stack.on_failure = change_set.options["OnStackFailure"] or "ROLLBACK"
        stack.settings, stack.token = settings, token
        stack.move("CREATE_IN_PROGRESS", "User Initiated")
        self.run(stack, credentials, StackRun.create)
        return {}


def _summary(change_set: ChangeSet) -> dict[str, Any]:
    stack = change_set.stack
    summary = {
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "IncludeNestedStacks": False,
    }
    if change_set.description:
        summary["Description"] = change_set.description
    if change_set.reason:
        summary["StatusReason"] = change_set.reason
    return summary
