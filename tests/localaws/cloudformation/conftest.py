"""Stacks in one account and region, driven through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws

ACCOUNT, REGION = "111122223333", "eu-west-1"


class Stacks:
    """What the tests do with stacks; every operation waits for its end."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.session = aws.session(account=ACCOUNT, region=REGION)
        self.client = self.session.client("cloudformation")

    def __getattr__(self, service: str) -> Any:
        return self.session.client(service.replace("_", "-").rstrip("-"))

    def create(self, resources: dict[str, Any], *, name: str = "one", **more: Any) -> str:
        """Create a stack of resources (and other sections) and return its final status."""
        request = self.request(resources, more)
        self.client.create_stack(StackName=name, **request)
        assert self.aws.settle(timeout=60)
        return self.status(name)

    def update(self, resources: dict[str, Any], *, name: str = "one", **more: Any) -> str:
        self.client.update_stack(StackName=name, **self.request(resources, more))
        assert self.aws.settle(timeout=60)
        return self.status(name)

    def delete(self, name: str = "one", **more: Any) -> str:
        stack_id = self.describe(name)["StackId"]
        self.client.delete_stack(StackName=name, **more)
        assert self.aws.settle(timeout=60)
        return self.status(stack_id)

    def request(self, resources: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
        sections = ("Parameters", "Outputs", "Conditions", "Mappings", "Rules", "Metadata")
        template = {"Resources": resources}
        template |= {key: more.pop(f"{key.lower()}_section") for key in sections
                     if f"{key.lower()}_section" in more}  # fmt: skip
        more.setdefault("Capabilities", ["CAPABILITY_NAMED_IAM"])
        return {"TemplateBody": json.dumps(template), **more}

    def describe(self, name: str = "one") -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def status(self, name: str = "one") -> str:
        return str(self.describe(name)["StackStatus"])

    def outputs(self, name: str = "one") -> dict[str, str]:
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe(name)["Outputs"]}

    def ids(self, name: str = "one") -> dict[str, str]:
        """Return logical to physical ids."""
        found = self.client.list_stack_resources(StackName=name)["StackResourceSummaries"]
        return {r["LogicalResourceId"]: r.get("PhysicalResourceId", "") for r in found}

    def history(self, name: str = "one") -> list[tuple[str, str]]:
        """Return (logical id, status) of every event, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [event for page in pages for event in page["StackEvents"]]
        return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]

    def reasons(self, name: str = "one") -> dict[tuple[str, str], str]:
        """Return status reasons by logical id and status."""
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return {
            (e["LogicalResourceId"], e["ResourceStatus"]): e["ResourceStatusReason"]
            for e in events
            if "ResourceStatusReason" in e
        }


@pytest.fixture
def stacks(aws: LocalAws) -> Stacks:
    return Stacks(aws)


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    """Return code and message of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(name="refusal")
def _refusal() -> Callable[[Callable[[], object]], tuple[str, str]]:
    return refusal


def trust(service: str) -> dict[str, Any]:
    """Return a trust policy for a service."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(service: str, *actions: str) -> dict[str, Any]:
    """Return a role resource."""
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": trust(service)}
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        properties["Policies"] = [{"PolicyName": "all", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}
