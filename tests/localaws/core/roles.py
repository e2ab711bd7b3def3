"""Roles and policies in a line each."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws

A = "111111111111"
REGION = "eu-west-1"


def make_role(
    aws: LocalAws,
    *,
    account: str = A,
    name: str = "worker",
    statements: list[dict[str, Any]] | None = None,
    trust: dict[str, Any] | None = None,
    boundary: str | None = None,
    path: str = "/",
) -> str:
    """Create a role by IAM's API and return its ARN."""
    iam = aws.session(account=account).client("iam")
    principal = trust or {"AWS": account}
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}],
    }
    extra = {"PermissionsBoundary": boundary} if boundary else {}
    role = iam.create_role(
        RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(document), **extra
    )["Role"]
    if statements:
        iam.put_role_policy(
            RoleName=name, PolicyName="inline", PolicyDocument=document_of(statements)
        )
    return str(role["Arn"])


def document_of(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def as_role(aws: LocalAws, arn: str) -> boto3.Session:
    return aws.session(account=arn.split(":")[4], role_arn=arn, region=REGION)


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])
