"""The CloudFormation stacks behind provisioned products, driven with the launch role's rights.

Every call here is one that AWS asks of a launch role, so a role that lacks it fails the launch:
https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_NOTHING_TO_DO = ("No updates are to be performed", "didn't contain changes")


class Pause(Protocol):
    """Waits a moment; False when the local AWS stops."""

    def __call__(self) -> bool:
        """Wait."""


class StoppedError(Exception):
    """The local AWS stops; what was under way stays as it is."""


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """What CreateStack, UpdateStack or CreateChangeSet is told."""

    name: str
    template_url: str
    parameters: list[dict[str, Any]]
    tags: list[dict[str, str]]
    notification_arns: list[str] = field(default_factory=list)
    role_arn: str | None = None
    """A service role that CloudFormation itself takes on; its caller needs iam:PassRole."""

    def arguments(self) -> dict[str, Any]:
        """Return them as boto3 takes them."""
        return {
            "StackName": self.name,
            "TemplateURL": self.template_url,
            "Parameters": self.parameters,
            "Tags": self.tags,
            "Capabilities": CAPABILITIES,
            **({"NotificationARNs": self.notification_arns} if self.notification_arns else {}),
            **({"RoleARN": self.role_arn} if self.role_arn else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a stack operation ended.

    Attributes:
        status: the stack's status; empty when CloudFormation refused the request.
        message: why it failed, in the words that Service Catalog passes on.
    """

    ok: bool
    status: str = ""
    message: str = ""
    outputs: list[dict[str, str]] = field(default_factory=list)


class Stacks:
    """Runs stack operations to their end.

    Args:
        client: a CloudFormation client that signs as the launch role.
        pause: waits between two looks at a stack.
    """

    def __init__(self, client: Any, pause: Pause) -> None:
        self._client = client
        self._pause = pause

    def summarise(self, template_url: str) -> str | None:
        """Look at the template as AWS does before a launch; returns what is refused, or None."""
        try:
            self._client.get_template_summary(TemplateURL=template_url)
        except ClientError as error:
            return _refused(error).message
        return None

    def create(self, request: StackRequest, *, on_id: Callable[[str], None]) -> Outcome:
        """Create a stack; `on_id` gets its id as soon as there is one."""
        try:
            stack_id = self._client.create_stack(**request.arguments())["StackId"]
            on_id(stack_id)
            return self._follow(stack_id, "CREATE_COMPLETE")
        except ClientError as error:
            return _refused(error)

    def update(self, request: StackRequest, *, stack_id: str) -> Outcome:
        """Update a stack; nothing to update is a success."""
        try:
            try:
                self._client.update_stack(**request.arguments())
            except ClientError as error:
                if not any(text in str(error) for text in _NOTHING_TO_DO):
                    raise
                return self._outcome(self._describe(stack_id), ok=True)
            return self._follow(stack_id, "UPDATE_COMPLETE")
        except ClientError as error:
            return _refused(error)

    def delete(self, stack_id: str) -> Outcome:
        """Delete a stack."""
        try:
            self._client.delete_stack(StackName=stack_id)
            return self._follow(stack_id, "DELETE_COMPLETE")
        except ClientError as error:
            return _refused(error)

    def plan(self, request: StackRequest, *, change_set: str, creates: bool) -> dict[str, Any]:
        """Create a change set and return it described, once it is made.

        Raises:
            ClientError: what CloudFormation refuses.
        """
        made = self._client.create_change_set(
            ChangeSetName=change_set,
            ChangeSetType="CREATE" if creates else "UPDATE",
            **request.arguments(),
        )
        while True:
            described: dict[str, Any] = self._client.describe_change_set(
                ChangeSetName=made["Id"], StackName=request.name
            )
            if described["Status"] in ("CREATE_COMPLETE", "FAILED"):
                return described
            self._wait()

    def execute(self, change_set: str, *, stack_id: str, creates: bool) -> Outcome:
        """Execute a change set."""
        try:
            self._client.execute_change_set(ChangeSetName=change_set)
            return self._follow(stack_id, "CREATE_COMPLETE" if creates else "UPDATE_COMPLETE")
        except ClientError as error:
            return _refused(error)

    def drop_plan(self, change_set: str) -> None:
        """Delete a change set.

        Raises:
            ClientError: what CloudFormation refuses.
        """
        self._client.delete_change_set(ChangeSetName=change_set)

    def _follow(self, stack_id: str, wanted: str) -> Outcome:
        while True:
            stack = self._describe(stack_id)
            status = stack["StackStatus"]
            if not status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
                return self._outcome(stack, ok=status == wanted)
            self._wait()

    def _wait(self) -> None:
        if not self._pause():
            raise StoppedError

    def _describe(self, stack_id: str) -> dict[str, Any]:
        stack: dict[str, Any] = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
        return stack

    def _outcome(self, stack: dict[str, Any], *, ok: bool) -> Outcome:
        outputs = [
            {
                "OutputKey": output["OutputKey"],
                "OutputValue": output["OutputValue"],
                "Description": output.get("Description", ""),
            }
            for output in stack.get("Outputs", [])
        ]
        outputs.append(
            {
                "OutputKey": "CloudformationStackARN",
                "OutputValue": stack["StackId"],
                "Description": "The ARN of the launched Cloudformation Stack",
            }
        )
        message = "" if ok else self._reasons(stack)
        return Outcome(ok=ok, status=stack["StackStatus"], message=message, outputs=outputs)

    def _reasons(self, stack: dict[str, Any]) -> str:
        pages = self._client.get_paginator("describe_stack_events").paginate(
            StackName=stack["StackId"]
        )
        failed = [
            event
            for page in pages
            for event in page["StackEvents"]
            if event["ResourceStatus"].endswith("_FAILED")
            or event["ResourceStatus"] in ("ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS")
        ]
        reasons = ", ".join(
            f"{{LogicalResourceId : {event['LogicalResourceId']}, "
            f"ResourceType : {event['ResourceType']}, "
            f"StatusReason : {event.get('ResourceStatusReason', '')}}}"
            for event in failed
        )
        return f"Errors from CloudFormation: [{reasons}]"


def _refused(error: ClientError) -> Outcome:
    return Outcome(ok=False, message=str(error.response["Error"].get("Message", error)))
