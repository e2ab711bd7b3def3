"""Custom resources with inline functions, wait conditions, nested stacks, CDK metadata."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.localaws.cloudformation.conftest import Stacks, role

# Keeps what it is asked to do in SSM, so that tests can read it back.
SOURCE = """
import json
import boto3
import cfnresponse

def handler(event, context):
    properties = event["ResourceProperties"]
    ssm = boto3.client("ssm")
    name = "/custom/" + properties["Name"]
    calls = "/calls"
    seen = ssm.get_parameter(Name=calls)["Parameter"]["Value"]
    old = event.get("OldResourceProperties", {}).get("Name", "-")
    line = ",".join([event["RequestType"], event.get("PhysicalResourceId", "-"), old])
    ssm.put_parameter(Name=calls, Value=seen + ";" + line, Type="String", Overwrite=True)
    status = cfnresponse.SUCCESS
    if properties.get("Fail") == event["RequestType"]:
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, name, reason="because")
        return
    if event["RequestType"] == "Delete":
        ssm.delete_parameter(Name=event["PhysicalResourceId"])
    else:
        ssm.put_parameter(Name=name, Value=json.dumps(properties), Type="String", Overwrite=True)
    cfnresponse.send(event, context, status, {"Greeting": "hello " + properties["Name"]}, name)
