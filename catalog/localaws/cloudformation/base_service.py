"""What the groups of CloudFormation operations share: finding stacks and running them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from catalog.localaws.cloudformation.engine import StackRun
from catalog.localaws.cloudformation.model import Settings, Stack, State
from catalog.localaws.cloudformation.responses import Responses
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Service


class CloudFormationBase(Service):
    """State and background runs of one LocalAws's stacks."""

    name = "cloudformation"
    validation_code: ClassVar[str] = "ValidationError"

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.responses = Responses()

    def new_state(self, account: str, region: str) -> State:
        """Return an account and region without stacks."""
        del account, region
        return State()

    def find_stack(self, call: Call, name: str, *, message: str | None = None) -> Stack:
        """Return a stack by name or id.

        Raises:
            ServiceError: `ValidationError`, when there is none (or none any more, by its name).
        """
        state: State = self.state(call)
        stack = state.find(name)
        if stack is None:
            raise validation_error(message or f"Stack with id {name} does not exist")
        return stack

    def new_stack(self, call: Call, settings: Settings, *, stack_id: str, status: str) -> Stack:
        """Return a stack that is not yet among the account's."""
        params = call.params
        on_failure = params.get("OnFailure") or params.get("OnStackFailure") or "ROLLBACK"
        return Stack(
            id=stack_id,
            name=params["StackName"],
            account=call.account,
            region=call.region,
            settings=settings,
            status=status,
            disable_rollback=bool(params.get("DisableRollback", False)),
            on_failure=on_failure,
            retain_except_on_create=bool(params.get("RetainExceptOnCreate", False)),
            timeout_minutes=params.get("TimeoutInMinutes"),
            termination_protection=bool(params.get("EnableTerminationProtection", False)),
            token=params.get("ClientRequestToken"),
        )

    def new_stack_id(self, call: Call, name: str) -> str:
        """Return an id as CloudFormation makes them."""
        return f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{uuid.uuid4()}"

    def run(
        self, stack: Stack, credentials: dict[str, str], work: Callable[[StackRun], None]
    ) -> None:
        """Run one operation on a stack in the background, after the one before it."""
        state: State = self.state_of(stack.account, stack.region)

        def body() -> None:
            with stack.busy:
                self.aws.pause()
                try:
                    work(StackRun(self.aws, state, stack, credentials))
                except Exception as error:
                    failed = stack.status.replace("_IN_PROGRESS", "_FAILED")
                    stack.move(failed, f"Internal Failure: {error!r}")
                    raise

        self.aws.spawn(f"stack {stack.name}", body)

    def link_nested(self, *, child_id: str, parent: Stack) -> None:
        """Make one stack the parent of another."""
        child = self.state_of(parent.account, parent.region).stacks[child_id]
        child.parent_id = parent.id
        child.root_id = parent.root_id or parent.id


def stack_arns(params: dict[str, Any], account: str, region: str) -> list[str]:
    """Return the ARN that a request's StackName stands for in policies."""
    name = params.get("StackName")
    if name is None:
        return ["*"]
    if name.startswith("arn:"):
        return [name]
    return [f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*"]


def stack_set_arns(params: dict[str, Any], account: str, region: str) -> list[str]:
    """Return the ARN that a request's StackSetName stands for in policies."""
    name = params["StackSetName"]
    if name.startswith("arn:"):
        return [name]
    return [f"arn:aws:cloudformation:{region}:{account}:stackset/{name.partition(':')[0]}:*"]


def passed_role(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the service role that a request hands to CloudFormation."""
    role = params.get("RoleARN")
    return [(role, "cloudformation.amazonaws.com")] if role else []
