"""Operations that make, change and remove stacks."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.base_service import CloudFormationBase
from catalog.localaws.cloudformation.diff import Preview
from catalog.localaws.cloudformation.engine import StackRun
from catalog.localaws.cloudformation.lookup import LiveLookup
from catalog.localaws.cloudformation.model import Settings, Stack, State, now
from catalog.localaws.cloudformation.outputs import importers
from catalog.localaws.cloudformation.requests import (
    checked_template,
    credentials_for,
    not_emulated,
    settings_of,
    template_text,
)
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.core.service import Call, ServiceError

_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_FAILED",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
_STACKS_PER_ACCOUNT = 2000


class StackOperations(CloudFormationBase):
    """CreateStack, UpdateStack, DeleteStack and their kin."""

    def create_stack(self, call: Call) -> dict[str, Any]:
        """CreateStack."""
        state: State = self.state(call)
        name, token = call.params["StackName"], call.params.get("ClientRequestToken")
        existing = state.find(name)
        if existing is not None:
            if token and existing.token == token:
                return {"StackId": existing.id}
            if existing.status == "REVIEW_IN_PROGRESS":
                raise validation_error(
                    f"Stack [{name}] already exists and cannot be created again with the changeSet "
                    "in REVIEW_IN_PROGRESS"
                )
            raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
        if call.params.get("OnFailure") and "DisableRollback" in call.params:
            raise validation_error(
                "Either OnFailure or DisableRollback may be specified, not both."
            )
        stack_id = self.new_stack_id(call, name)
        template = checked_template(template_text(call))
        settings = settings_of(call, template, stack_name=name, stack_id=stack_id, stack=None)
        credentials = credentials_for(call, settings.role_arn)
        stack = self.new_stack(call, settings, stack_id=stack_id, status="CREATE_IN_PROGRESS")
        with state.lock:
            if state.find(name) is not None:
                raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
            living = [s for s in state.stacks.values() if s.status != "DELETE_COMPLETE"]
            if len(living) >= _STACKS_PER_ACCOUNT:
                raise ServiceError(
                    "LimitExceededException",
                    f"Limit for stack has been exceeded: {_STACKS_PER_ACCOUNT}",
                )
            state.stacks[stack_id] = stack
            stack.move("CREATE_IN_PROGRESS", "User Initiated")
        self.run(stack, credentials, StackRun.create)
        return {"StackId": stack_id}

    def update_stack(self, call: Call) -> dict[str, Any]:
        """UpdateStack."""
        name = call.params["StackName"]
        stack = self.find_stack(call, name, message=f"Stack [{name}] does not exist")
        token = call.params.get("ClientRequestToken")
        if token and stack.token == token and stack.updated is not None:
            return {"StackId": stack.id}
        self.check_updatable(stack)
        template = checked_template(template_text(call, stack=stack))
        settings = settings_of(
            call, template, stack_name=stack.name, stack_id=stack.id, stack=stack
        )
        credentials = credentials_for(call, settings.role_arn)
        preview = self.preview(stack, settings, credentials)
        if preview.is_empty(preview.changes()) and stack.status != "UPDATE_FAILED":
            raise validation_error("No updates are to be performed.")
        stack.retain_except_on_create = bool(call.params.get("RetainExceptOnCreate", False))
        stack.disable_rollback = bool(call.params.get("DisableRollback", False))
        self.start_update(stack, settings, credentials, token=token)
        return {"StackId": stack.id}

    def check_updatable(self, stack: Stack) -> None:
        """Refuse to update a stack in a state that does not allow it.

        Raises:
            ServiceError: `ValidationError`.
        """
        if stack.status not in _UPDATABLE:
            raise validation_error(
                f"Stack:{stack.id} is in {stack.status} state and can not be updated."
            )

    def preview(self, stack: Stack, settings: Settings, credentials: dict[str, str]) -> Preview:
        """Return what an update would change."""
        state: State = self.state_of(stack.account, stack.region)
        live = LiveLookup(
            state=state,
            stack=stack,
            client=lambda: self.aws.client_as(
                credentials, "ssm", region=stack.region, via="cloudformation.amazonaws.com"
            ),
        )
        return Preview(stack, settings, live)

    def start_update(
        self,
        stack: Stack,
        settings: Settings,
        credentials: dict[str, str],
        *,
        token: str | None,
    ) -> None:
        """Set a stack to UPDATE_IN_PROGRESS and run the update."""
        state: State = self.state_of(stack.account, stack.region)
        with state.lock:
            self.check_updatable(stack)
            stack.token, stack.updated = token, now()
            stack.cancel.clear()
            stack.move("UPDATE_IN_PROGRESS", "User Initiated")
        self.run(stack, credentials, lambda run: run.update(settings))

    def cancel_update_stack(self, call: Call) -> dict[str, Any]:
        """CancelUpdateStack."""
        stack = self.find_stack(call, call.params["StackName"])
        if stack.status != "UPDATE_IN_PROGRESS":
            raise validation_error("CancelUpdateStack cannot be called from current stack status")
        stack.cancel.set()
        return {}

    def continue_update_rollback(self, call: Call) -> dict[str, Any]:
        """ContinueUpdateRollback."""
        name = call.params["StackName"]
        stack = self.find_stack(call, name, message=f"Stack [{name}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise validation_error(
                f"Stack:{stack.id} is in {stack.status} state and can not continue rolling back."
            )
        skip = tuple(call.params.get("ResourcesToSkip", ()))
        wrong = [item for item in skip if item not in stack.unfinished]
        if wrong:
            raise validation_error(
                f"Resources [{', '.join(wrong)}] are not in the UPDATE_FAILED state."
            )
        credentials = credentials_for(call, call.params.get("RoleARN") or stack.settings.role_arn)
        stack.token = call.params.get("ClientRequestToken")
        stack.move("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        self.run(stack, credentials, lambda run: run.rollback_update(skip=skip))
        return {}

    def delete_stack(self, call: Call) -> dict[str, Any]:
        """DeleteStack; of a stack that does not exist, it answers all the same."""
        state: State = self.state(call)
        name = call.params["StackName"]
        stack = state.find(name)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return {}
        retain = tuple(call.params.get("RetainResources", ()))
        if retain and stack.status != "DELETE_FAILED":
            raise validation_error(
                "Invalid operation on stack [" + stack.id + "]. Specify which resources to retain "
                "only when the stack is in the DELETE_FAILED state."
            )
        if stack.termination_protection:
            raise validation_error(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if stack.status == "DELETE_IN_PROGRESS":
            return {}
        if stack.status.endswith("_IN_PROGRESS") and stack.status not in (
            "CREATE_IN_PROGRESS",
            "REVIEW_IN_PROGRESS",
        ):
            raise validation_error(
                f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
            )
        if self._delete_cancelled_by_exports(state, stack):
            return {}
        credentials = credentials_for(call, call.params.get("RoleARN") or stack.settings.role_arn)
        with state.lock:
            stack.deleting = True
            if stack.status == "CREATE_IN_PROGRESS":
                stack.cancel.set()
            stack.token = call.params.get("ClientRequestToken")
            stack.move("DELETE_IN_PROGRESS", "User Initiated")
        for change_set in list(state.change_sets.values()):
            if change_set.stack is stack:
                state.change_sets.pop(change_set.id, None)
        self.run(stack, credentials, lambda run: run.delete(retain=retain))
        return {}

    def _delete_cancelled_by_exports(self, state: State, stack: Stack) -> bool:
        for name, (_, owner) in state.exports().items():
            users = [s.name for s in importers(state, name)] if owner is stack else []
            if users:
                stack.move(
                    stack.status,
                    f"Delete canceled. Cannot delete export {name} as it is in use by "
                    f"{', '.join(users)}.",
                )
                return True
        return False

    def set_stack_policy(self, call: Call) -> dict[str, Any]:
        """Refuse: moto would accept the policy, and nothing would obey it."""
        raise not_emulated(f"cloudformation {call.operation}")

    get_stack_policy = set_stack_policy

    def update_termination_protection(self, call: Call) -> dict[str, Any]:
        """UpdateTerminationProtection."""
        name = call.params["StackName"]
        stack = self.find_stack(call, name, message=f"Stack [{name}] does not exist")
        stack.termination_protection = call.params["EnableTerminationProtection"]
        return {"StackId": stack.id}