"""


def with_function(**resources: Any) -> dict[str, Any]:
    return {
        "Role": role("lambda.amazonaws.com", "ssm:*"),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Timeout": 60,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": SOURCE},
            },
        },
        **resources,
    }


def custom(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "Custom::Thing",
        "Properties": {
            "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
            "ServiceTimeout": 60,
            "Name": name,
            **properties,
        },
    }


@pytest.fixture(autouse=True)
def calls(stacks: Stacks) -> None:
    stacks.session.client("ssm").put_parameter(Name="/calls", Value=";", Type="String")


def seen(stacks: Stacks) -> list[str]:
    found = stacks.session.client("ssm").get_parameter(Name="/calls")["Parameter"]["Value"]
    return [line for line in found.split(";") if line]


def made(stacks: Stacks) -> set[str]:
    found = stacks.session.client("ssm").describe_parameters()["Parameters"]
    return {p["Name"] for p in found} - {"/calls"}


def test_round_trip(stacks: Stacks) -> None:
    greeting = {"Greeting": {"Value": {"Fn::GetAtt": ["C", "Greeting"]}}}
    resources = with_function(C=custom("a", Count=3, Flag=True))
    assert stacks.create(resources, outputs_section=greeting) == "CREATE_COMPLETE"
    assert stacks.ids()["C"] == "/custom/a"
    assert stacks.outputs() == {"Greeting": "hello a"}
    value = stacks.session.client("ssm").get_parameter(Name="/custom/a")["Parameter"]["Value"]
    properties = json.loads(value)
    assert (properties["Count"], properties["Flag"]) == ("3", "true")

    status = stacks.update(with_function(C=custom("b")), outputs_section=greeting)
    assert status == "UPDATE_COMPLETE"
    assert stacks.outputs() == {"Greeting": "hello b"}
    assert made(stacks) == {"/custom/b"}
    assert stacks.delete() == "DELETE_COMPLETE"
    assert made(stacks) == set()
    assert seen(stacks) == [
        "Create,-,-",
        "Update,/custom/a,a",
        "Delete,/custom/a,-",
        "Delete,/custom/b,-",
    ]


def test_a_failure_after_it_deletes_it(stacks: Stacks) -> None:
    bad = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/calls", "Type": "String",
           "Value": "x"}, "DependsOn": "C"}  # fmt: skip
    assert stacks.create(with_function(C=custom("a"), Bad=bad)) == "ROLLBACK_COMPLETE"
    assert seen(stacks) == ["Create,-,-", "Delete,/custom/a,-"]
    assert made(stacks) == set()


def test_its_own_failure_is_the_reason(stacks: Stacks) -> None:
    status = stacks.create(with_function(C=custom("a", Fail="Create")), DisableRollback=True)
    assert status == "CREATE_FAILED"
    reason = stacks.reasons()["C", "CREATE_FAILED"]
    assert reason.startswith(
        "Received response status [FAILED] from custom resource. Message returned: because"
    )


def test_silence_ends_at_the_service_timeout(stacks: Stacks) -> None:
    resources = with_function(C=custom("a", ServiceTimeout=1))
    resources["Function"]["Properties"]["Code"] = {"ZipFile": "def handler(e, c): pass"}
    stacks.create(resources, DisableRollback=True)
    reason = stacks.reasons()["C", "CREATE_FAILED"]
    assert "did not receive a response from your Custom Resource" in reason


def test_a_missing_function_fails_at_once(stacks: Stacks) -> None:
    token = "arn:aws:lambda:eu-west-1:111122223333:function:none"
    resource = {
        "Type": "AWS::CloudFormation::CustomResource",
        "Properties": {"ServiceToken": token},
    }
    assert stacks.create({"C": resource}) == "ROLLBACK_COMPLETE"
    assert "Function not found" in stacks.reasons()["C", "CREATE_FAILED"]


def test_wait_conditions_take_signals(stacks: Stacks) -> None:
    resources = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 60, "Count": 2},
        },
    }
    outputs = {"Data": {"Value": {"Fn::GetAtt": ["Wait", "Data"]}}}
    request = stacks.request(resources, {"outputs_section": outputs})
    stacks.client.create_stack(StackName="one", **request)
    assert stacks.aws.wait(lambda: ("Wait", "CREATE_IN_PROGRESS") in stacks.history())
    for unique_id in ("a", "a", "b"):
        signal = {"Status": "SUCCESS", "UniqueId": unique_id, "Data": "d", "Reason": "r"}
        put(stacks.ids()["Handle"], signal)
    stacks.aws.settle()
    assert json.loads(stacks.outputs()["Data"]) == {"a": "d", "b": "d"}


def test_wait_conditions_fail_on_a_failure_signal(stacks: Stacks) -> None:
    resources = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Wait": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": 60},
        },
    }
    stacks.client.create_stack(StackName="one", **stacks.request(resources, {}))
    assert stacks.aws.wait(lambda: ("Wait", "CREATE_IN_PROGRESS") in stacks.history())
    put(stacks.ids()["Handle"], {"Status": "FAILURE", "UniqueId": "a", "Reason": "no"})
    stacks.aws.settle()
    assert stacks.status() == "ROLLBACK_COMPLETE"
    assert stacks.reasons()["Wait", "CREATE_FAILED"] == (
        "WaitCondition received failed message: 'no' for uniqueId: a"
    )


def put(url: str, message: dict[str, str]) -> None:
    request = urllib.request.Request(url, data=json.dumps(message).encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


@pytest.fixture
def child_url(stacks: Stacks) -> str:
    child = {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "P": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Ref": "Value"}},
            }
        },
        "Outputs": {"Name": {"Value": {"Ref": "P"}}},
    }
    s3 = stacks.session.client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=location)
    s3.put_object(Bucket="templates", Key="child.json", Body=json.dumps(child).encode())
    return "https://templates.s3.eu-west-1.amazonaws.com/child.json"


def test_nested_stacks(stacks: Stacks, child_url: str) -> None:
    def parent(value: str) -> dict[str, Any]:
        properties = {"TemplateURL": child_url, "Parameters": {"Value": value}}
        return {"Child": {"Type": "AWS::CloudFormation::Stack", "Properties": properties}}

    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}}
    assert stacks.create(parent("1"), outputs_section=outputs) == "CREATE_COMPLETE"
    child = stacks.describe(stacks.ids()["Child"])
    assert child["ParentId"] == child["RootId"] == stacks.describe()["StackId"]
    assert stacks.outputs() == {"Name": stacks.ids(child["StackName"])["P"]}
    assert stacks.update(parent("2"), outputs_section=outputs) == "UPDATE_COMPLETE"
    value = stacks.session.client("ssm").get_parameter(Name=stacks.outputs()["Name"])
    assert value["Parameter"]["Value"] == "2"
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.status(child["StackId"]) == "DELETE_COMPLETE"
    assert made(stacks) == set()


def test_cdk_metadata_makes_nothing(stacks: Stacks) -> None:
    metadata = {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}}
    assert stacks.create({"CDKMetadata": metadata}) == "CREATE_COMPLETE"
    assert stacks.delete() == "DELETE_COMPLETE"
