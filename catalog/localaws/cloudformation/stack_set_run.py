"""Running one operation of a stack set: region by region, accounts side by side."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation import graph
from catalog.localaws.cloudformation.model import Stack, State, now
from catalog.localaws.cloudformation.stack_set_model import Instance, Operation, Place, StackSet
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError

if TYPE_CHECKING:
    from catalog.localaws.cloudformation.base_service import CloudFormationBase

ADMINISTRATION_ROLE = "AWSCloudFormationStackSetAdministrationRole"
EXECUTION_ROLE = "AWSCloudFormationStackSetExecutionRole"
_VIA = "cloudformation.amazonaws.com"
_WAIT_SECONDS = 3600.0
_BROKEN = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED")


class InstanceError(Exception):
    """A stack instance that did not reach what the operation wanted; the message is the reason."""


class OperationRun:
    """Brings the instances of one operation to where it wants them."""

    def __init__(
        self, service: CloudFormationBase, stack_set: StackSet, operation: Operation
    ) -> None:
        self._service = service
        self._aws: LocalAws = service.aws
        self._set = stack_set
        self._operation = operation

    def run(self, places: Sequence[Place]) -> None:
        """Run to the end; sets the operation's final status."""
        operation = self._operation
        with self._set.busy:
            operation.status = "RUNNING"
            self._aws.pause()
            regions = self._ordered(dict.fromkeys(region for _, region in places))
            failed = False
            for region in regions:
                accounts = [account for account, r in places if r == region]
                if failed or operation.stopping.is_set():
                    self._cancel([(account, region) for account in accounts])
                else:
                    failed = not self._region(region, accounts)
            if operation.stopping.is_set():
                operation.status = "STOPPED"
            else:
                operation.status = "FAILED" if failed else "SUCCEEDED"
            operation.ended = now()

    def _ordered(self, regions: dict[str, None]) -> list[str]:
        wanted = [r for r in self._operation.preferences.get("RegionOrder", ()) if r in regions]
        return [*wanted, *(region for region in regions if region not in wanted)]

    def _region(self, region: str, accounts: list[str]) -> bool:
        """Run one region; return whether no more accounts failed than may."""
        tolerance = self._number("FailureTolerance", len(accounts), default=0)
        at_once = self._number("MaxConcurrent", len(accounts), default=1)
        failures = 0

        def work(account: str) -> None:
            nonlocal failures
            if not self._one((account, region)):
                failures += 1

        def stop() -> bool:
            over = failures > tolerance
            return over or self._operation.stopping.is_set() or self._aws.stopping.is_set()

        strict = self._operation.preferences.get("ConcurrencyMode") != "SOFT_FAILURE_TOLERANCE"
        workers = max(1, min(at_once, tolerance + 1) if strict else at_once)
        graph.run({account: set() for account in accounts}, work, stop=stop, workers=workers)
        pending = [a for a in accounts if self._operation.results[a, region].status == "PENDING"]
        self._cancel([(account, region) for account in pending])
        return failures <= tolerance

    def _number(self, name: str, total: int, *, default: int) -> int:
        preferences = self._operation.preferences
        if f"{name}Count" in preferences:
            return int(preferences[f"{name}Count"])
        if f"{name}Percentage" in preferences:
            return math.floor(total * int(preferences[f"{name}Percentage"]) / 100)
        return default

    def _cancel(self, places: Sequence[Place]) -> None:
        for place in places:
            result = self._operation.results[place]
            result.status = "CANCELLED"
            result.reason = "Cancelled since failure tolerance has exceeded"
            instance = self._set.instances.get(place)
            if instance is not None:
                instance.detailed, instance.reason = "CANCELLED", result.reason

    def _one(self, place: Place) -> bool:
        result = self._operation.results[place]
        instance = self._set.instances.get(place)
        result.status = "RUNNING"
        if instance is None:
            result.status = "SUCCEEDED"
            return True
        instance.detailed, instance.operation_id = "RUNNING", self._operation.id
        try:
            if self._operation.action == "DELETE":
                self._delete(instance)
            else:
                self._deploy(instance)
        except (InstanceError, ClientError, ServiceError) as error:
            result.status, result.reason = "FAILED", _reason(error)
            instance.status = "INOPERABLE" if self._operation.action == "DELETE" else "OUTDATED"
            instance.detailed, instance.reason = "FAILED", result.reason
            return False
        result.status = "SUCCEEDED"
        return True

    def _deploy(self, instance: Instance) -> None:
        credentials = self._credentials(instance.account)
        client = self._aws.client_as(
            credentials, "cloudformation", region=instance.region, via=_VIA
        )
        stack = self._stack(instance)
        request: dict[str, Any] = {
            "TemplateBody": self._set.template,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in {**self._set.parameters, **instance.overrides}.items()
            ],
            "Capabilities": list(self._set.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in self._set.tags.items()],
        }
        if stack is not None and stack.status in _BROKEN:
            client.delete_stack(StackName=stack.id)
            self._wait(stack, "DELETE_COMPLETE")
            stack = None
        if stack is None:
            name = f"StackSet-{self._set.name}-{uuid.uuid4()}"
            stack_id = client.create_stack(StackName=name, **request)["StackId"]
            instance.stack_id = stack_id
            self._wait(self._state(instance).stacks[stack_id], "CREATE_COMPLETE")
        else:
            self._update(client, stack, request)
        instance.status, instance.detailed, instance.reason = "CURRENT", "SUCCEEDED", None

    def _update(self, client: Any, stack: Stack, request: dict[str, Any]) -> None:
        try:
            client.update_stack(StackName=stack.id, **request)
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
        else:
            self._wait(stack, "UPDATE_COMPLETE")

    def _delete(self, instance: Instance) -> None:
        stack = self._stack(instance)
        if stack is not None and not self._operation.retain:
            credentials = self._credentials(instance.account)
            client = self._aws.client_as(
                credentials, "cloudformation", region=instance.region, via=_VIA
            )
            client.delete_stack(StackName=stack.id)
            self._wait(stack, "DELETE_COMPLETE")
        with self._set.lock:
            self._set.instances.pop((instance.account, instance.region), None)

    def _state(self, instance: Instance) -> State:
        state: State = self._service.state_of(instance.account, instance.region)
        return state

    def _stack(self, instance: Instance) -> Stack | None:
        stack = self._state(instance).stacks.get(instance.stack_id or "")
        return None if stack is None or stack.status == "DELETE_COMPLETE" else stack

    def _wait(self, stack: Stack, wanted: str) -> None:
        done: Callable[[], bool] = lambda: (  # noqa: E731 - one expression, used once
            self._aws.stopping.is_set() or not stack.status.endswith("_IN_PROGRESS")
        )
        if not self._aws.wait(done, timeout=_WAIT_SECONDS) or stack.status != wanted:
            why = [e.reason for e in stack.events if e.status.endswith("_FAILED") and e.reason]
            detail = why[0] if why else f"the stack is in the status {stack.status}"
            raise InstanceError(f"ResourceLogicalId: {stack.name}, ResourceStatusReason: {detail}.")

    def _credentials(self, account: str) -> dict[str, str]:
        """Return what acts in a target account.

        In a service-managed set that is a service-linked role with all permissions, which the
        account's administrator stands for here.
        """
        if self._set.service_managed:
            return self._aws.credentials(account=account)
        administration = self._set.administration_role or (
            f"arn:aws:iam::{self._set.account}:role/{ADMINISTRATION_ROLE}"
        )
        execution = self._set.execution_role or EXECUTION_ROLE
        try:
            own = self._aws.assume_as_service(
                administration, service_principal=_VIA, session_name="StackSets"
            )
            sts = self._aws.client_as(own, "sts", region=self._set.region, via=_VIA)
            answer = sts.assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/{execution}", RoleSessionName="StackSets"
            )["Credentials"]
        except (ServiceError, ClientError):
            raise InstanceError(
                f"Account {account} should have '{execution}' role with trust relationship to "
                f"Role '{administration.rsplit('/', 1)[-1]}'."
            ) from None
        return {
            "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
            "AWS_SESSION_TOKEN": answer["SessionToken"],
        }


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"].get("Message", error))
    return str(error)
