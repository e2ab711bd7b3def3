"""What roles may do, end to end."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws
from tests.localaws.core.roles import allow, as_role, code_of, document_of, make_role

A, B = "111111111111", "222222222222"
REGION = "eu-west-1"


def make_bucket(aws: LocalAws, name: str, *, account: str = A, policy: Any = None) -> Any:
    s3 = aws.session(account=account, region=REGION).client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="in/x.txt", Body=b"x", Tagging="stage=prod")
    if policy:
        s3.put_bucket_policy(Bucket=name, Policy=document_of(policy))
    return s3


def test_a_role_without_policies_may_do_nothing_and_is_told_so_in_each_protocol(
    aws: LocalAws,
) -> None:
    make_bucket(aws, "data-of-a")
    session = as_role(aws, make_role(aws))
    arn = f"arn:aws:sts::{A}:assumed-role/worker/local-aws"
    with pytest.raises(ClientError) as json_error:
        session.client("ssm").get_parameter(Name="/team/x")
    assert code_of(json_error) == "AccessDeniedException"
    assert json_error.value.response["Error"]["Message"] == (
        f"User: {arn} is not authorized to perform: ssm:GetParameter on resource: "
        f"arn:aws:ssm:{REGION}:{A}:parameter/team/x because no identity-based policy allows the "
        "ssm:GetParameter action"
    )
    with pytest.raises(ClientError) as query_error:
        session.client("iam").list_roles()
    assert code_of(query_error) == "AccessDenied"
    assert query_error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError) as xml_error:
        session.client("s3").get_object(Bucket="data-of-a", Key="in/x.txt")
    assert code_of(xml_error) == "AccessDenied"
    with pytest.raises(ClientError) as rest_error:
        session.client("lambda").get_function(FunctionName="f")
    assert code_of(rest_error) == "AccessDeniedException"
    assert rest_error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert session.client("sts").get_caller_identity()["Arn"] == arn


def test_a_policy_limited_to_an_arn_allows_just_that(aws: LocalAws) -> None:
    make_bucket(aws, "data-of-a")
    reads = allow("s3:GetObject", resource="arn:aws:s3:::data-of-a/in/*")
    lists = allow(
        "s3:ListBucket",
        resource="arn:aws:s3:::data-of-a",
        Condition={"StringLike": {"s3:prefix": "in/*"}},
    )
    s3 = as_role(aws, make_role(aws, statements=[reads, lists])).client("s3")
    assert s3.get_object(Bucket="data-of-a", Key="in/x.txt")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="data-of-a", Prefix="in/")["KeyCount"] == 1
    with pytest.raises(ClientError, match="s3:ListBucket"):
        s3.list_objects_v2(Bucket="data-of-a")
    with pytest.raises(ClientError, match="s3:PutObject"):
        s3.put_object(Bucket="data-of-a", Key="in/y.txt", Body=b"y")
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket="data-of-a", Key="out/x.txt")


def test_attached_policies_aws_managed_ones_and_groups_count(aws: LocalAws) -> None:
    admin = aws.session(account=A).client("iam")
    role = make_role(aws)
    session = as_role(aws, role)
    with pytest.raises(ClientError, match="ssm:DescribeParameters"):
        session.client("ssm").describe_parameters()
    admin.attach_role_policy(
        RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
    )
    session.client("ssm").describe_parameters()
    own = admin.create_policy(PolicyName="own", PolicyDocument=document_of([allow("sns:*")]))
    admin.attach_role_policy(RoleName="worker", PolicyArn=own["Policy"]["Arn"])
    session.client("sns").create_topic(Name="alerts")
    version = admin.create_policy_version(
        PolicyArn=own["Policy"]["Arn"],
        PolicyDocument=document_of([allow("sqs:*")]),
        SetAsDefault=True,
    )
    assert version["PolicyVersion"]["IsDefaultVersion"]
    with pytest.raises(ClientError, match="sns:CreateTopic"):
        session.client("sns").create_topic(Name="more")

    admin.create_user(UserName="eva")
    keys = admin.create_access_key(UserName="eva")["AccessKey"]
    eva = aws.session_as(
        {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        },
        region=REGION,
    )
    assert eva.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{A}:user/eva"
    with pytest.raises(ClientError, match="ssm:DescribeParameters"):
        eva.client("ssm").describe_parameters()
    admin.create_group(GroupName="readers")
    admin.add_user_to_group(GroupName="readers", UserName="eva")
    admin.attach_group_policy(
        GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
    )
    eva.client("ssm").describe_parameters()


def test_a_permissions_boundary_limits_its_role(aws: LocalAws) -> None:
    iam = aws.session(account=A).client("iam")
    boundary = iam.create_policy(PolicyName="limit", PolicyDocument=document_of([allow("ssm:*")]))[
        "Policy"
    ]["Arn"]
    role = make_role(aws, statements=[allow("*")], boundary=boundary)
    session = as_role(aws, role)
    session.client("ssm").describe_parameters()
    with pytest.raises(ClientError, match="because no permissions boundary allows the sns:"):
        session.client("sns").create_topic(Name="t")


def test_a_role_that_may_only_create_bounded_roles(aws: LocalAws) -> None:
    iam = aws.session(account=A).client("iam")
    boundary = iam.create_policy(PolicyName="limit", PolicyDocument=document_of([allow("ssm:*")]))[
        "Policy"
    ]["Arn"]
    condition = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    role = make_role(
        aws,
        statements=[
            allow("iam:CreateRole", "iam:PutRolePolicy", Condition=condition),
        ],
    )
    limited = as_role(aws, role).client("iam")
    trust = document_of([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": A}}])
    with pytest.raises(ClientError, match="iam:CreateRole"):
        limited.create_role(RoleName="free", AssumeRolePolicyDocument=trust)
    limited.create_role(
        RoleName="bound", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary
    )
    limited.put_role_policy(
        RoleName="bound", PolicyName="p", PolicyDocument=document_of([allow("s3:*")])
    )
    with pytest.raises(ClientError, match="iam:PutRolePolicy"):
        limited.put_role_policy(
            RoleName="worker", PolicyName="p", PolicyDocument=document_of([allow("s3:*")])
        )


def test_passing_a_role_needs_pass_role_for_that_service(aws: LocalAws) -> None:
    build_role = make_role(aws, name="build", trust={"Service": "codebuild.amazonaws.com"})
    create = allow("codebuild:CreateProject")
    project: dict[str, Any] = {
        "name": "project",
        "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}\n"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        "serviceRole": build_role,
    }

    def passing(service: str) -> dict[str, Any]:
        return allow(
            "iam:PassRole",
            resource=build_role,
            Condition={"StringEquals": {"iam:PassedToService": service}},
        )

    roles = {
        "none": make_role(aws, name="none", statements=[create]),
        "other": make_role(aws, name="other", statements=[create, passing("lambda.amazonaws.com")]),
        "right": make_role(
            aws, name="right", statements=[create, passing("codebuild.amazonaws.com")]
        ),
    }
    for refused in ("none", "other"):
        with pytest.raises(ClientError, match=r"iam:PassRole on resource: .*role/build"):
            as_role(aws, roles[refused]).client("codebuild").create_project(**project)
    created = as_role(aws, roles["right"]).client("codebuild").create_project(**project)
    assert created["project"]["serviceRole"] == build_role


def test_tags_in_requests_and_on_principals_are_conditions(aws: LocalAws) -> None:
    condition = {
        "StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    role = make_role(aws, statements=[allow("sns:CreateTopic", Condition=condition)])
    aws.session(account=A).client("iam").tag_role(
        RoleName="worker", Tags=[{"Key": "team", "Value": "red"}]
    )
    sns = as_role(aws, role).client("sns")
    sns.create_topic(Name="t", Tags=[{"Key": "team", "Value": "red"}])
    for tags in (
        [{"Key": "team", "Value": "blue"}],
        [{"Key": "team", "Value": "red"}, {"Key": "cost", "Value": "1"}],
        [],
    ):
        with pytest.raises(ClientError, match="sns:CreateTopic"):
            sns.create_topic(Name="u", Tags=tags)


def test_bucket_policies_across_accounts(aws: LocalAws) -> None:
    grant = allow("s3:GetObject", resource="arn:aws:s3:::data-of-a/*", Principal={"AWS": B})
    make_bucket(aws, "data-of-a", policy=[grant])
    reader = allow("s3:GetObject", resource="arn:aws:s3:::data-of-a/*")
    with_policy = as_role(aws, make_role(aws, account=B, name="reader", statements=[reader]))
    without = as_role(aws, make_role(aws, account=B, name="other"))
    body = with_policy.client("s3").get_object(Bucket="data-of-a", Key="in/x.txt")["Body"].read()
    assert body == b"x"
    with pytest.raises(ClientError, match="because no identity-based policy"):
        without.client("s3").get_object(Bucket="data-of-a", Key="in/x.txt")
    with pytest.raises(ClientError, match="because no resource-based policy"):
        with_policy.client("s3").put_object(Bucket="data-of-a", Key="in/x.txt", Body=b"")
    third = aws.session(account="333333333333", region=REGION).client("s3")
    with pytest.raises(ClientError, match="because no resource-based policy"):
        third.get_object(Bucket="data-of-a", Key="in/x.txt")


def test_a_bucket_open_to_the_organization_and_to_tagged_objects(
    aws: LocalAws,
) -> None:
    aws.session(account=A).client("organizations").create_organization(FeatureSet="ALL")
    organization = aws.organizations.organization_id(A)
    grant = allow(
        "s3:GetObject",
        resource="arn:aws:s3:::data-of-a/*",
        Principal="*",
        Condition={
            "StringEquals": {
                "aws:PrincipalOrgID": organization,
                "s3:ExistingObjectTag/stage": "prod",
            }
        },
    )
    s3 = make_bucket(aws, "data-of-a", policy=[grant])
    s3.put_object(Bucket="data-of-a", Key="in/untagged.txt", Body=b"y")
    member = as_role(aws, make_role(aws)).client("s3")  # no identity policy of its own
    assert member.get_object(Bucket="data-of-a", Key="in/x.txt")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        member.get_object(Bucket="data-of-a", Key="in/untagged.txt")
    outsider = aws.session(account=B, region=REGION).client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        outsider.get_object(Bucket="data-of-a", Key="in/x.txt")


def test_a_policy_that_demands_tls_lets_the_loopback_through(aws: LocalAws) -> None:
    demand = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::data-of-a", "arn:aws:s3:::data-of-a/*"],
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3 = make_bucket(aws, "data-of-a", policy=[demand])
    assert s3.get_object(Bucket="data-of-a", Key="in/x.txt")["Body"].read() == b"x"


def test_an_encrypted_bucket_needs_the_key_too(aws: LocalAws) -> None:
    kms = aws.session(account=A, region=REGION).client("kms")
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{A}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = kms.create_key(Policy=document_of([root]))["KeyMetadata"]["Arn"]
    s3 = make_bucket(aws, "data-of-a")
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    }
    s3.put_bucket_encryption(
        Bucket="data-of-a", ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    objects = allow("s3:GetObject", "s3:PutObject", resource="arn:aws:s3:::data-of-a/*")
    uses_key = allow(
        "kms:GenerateDataKey",
        "kms:Decrypt",
        resource=key,
        Condition={"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
    )
    keyless = as_role(aws, make_role(aws, name="keyless", statements=[objects])).client("s3")
    keyed = as_role(aws, make_role(aws, name="keyed", statements=[objects, uses_key]))
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        keyless.put_object(Bucket="data-of-a", Key="y", Body=b"y")
    keyed.client("s3").put_object(Bucket="data-of-a", Key="y", Body=b"y")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        keyless.get_object(Bucket="data-of-a", Key="y")
    assert keyed.client("s3").get_object(Bucket="data-of-a", Key="y")["Body"].read() == b"y"
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):  # not through S3
        keyed.client("kms").generate_data_key(KeyId=key, KeySpec="AES_256")


def test_a_key_policy_that_leaves_the_account_out_locks_it_out(aws: LocalAws) -> None:
    kms = aws.session(account=A, region=REGION).client("kms")
    only = {
        "Effect": "Allow",
        "Principal": {"AWS": make_role(aws, name="owner")},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = kms.create_key(Policy=document_of([only]), BypassPolicyLockoutSafetyCheck=True)
    key_id = key["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="because no resource-based policy"):
        kms.encrypt(KeyId=key_id, Plaintext=b"x")
    owner = as_role(aws, f"arn:aws:iam::{A}:role/owner").client("kms")
    sealed = owner.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    assert owner.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"


def test_a_session_policy_narrows_the_session(aws: LocalAws) -> None:
    role = make_role(aws, statements=[allow("ssm:*", "sns:*")])
    answer = (
        aws.session(account=A)
        .client("sts")
        .assume_role(RoleArn=role, RoleSessionName="narrow", Policy=document_of([allow("sns:*")]))[
            "Credentials"
        ]
    )
    session = aws.session_as(
        {
            "AWS_ACCESS_KEY_ID": answer["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": answer["SecretAccessKey"],
            "AWS_SESSION_TOKEN": answer["SessionToken"],
        },
        region=REGION,
    )
    session.client("sns").create_topic(Name="t")
    with pytest.raises(ClientError, match="because no session policy allows"):
        session.client("ssm").describe_parameters()


def test_a_deleted_roles_session_loses_its_rights(aws: LocalAws) -> None:
    session = as_role(aws, make_role(aws, statements=[allow("ssm:*")]))
    session.client("ssm").describe_parameters()
    iam = aws.session(account=A).client("iam")
    iam.delete_role_policy(RoleName="worker", PolicyName="inline")
    iam.delete_role(RoleName="worker")
    with pytest.raises(ClientError, match="not authorized"):
        session.client("ssm").describe_parameters()


def test_simulation_tells_what_a_role_may_do(aws: LocalAws) -> None:
    role = make_role(
        aws, path="/team/", statements=[allow("s3:GetObject", resource="arn:aws:s3:::data/*")]
    )
    results = (
        aws.session(account=A)
        .client("iam")
        .simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["s3:GetObject", "s3:PutObject"],
            ResourceArns=["arn:aws:s3:::data/x"],
        )["EvaluationResults"]
    )
    assert {r["EvalActionName"]: r["EvalDecision"] for r in results} == {
        "s3:GetObject": "allowed",
        "s3:PutObject": "implicitDeny",
    }


@pytest.mark.parametrize(
    "document",
    [
        "not json",
        "{}",
        '{"Statement": []}',
        '{"Statement": [{"Effect": "Permit", "Action": "*", "Principal": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": {"AWS": "someone"}}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "*", "Resource": "*"}]}',
        '{"Statement": {"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": {"X": 1}}}',
    ],
)
def test_malformed_trust_policies_are_refused(aws: LocalAws, document: str) -> None:
    with pytest.raises(ClientError) as error:
        aws.session(account=A).client("iam").create_role(
            RoleName="r", AssumeRolePolicyDocument=document
        )
    assert code_of(error) == "MalformedPolicyDocument"


def test_anonymous_requests_reach_nothing_but_public_objects(aws: LocalAws) -> None:
    public = allow("s3:GetObject", resource="arn:aws:s3:::site/*", Principal="*")
    make_bucket(aws, "site", policy=[public])
    make_bucket(aws, "private-one")
    session = aws.session(account=A, region=REGION)
    anonymous = session.client("s3", config=Config(signature_version=UNSIGNED))
    assert anonymous.get_object(Bucket="site", Key="in/x.txt")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        anonymous.get_object(Bucket="private-one", Key="in/x.txt")


def test_a_delete_marker_is_as_good_as_no_object(aws: LocalAws) -> None:
    owner = make_bucket(aws, "data-of-a")
    owner.put_bucket_versioning(Bucket="data-of-a", VersioningConfiguration={"Status": "Enabled"})
    everything = allow("s3:*", resource=["arn:aws:s3:::data-of-a", "arn:aws:s3:::data-of-a/*"])
    s3 = as_role(aws, make_role(aws, statements=[everything])).client("s3")
    assert s3.delete_object(Bucket="data-of-a", Key="in/x.txt")["DeleteMarker"]
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="data-of-a", Key="in/x.txt")

    s3.put_object(Bucket="data-of-a", Key="in/x.txt", Body=b"again")

    assert s3.get_object(Bucket="data-of-a", Key="in/x.txt")["Body"].read() == b"again"
