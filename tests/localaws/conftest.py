"""A fresh local AWS for each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []
        assert running.background_errors == []


@pytest.fixture
def organization(aws: LocalAws) -> Organization:
    return build_organization(aws)


@pytest.fixture
def make_role(aws: LocalAws) -> Callable[..., str]:
    """Makes a role that a service may assume: `make_role(account, service, *statements)`."""
    made = 0

    def make(account: str, service: str, *statements: dict[str, object]) -> str:
        nonlocal made
        made += 1
        iam = aws.session(account=account).client("iam")
        name = f"{service.split('.', maxsplit=1)[0]}-{made}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy)
        return str(role["Arn"])

    return make
