"""Brings the roles stack of every account to the catalog's template, one stack per account.

IAM is global within an account, so one region holds the stack. Reading is one call per account.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal

from catalog.aws import Aws, error_code
from catalog.errors import AwsCallFailed, CatalogError, ForeignResource, Location
from catalog.spokes.roles import STACK_NAME, RolesTemplate

CATALOG_TAG: Final = "sagemaker-catalog:catalog"
DIGEST_TAG: Final = "sagemaker-catalog:digest"
_WORKERS: Final = 16
_POLL_SECONDS: Final = (0.05, 5.0)
_DEADLINE_SECONDS: Final = 900.0

State = Literal["absent", "current", "outdated", "broken", "busy", "foreign", "unknown"]


@dataclass(frozen=True, kw_only=True)
class RolesStack:
    """What an account has.

    Attributes:
        account: 12-digit account id.
        state: `broken` is a stack that CloudFormation can only delete; `busy` one in transition.
        status: CloudFormation's own word for it.
        error: why it could not be read, when `unknown`.
    """

    account: str
    state: State
    status: str = ""
    error: CatalogError | None = None


@dataclass(frozen=True, kw_only=True)
class RolesAction:
    """A stack to create, update, or delete and create again."""

    account: str
    verb: Literal["create", "update", "recreate"]

    def __str__(self) -> str:
        return f"{self.verb} stack {STACK_NAME} in {self.account}"


def observe_roles(
    *, aws: Aws, accounts: Iterable[str], region: str, catalog: str, template: RolesTemplate
) -> tuple[RolesStack, ...]:
    """Return the roles stack of each account; an account that cannot be read is `unknown`."""

    def one(account: str) -> RolesStack:
        try:
            return _observe(aws, account, region, catalog, template)
        except CatalogError as error:
            return RolesStack(account=account, state="unknown", error=error)

    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="roles") as pool:
        return tuple(pool.map(one, accounts))


def plan_roles(observed: Iterable[RolesStack]) -> tuple[RolesAction, ...]:
    """Return what must be done, in the order of the accounts.

    Raises:
        ForeignResource: a stack of that name exists and is not this catalog's.
    """
    actions = []
    for stack in observed:
        if stack.state == "foreign":
            raise ForeignResource(
                f"a stack named {STACK_NAME} exists that this catalog does not own",
                where=Location(account=stack.account),
                next_step=f"delete it, or tag it {CATALOG_TAG} with this catalog's name.",
            )
        verbs: Mapping[str, Literal["create", "update", "recreate"]] = {
            "absent": "create",
            "outdated": "update",
            "busy": "update",
            "broken": "recreate",
        }
        if stack.state in verbs:
            actions.append(RolesAction(account=stack.account, verb=verbs[stack.state]))
    return tuple(actions)


def apply_roles(
    *,
    aws: Aws,
    actions: Iterable[RolesAction],
    region: str,
    catalog: str,
    template: RolesTemplate,
    progress: Callable[[RolesAction, CatalogError | None], None] = lambda _action, _error: None,
) -> dict[str, CatalogError]:
    """Run the actions side by side and return the failures by account.

    Running it again converges: a stack that another run left in transition is waited for.
    """

    def one(action: RolesAction) -> tuple[str, CatalogError | None]:
        error: CatalogError | None = None
        try:
            _apply(aws, action, region, catalog, template)
        except CatalogError as failure:
            error = failure
        progress(action, error)
        return action.account, error

    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="roles") as pool:
        return {account: error for account, error in pool.map(one, actions) if error}


def delete_roles(
    *, aws: Aws, accounts: Iterable[str], region: str, catalog: str
) -> dict[str, CatalogError]:
    """Delete this catalog's roles stack in each account and return the failures by account.

    A stack that is gone is as good; one that the catalog does not own is left alone.
    """

    def one(account: str) -> tuple[str, CatalogError | None]:
        at = _At(aws=aws, account=account, region=region)
        try:
            stack = at.settled()
            tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
            if stack is None or tags.get(CATALOG_TAG) != catalog:
                return account, None
            at.call("delete_stack", StackName=STACK_NAME)
            left = at.settled()
        except CatalogError as error:
            return account, error
        if left is None:
            return account, None
        return account, AwsCallFailed(
            f"stack {STACK_NAME} ended {left['StackStatus']}: {at.reason()}",
            where=Location(account=account, region=region),
            next_step="mend what the reason names, then run the same command again.",
        )

    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="roles") as pool:
        return {account: error for account, error in pool.map(one, accounts) if error}


def _observe(
    aws: Aws, account: str, region: str, catalog: str, template: RolesTemplate
) -> RolesStack:
    stack = _describe(aws, account, region)
    if stack is None:
        return RolesStack(account=account, state="absent")
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    status = stack["StackStatus"]
    state: State
    if tags.get(CATALOG_TAG) != catalog:
        state = "foreign"
    elif status.endswith("_IN_PROGRESS"):
        state = "busy"
    elif status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}:
        state = "broken"
    elif tags.get(DIGEST_TAG) == template.digest and status in {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
    }:
        state = "current"
    else:
        state = "outdated"
    return RolesStack(account=account, state=state, status=status)


def _apply(
    aws: Aws, action: RolesAction, region: str, catalog: str, template: RolesTemplate
) -> None:
    at = _At(aws=aws, account=action.account, region=region)
    stack = at.settled()
    if action.verb == "recreate" and stack is not None:
        at.call("delete_stack", StackName=STACK_NAME)
        stack = at.settled()
    request = {
        "StackName": STACK_NAME,
        "TemplateBody": template.body,
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [
            {"Key": CATALOG_TAG, "Value": catalog},
            {"Key": DIGEST_TAG, "Value": template.digest},
        ],
    }
    if stack is None:
        at.call("create_stack", **request)
    else:
        try:
            at.call("update_stack", **request)
        except AwsCallFailed as error:
            # CloudFormation answers a no-op update with a ValidationError.
            if "No updates are to be performed" not in str(error):
                raise
    stack = at.settled()
    if stack is None or stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        status = stack["StackStatus"] if stack else "gone"
        raise AwsCallFailed(
            f"stack {STACK_NAME} ended {status}: {at.reason()}",
            where=Location(account=action.account, region=region),
            next_step="mend what the reason names, then run the same command again.",
        )


@dataclass(frozen=True, kw_only=True)
class _At:
    aws: Aws
    account: str
    region: str

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.aws.call(
            account=self.account,
            region=self.region,
            service="cloudformation",
            operation=operation,
            **params,
        )

    def settled(self) -> dict[str, Any] | None:
        """Wait until the stack is not in transition; None when there is none."""
        pause, end = _POLL_SECONDS[0], time.monotonic() + _DEADLINE_SECONDS
        while True:
            stack = _describe(self.aws, self.account, self.region)
            if stack is None or not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            if time.monotonic() > end:
                raise AwsCallFailed(
                    f"stack {STACK_NAME} is still {stack['StackStatus']}",
                    where=Location(account=self.account, region=self.region),
                    next_step="look at it in the CloudFormation console, then run this again.",
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _POLL_SECONDS[1])

    def reason(self) -> str:
        """Return the first failure that CloudFormation recorded."""
        events = self.call("describe_stack_events", StackName=STACK_NAME)["StackEvents"]
        failures = [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
        ]
        return failures[-1] if failures else "CloudFormation gave no reason"


def _describe(aws: Aws, account: str, region: str) -> dict[str, Any] | None:
    try:
        stacks = aws.call(
            account=account,
            region=region,
            service="cloudformation",
            operation="describe_stacks",
            StackName=STACK_NAME,
        )["Stacks"]
    except AwsCallFailed as error:
        # DescribeStacks answers an unknown stack with a ValidationError, not with an empty list.
        if error_code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack: dict[str, Any] = stacks[0]
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack
