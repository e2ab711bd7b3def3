"""Events reach the targets of the rules they match, and only with permission."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.events.inputs import transform

ACCOUNT, REGION = "111122223333", "eu-west-1"


class Bus:
    """Rules, queues and events of one account."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.session = aws.session(account=ACCOUNT, region=REGION)
        self.events = self.session.client("events")
        self.sqs = self.session.client("sqs")

    def rule(self, *targets: dict[str, Any], bus: str = "default", **settings: Any) -> str:
        pattern = json.dumps({"source": ["shop"]})
        arn = self.events.put_rule(
            Name="rule", EventBusName=bus, **{"EventPattern": pattern, **settings}
        )["RuleArn"]
        self.events.put_targets(Rule="rule", EventBusName=bus, Targets=list(targets))
        return str(arn)

    def queue(self, name: str, *, open_to: str | None = "events.amazonaws.com") -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        if open_to:
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": open_to},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def put(self, detail: dict[str, Any], **entry: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.events.put_events(
            Entries=[
                {"Source": "shop", "DetailType": "sold", "Detail": json.dumps(detail), **entry}
            ]
        )
        assert self.aws.settle(timeout=30)
        return answer

    def messages(self, url: str) -> list[dict[str, Any]]:
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(found.get("Messages", []))


@pytest.fixture
def bus(aws: LocalAws) -> Bus:
    return Bus(aws)


def test_a_matching_event_arrives_whole(bus: Bus) -> None:
    url, arn = bus.queue("q")
    bus.rule({"Id": "1", "Arn": arn})
    event_id = bus.put({"n": 1}, Resources=["r"])["Entries"][0]["EventId"]
    [message] = bus.messages(url)
    body = json.loads(message["Body"])
    assert body["id"] == event_id
    assert (body["source"], body["detail-type"]) == ("shop", "sold")
    assert (body["detail"], body["resources"]) == ({"n": 1}, ["r"])
    assert (body["account"], body["region"]) == (ACCOUNT, REGION)


def test_other_events_and_disabled_rules_deliver_nothing(bus: Bus) -> None:
    url, arn = bus.queue("q")
    bus.rule({"Id": "1", "Arn": arn})
    bus.put({"n": 1}, Source="other")
    bus.events.disable_rule(Name="rule")
    bus.put({"n": 2})
    assert bus.messages(url) == []


def test_events_of_services_arrive(bus: Bus) -> None:
    url, arn = bus.queue("q")
    bus.rule({"Id": "1", "Arn": arn}, EventPattern=json.dumps({"source": ["aws.codebuild"]}))
    bus.aws.emit(
        account=ACCOUNT, region=REGION, source="aws.codebuild", detail_type="x", detail={"a": 1}
    )
    bus.aws.emit(
        account="222233334444", region=REGION, source="aws.codebuild", detail_type="x", detail={}
    )
    assert bus.aws.settle()
    assert [json.loads(m["Body"])["detail"] for m in bus.messages(url)] == [{"a": 1}]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"Input": '{"fixed": 1}'}, {"fixed": 1}),
        ({"InputPath": "$.detail"}, {"n": 1, "who": 'a "b"'}),
        ({"InputPath": "$.detail.n"}, 1),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.n", "who": "$.detail.who", "z": "$.z"},
                    "InputTemplate": '{"n": <n>, "text": "<who> of <n>", "who": <who>, "z": "<z>"}',
                }
            },
            {"n": 1, "text": 'a "b" of 1', "who": 'a "b"', "z": ""},
        ),
    ],
)
def test_inputs(bus: Bus, settings: dict[str, Any], expected: Any) -> None:
    url, arn = bus.queue("q")
    bus.rule({"Id": "1", "Arn": arn, **settings})
    bus.put({"n": 1, "who": 'a "b"'})
    assert [json.loads(m["Body"]) for m in bus.messages(url)] == [expected]


def test_reserved_variables() -> None:
    event = {"id": "1", "detail": {"x": "y"}}
    text = transform(
        {"InputTemplate": '{"rule": "<aws.events.rule-name>", "event": <aws.events.event.json>}'},
        event,
        rule_arn="arn:aws:events:eu-west-1:111122223333:rule/nightly",
    )
    assert json.loads(text) == {"rule": "nightly", "event": event}


def test_without_permission_the_event_goes_to_the_dead_letter_queue(bus: Bus) -> None:
    url, arn = bus.queue("closed", open_to=None)
    dead_url, dead_arn = bus.queue("dead")
    rule = bus.rule({"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}})
    bus.put({"n": 1})
    assert bus.messages(url) == []
    [letter] = bus.messages(dead_url)
    attributes = {k: v["StringValue"] for k, v in letter["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (rule, arn)
    assert json.loads(letter["Body"])["detail"] == {"n": 1}


SOURCE = """
import os
import boto3

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=event["source"])
"""


def make_function(bus: Bus, role: str, url: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", SOURCE)
    made = bus.session.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.12",
        Handler="index.handler",
        Timeout=60,
        Role=role,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"QUEUE": url}},
    )
    return str(made["FunctionArn"])


@pytest.mark.parametrize(
    ("source_arn", "delivered"),
    [("this rule", 1), ("arn:aws:events:eu-west-1:111122223333:rule/other", 0), (None, 0)],
)
def test_functions_need_a_permission_for_the_rule(
    bus: Bus, make_role: Callable[..., str], source_arn: str | None, delivered: int
) -> None:
    url, _ = bus.queue("q")
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    function = make_function(bus, make_role(ACCOUNT, "lambda.amazonaws.com", allowed), url)
    rule = bus.rule({"Id": "1", "Arn": function})
    if source_arn:
        bus.session.client("lambda").add_permission(
            FunctionName="f",
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule if source_arn == "this rule" else source_arn,
        )
    bus.put({})
    assert [m["Body"] for m in bus.messages(url)] == ["shop"] * delivered


@pytest.mark.parametrize(("action", "started"), [("codebuild:StartBuild", 1), ("s3:GetObject", 0)])
def test_builds_start_as_the_targets_role(
    bus: Bus, make_role: Callable[..., str], action: str, started: int
) -> None:
    codebuild = bus.session.client("codebuild")
    project = codebuild.create_project(
        name="project",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=make_role(ACCOUNT, "codebuild.amazonaws.com"),
    )["project"]["arn"]
    allowed = {"Effect": "Allow", "Action": action, "Resource": "*"}
    role = make_role(ACCOUNT, "events.amazonaws.com", allowed)
    bus.rule({"Id": "1", "Arn": project, "RoleArn": role})
    bus.put({})
    assert len(codebuild.list_builds_for_project(projectName="project")["ids"]) == started


def test_topics_pass_events_on(bus: Bus) -> None:
    sns = bus.session.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    url, arn = bus.queue("q")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    bus.rule({"Id": "1", "Arn": topic, "InputPath": "$.detail"})
    bus.put({"n": 1})
    [message] = bus.messages(url)
    assert json.loads(json.loads(message["Body"])["Message"]) == {"n": 1}


def test_custom_buses_are_apart(bus: Bus) -> None:
    url, arn = bus.queue("q")
    bus.events.create_event_bus(Name="orders")
    bus.rule({"Id": "1", "Arn": arn}, bus="orders")
    bus.put({"n": 1})
    assert bus.messages(url) == []
    bus.put({"n": 2}, EventBusName="orders")
    assert [json.loads(m["Body"])["detail"] for m in bus.messages(url)] == [{"n": 2}]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.s3"}, "NotAuthorizedForSourceException"),
        ({"Detail": "[]"}, "MalformedDetail"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"DetailType": ""}, "InvalidArgument"),
        ({"EventBusName": "none"}, "ResourceNotFoundException"),
    ],
)
def test_entries_that_are_refused(bus: Bus, entry: dict[str, str], code: str) -> None:
    answer = bus.put({}, **entry)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
