"""Delivery of a matched event to one target."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from catalog.localaws.awslambda.functions import find_function, resource_policy
from catalog.localaws.core.authorization.policy import Caller, parse_policy
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError
from catalog.localaws.events.inputs import target_input

if TYPE_CHECKING:
    from catalog.localaws.awslambda.service import Lambda

_PRINCIPAL = "events.amazonaws.com"


class DeliveryError(Exception):
    """An event that did not reach its target.

    Args:
        code: as in the ERROR_CODE attribute of a dead letter.
        message: why.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way from a rule to a target."""

    aws: LocalAws
    account: str
    region: str
    rule_arn: str
    target: Mapping[str, Any]
    event: dict[str, Any]

    @property
    def arn(self) -> str:
        """The target's ARN."""
        return str(self.target["Arn"])

    @property
    def text(self) -> str:
        """What the target receives."""
        return target_input(self.target, self.event, rule_arn=self.rule_arn)

    def send(self) -> None:
        """Deliver the event.

        Raises:
            DeliveryError: for every reason why it did not arrive.
        """
        parts = self.arn.split(":", 5)
        handler = _TARGETS.get(parts[2]) if len(parts) == 6 else None
        if handler is None:
            raise DeliveryError(
                "NOT_EMULATED", f"The local EventBridge does not deliver to {self.arn}."
            )
        try:
            handler(self)
        except ServiceError as error:
            raise DeliveryError(_code(error.code), error.message) from error
        except ClientError as error:
            details = error.response["Error"]
            raise DeliveryError(_code(details["Code"]), details["Message"]) from error

    def client_as_role(self, service: str) -> Any:
        """Return a client that signs as the target's role.

        Raises:
            DeliveryError: `NO_PERMISSIONS`, when the target has no role.
            ServiceError: when EventBridge may not assume it.
        """
        role = self.target.get("RoleArn")
        if not role:
            raise DeliveryError("NO_PERMISSIONS", f"The target {self.arn} needs a RoleArn.")
        credentials = self.aws.assume_as_service(
            role,
            service_principal=_PRINCIPAL,
            session_name=self.event["id"].replace("-", "")[:32],
            source_account=self.account,
            source_arn=self.rule_arn,
        )
        return self.aws.client_as(
            credentials, service, region=self.arn.split(":")[3], via=_PRINCIPAL
        )

    def client_of_owner(self, service: str) -> Any:
        """Return a client of the account that owns the target, for what its policy allowed."""
        _, _, _, region, account, _ = self.arn.split(":", 5)
        credentials = self.aws.credentials(account=account)
        return self.aws.client_as(credentials, service, region=region, via=_PRINCIPAL)

    def need_permission(self, policy: str | None, *, action: str) -> None:
        """Refuse delivery that the target's own policy does not allow to EventBridge.

        Raises:
            DeliveryError: `NO_PERMISSIONS`.
        """
        context = {
            "aws:sourcearn": self.rule_arn,
            "aws:sourceaccount": self.account,
            "aws:sourceowner": self.account,
            "aws:principalservicename": _PRINCIPAL,
            "aws:securetransport": "true",
        }
        caller = Caller(service=_PRINCIPAL)
        effects = {
            statement.effect
            for statement in (parse_policy(policy) if policy else ())
            if statement.names(caller) == "direct"
            and statement.covers(action=action, resource=self.arn, context=context)
        }
        if effects != {"Allow"}:
            raise DeliveryError(
                "NO_PERMISSIONS",
                f"The policy of {self.arn} does not allow {action} to {_PRINCIPAL} for "
                f"{self.rule_arn}.",
            )


def _code(code: str) -> str:
    if "AccessDenied" in code or "NotAuthorized" in code:
        return "NO_PERMISSIONS"
    return "NO_RESOURCE" if "NotFound" in code or "NonExistent" in code else code


def _to_lambda(delivery: Delivery) -> None:
    aws = delivery.aws
    function = find_function(aws, delivery.arn, account=delivery.account, region=delivery.region)
    delivery.need_permission(resource_policy(aws, function), action="lambda:InvokeFunction")
    cast("Lambda", aws.service("lambda")).start(function, delivery.text.encode())


def _to_pipeline(delivery: Delivery) -> None:
    name = delivery.arn.rsplit(":", 1)[-1]
    delivery.client_as_role("codepipeline").start_pipeline_execution(name=name)


def _to_build(delivery: Delivery) -> None:
    given = {}
    if "Input" in delivery.target or "InputTransformer" in delivery.target:
        given = json.loads(delivery.text)
    name = delivery.arn.rsplit("/", 1)[-1]
    delivery.client_as_role("codebuild").start_build(**{**given, "projectName": name})


def _to_sagemaker(delivery: Delivery) -> None:
    name = delivery.arn.rsplit("/", 1)[-1]
    parameters = delivery.target.get("SageMakerPipelineParameters", {})
    delivery.client_as_role("sagemaker").start_pipeline_execution(
        PipelineName=name,
        PipelineParameters=parameters.get("PipelineParameterList", []),
        ClientRequestToken=delivery.event["id"],
    )


def _to_topic(delivery: Delivery) -> None:
    client = delivery.client_of_owner("sns")
    attributes = client.get_topic_attributes(TopicArn=delivery.arn)["Attributes"]
    delivery.need_permission(attributes.get("Policy"), action="sns:Publish")
    client.publish(TopicArn=delivery.arn, Message=delivery.text)


def _to_queue(delivery: Delivery) -> None:
    client, url, policy = find_queue(delivery)
    delivery.need_permission(policy, action="sqs:SendMessage")
    group = delivery.target.get("SqsParameters", {}).get("MessageGroupId")
    extra = (
        {"MessageGroupId": group, "MessageDeduplicationId": delivery.event["id"]} if group else {}
    )
    client.send_message(QueueUrl=url, MessageBody=delivery.text, **extra)


def find_queue(delivery: Delivery) -> tuple[Any, str, str | None]:
    """Return a client, the URL and the policy of the queue that is the delivery's target."""
    client = delivery.client_of_owner("sqs")
    url = client.get_queue_url(QueueName=delivery.arn.rsplit(":", 1)[-1])["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    return client, url, attributes.get("Attributes", {}).get("Policy")


_TARGETS: Mapping[str, Callable[[Delivery], None]] = {
    "codebuild": _to_build,
    "codepipeline": _to_pipeline,
    "lambda": _to_lambda,
    "sagemaker": _to_sagemaker,
    "sns": _to_topic,
    "sqs": _to_queue,
}
