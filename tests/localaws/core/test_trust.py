"""Who may assume which role."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws
from catalog.localaws.core.service import ServiceError
from tests.localaws.core.roles import allow, code_of, make_role

A, B, C = "111111111111", "222222222222", "333333333333"


def trust(aws: LocalAws, role: str, *statements: dict[str, Any]) -> None:
    iam = aws.session(account=role.split(":")[4]).client("iam")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.update_assume_role_policy(
        RoleName=role.rsplit("/", 1)[-1], PolicyDocument=json.dumps(document)
    )


def trusted(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Principal": principal, **more}


def assume(aws: LocalAws, role: str, *, account: str = B, **more: Any) -> dict[str, Any]:
    sts = more.pop("sts", None) or aws.session(account=account).client("sts")
    return dict(sts.assume_role(RoleArn=role, RoleSessionName="visit", **more))


def session_of(aws: LocalAws, answer: dict[str, Any]) -> Any:
    keys = answer["Credentials"]
    return aws.session_as(
        {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
        region="eu-west-1",
    )


def test_a_trusted_account_gets_a_session_in_the_roles_account(aws: LocalAws) -> None:
    role = make_role(aws, trust={"AWS": f"arn:aws:iam::{B}:root"}, path="/team/")
    assert role == f"arn:aws:iam::{A}:role/team/worker"
    answer = assume(aws, role)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{A}:assumed-role/worker/visit"
    identity = session_of(aws, answer).client("sts").get_caller_identity()
    assert identity["Account"] == A
    assert identity["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    assert identity["UserId"].startswith("AROA")


@pytest.mark.parametrize(
    ("principal", "admitted"),
    [
        ({"AWS": B}, True),
        ({"AWS": [C, f"arn:aws:iam::{B}:root"]}, True),
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": C}, False),
        ({"Service": "codebuild.amazonaws.com"}, False),
        ({"AWS": f"arn:aws:iam::{B}:role/other"}, False),
    ],
)
def test_only_trusted_principals_are_admitted(
    aws: LocalAws, principal: Any, admitted: bool
) -> None:
    role = make_role(aws, trust=principal)
    if admitted:
        assert assume(aws, role)["Credentials"]["SessionToken"]
        return
    with pytest.raises(ClientError) as error:
        assume(aws, role)
    assert code_of(error) == "AccessDenied"
    assert error.value.response["Error"]["Message"].startswith(
        f"User: arn:aws:iam::{B}:root is not authorized to perform: sts:AssumeRole on resource: "
        f"{role}"
    )


@pytest.mark.parametrize(
    "role",
    [
        f"arn:aws:iam::{A}:role/nobody",
        f"arn:aws:iam::{A}:role/other/worker",
        "arn:aws:iam::999999999999:role/worker",
    ],
)
def test_a_role_that_does_not_exist_cannot_be_assumed(aws: LocalAws, role: str) -> None:
    make_role(aws, path="/team/", trust={"AWS": B})
    with pytest.raises(ClientError) as error:
        assume(aws, role)
    assert code_of(error) == "AccessDenied"


@pytest.mark.parametrize(
    ("condition", "arguments", "admitted"),
    [
        ({"StringEquals": {"sts:ExternalId": "s3cret"}}, {"ExternalId": "s3cret"}, True),
        ({"StringEquals": {"sts:ExternalId": "s3cret"}}, {"ExternalId": "wrong"}, False),
        ({"StringEquals": {"sts:ExternalId": "s3cret"}}, {}, False),
        ({"StringLike": {"sts:RoleSessionName": "vis*"}}, {}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-0000000000"}}, {}, False),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{B}:*"}}, {}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, {}, False),
    ],
)
def test_conditions_of_the_trust_policy(
    aws: LocalAws, condition: Any, arguments: dict[str, Any], admitted: bool
) -> None:
    role = make_role(aws)
    trust(aws, role, trusted({"AWS": B}, Condition=condition))
    if admitted:
        assume(aws, role, **arguments)
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(aws, role, **arguments)


def test_an_explicit_deny_in_the_trust_policy_wins(aws: LocalAws) -> None:
    role = make_role(aws)
    refusal = {**trusted({"AWS": B}), "Effect": "Deny"}
    trust(aws, role, trusted("*"), refusal)
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        assume(aws, role)
    assume(aws, role, account=C)


def test_a_caller_needs_permission_unless_the_role_trusts_it_by_name(aws: LocalAws) -> None:
    target = make_role(aws, name="target", trust={"AWS": [A, B]})
    inside = make_role(aws, name="inside")
    outside = make_role(aws, account=B, name="outside")
    may = make_role(aws, account=B, name="may", statements=[allow("sts:AssumeRole")])
    for role, refused in ((inside, True), (outside, True), (may, False)):
        sts = aws.session(account=role.split(":")[4], role_arn=role).client("sts")
        if refused:
            with pytest.raises(ClientError, match="no identity-based policy allows the sts:"):
                assume(aws, target, sts=sts)
        else:
            assume(aws, target, sts=sts)
    trust(aws, target, trusted({"AWS": [inside, outside]}))
    assume(aws, target, sts=aws.session(account=A, role_arn=inside).client("sts"))
    with pytest.raises(ClientError, match="no identity-based policy"):
        assume(aws, target, sts=aws.session(account=B, role_arn=outside).client("sts"))


def test_durations(aws: LocalAws) -> None:
    role = make_role(aws, trust={"AWS": [A, B]}, statements=[allow("sts:AssumeRole")])
    with pytest.raises(ClientError, match="exceeds the MaxSessionDuration"):
        assume(aws, role, DurationSeconds=7200)
    aws.session(account=A).client("iam").update_role(RoleName="worker", MaxSessionDuration=7200)
    answer = assume(aws, role, DurationSeconds=7200)
    assert 7190 < answer["Credentials"]["Expiration"].timestamp() - time.time() <= 7200
    chained = session_of(aws, answer).client("sts")
    assert assume(aws, role, sts=chained)["Credentials"]
    with pytest.raises(ClientError, match="1 hour session limit for roles assumed by role chain"):
        assume(aws, role, sts=chained, DurationSeconds=7200)
    with pytest.raises(ClientError, match="ValidationError"):
        assume(aws, role, DurationSeconds=10**6)


def test_session_tags_need_tag_session_and_become_principal_tags(aws: LocalAws) -> None:
    tags = [{"Key": "team", "Value": "red"}]
    same_team = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    role = make_role(
        aws,
        trust={"AWS": B},
        statements=[allow("ssm:DescribeParameters", Condition=same_team)],
    )
    with pytest.raises(ClientError, match="sts:TagSession"):
        assume(aws, role, Tags=tags)
    trust(aws, role, trusted({"AWS": B}), trusted({"AWS": B}, "sts:TagSession"))
    session_of(aws, assume(aws, role, Tags=tags)).client("ssm").describe_parameters()
    with pytest.raises(ClientError, match="ssm:DescribeParameters"):
        session_of(aws, assume(aws, role)).client("ssm").describe_parameters()


def test_aws_services_assume_roles_that_trust_them(aws: LocalAws) -> None:
    role = make_role(aws, trust={"Service": "codebuild.amazonaws.com"})
    credentials = aws.assume_as_service(
        role, service_principal="codebuild.amazonaws.com", session_name="AWSCodeBuild-1"
    )
    sts = aws.client_as(credentials, "sts", region="eu-west-1")
    assert sts.get_caller_identity()["Arn"].endswith("assumed-role/worker/AWSCodeBuild-1")
    for principal, arn in (
        ("lambda.amazonaws.com", role),
        ("codebuild.amazonaws.com", f"{role}-gone"),
    ):
        with pytest.raises(ServiceError) as error:
            aws.assume_as_service(arn, service_principal=principal, session_name="x")
        assert error.value.code == "AccessDenied"


def test_a_role_can_limit_the_service_to_its_own_account(aws: LocalAws) -> None:
    role = make_role(aws)
    service = {"Service": "codepipeline.amazonaws.com"}
    trust(aws, role, trusted(service, Condition={"StringEquals": {"aws:SourceAccount": A}}))

    def session(source: str | None) -> dict[str, str]:
        return aws.assume_as_service(
            role,
            service_principal="codepipeline.amazonaws.com",
            session_name="x",
            source_account=source,
        )

    assert session(None)
    assert session(A)
    with pytest.raises(ServiceError):
        session(B)


def _token(claims: dict[str, Any]) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_a_ci_job_enters_by_open_id_connect(aws: LocalAws) -> None:
    host = "token.actions.githubusercontent.com"
    iam = aws.session(account=A).client("iam")
    role = make_role(aws)
    condition = {
        "StringEquals": {f"{host}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{host}:sub": "repo:acme/catalog:*"},
    }
    provider = f"arn:aws:iam::{A}:oidc-provider/{host}"
    federated = trusted(
        {"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition
    )
    trust(aws, role, federated)
    sts = aws.session(account=B, region="eu-west-1").client(
        "sts", config=Config(signature_version=UNSIGNED)
    )
    claims = {"iss": f"https://{host}", "aud": "sts.amazonaws.com", "exp": time.time() + 300}

    def enter(**more: Any) -> dict[str, Any]:
        return dict(
            sts.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName="ci", WebIdentityToken=_token({**claims, **more})
            )
        )

    with pytest.raises(ClientError, match="InvalidIdentityToken"):
        enter(sub="repo:acme/catalog:ref:refs/heads/main")
    iam.create_open_id_connect_provider(Url=f"https://{host}", ThumbprintList=["f" * 40])
    answer = enter(sub="repo:acme/catalog:ref:refs/heads/main")
    assert session_of(aws, answer).client("sts").get_caller_identity()["Account"] == A
    with pytest.raises(ClientError, match="AccessDenied"):
        enter(sub="repo:other/catalog:ref:refs/heads/main")
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        enter(sub="repo:acme/catalog:x", exp=time.time() - 1)


def test_session_tokens_and_key_info(aws: LocalAws) -> None:
    sts = aws.session(account=A).client("sts")
    answer = sts.get_session_token(DurationSeconds=900)
    copy = session_of(aws, answer).client("sts")
    assert copy.get_caller_identity()["Arn"] == f"arn:aws:iam::{A}:root"
    key = answer["Credentials"]["AccessKeyId"]
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == A
