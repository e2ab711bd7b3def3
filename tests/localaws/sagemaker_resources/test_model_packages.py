"""Registering and approving a model package sends SageMaker's event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws

ACCOUNT, REGION = "111122223333", "eu-west-1"
GROUP = "flights"


@pytest.fixture
def session(aws: LocalAws) -> Any:
    session = aws.session(account=ACCOUNT, region=REGION)
    session.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    sqs = session.client("sqs")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:approved"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.create_queue(QueueName="approved", Attributes={"Policy": policy})
    events = session.client("events")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": [GROUP], "ModelApprovalStatus": ["Approved"]},
    }
    events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="approved", Targets=[{"Id": "queue", "Arn": queue}])
    return session


def told(aws: LocalAws, session: Any) -> list[dict[str, Any]]:
    """Return the details of the events since the last look."""
    assert aws.settle(timeout=30)
    sqs = session.client("sqs")
    url = sqs.get_queue_url(QueueName="approved")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"])["detail"] for message in found]


def register(session: Any, **given: Any) -> str:
    answer = session.client("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        **{"ModelApprovalStatus": "PendingManualApproval", **given},
    )
    return str(answer["ModelPackageArn"])


def test_an_approval_sends_one_event(aws: LocalAws, session: Any) -> None:
    arn = register(session)
    assert told(aws, session) == []

    sagemaker = session.client("sagemaker")
    for _ in range(2):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    (detail,) = told(aws, session)
    assert detail["ModelPackageArn"] == arn
    assert detail["ModelPackageVersion"] == 1


def test_a_model_registered_as_approved_sends_it_too(aws: LocalAws, session: Any) -> None:
    arn = register(session, ModelApprovalStatus="Approved")

    assert [detail["ModelPackageArn"] for detail in told(aws, session)] == [arn]


def test_what_an_update_leaves_out_stays(aws: LocalAws, session: Any) -> None:
    arn = register(session, ModelApprovalStatus="Approved")
    told(aws, session)
    sagemaker = session.client("sagemaker")

    sagemaker.update_model_package(ModelPackageArn=arn, ApprovalDescription="good")

    assert told(aws, session) == []
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "good"


def test_an_unknown_package_and_what_is_not_emulated_are_refused(session: Any) -> None:
    sagemaker = session.client("sagemaker")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{GROUP}/9"
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    with pytest.raises(ClientError, match="SourceUri"):
        sagemaker.update_model_package(ModelPackageArn=arn, SourceUri="s3://somewhere/else")
