"""Sessions, credentials and accounts, in-process."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from catalog.errors import LocalAwsError
from catalog.localaws import LocalAws
from catalog.localaws.core.service import ServiceError
from tests.localaws.core.roles import allow, code_of, make_role

A, B = "111111111111", "222222222222"


def test_an_administrator_is_the_root_of_its_account(aws: LocalAws) -> None:
    identity = aws.session(account=A).client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (A, f"arn:aws:iam::{A}:root")


def test_accounts_and_regions_have_state_of_their_own(aws: LocalAws) -> None:
    here = aws.session(account=A, region="eu-west-1").client("ssm")
    here.put_parameter(Name="/x", Value="1", Type="String")
    assert here.get_parameter(Name="/x")["Parameter"]["Value"] == "1"
    for account, region in ((A, "us-east-1"), (B, "eu-west-1")):
        elsewhere = aws.session(account=account, region=region).client("ssm")
        with pytest.raises(elsewhere.exceptions.ParameterNotFound):
            elsewhere.get_parameter(Name="/x")


def test_buckets_are_global_and_keys_are_bytes_exact(aws: LocalAws) -> None:
    s3 = aws.session(account=A, region="us-east-1").client("s3")
    s3.create_bucket(Bucket="shared-name")
    key, body = "dir with space/%2F+ü/=&?.bin", bytes(range(256)) * 400
    s3.put_object(Bucket="shared-name", Key=key, Body=body)
    assert s3.get_object(Bucket="shared-name", Key=key)["Body"].read() == body
    assert s3.head_object(Bucket="shared-name", Key=key)["ContentLength"] == len(body)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="shared-name")["Contents"]] == [key]
    other = aws.session(account=B, region="eu-west-1").client("s3")
    with pytest.raises(ClientError) as error:
        other.create_bucket(
            Bucket="shared-name", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
    assert code_of(error) == "BucketAlreadyExists"


def test_unknown_keys_and_wrong_tokens_are_refused(aws: LocalAws) -> None:
    unknown = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
    with pytest.raises(ClientError) as error:
        aws.session_as(unknown, region="eu-west-1").client("sts").get_caller_identity()
    assert code_of(error) == "InvalidClientTokenId"
    role = aws.credentials(account=A, role_arn=make_role(aws))
    with pytest.raises(ClientError) as error:
        aws.session_as(role | {"AWS_SESSION_TOKEN": "forged"}, region="eu-west-1").client(
            "s3"
        ).list_buckets()
    assert code_of(error) == "InvalidClientTokenId"


def test_a_session_ends_when_its_time_is_over(aws: LocalAws) -> None:
    credentials = aws.credentials(account=A, role_arn=make_role(aws))
    client = aws.session_as(credentials, region="eu-west-1").client("sts")
    assert client.get_caller_identity()["Account"] == A
    aws.identities.expire(credentials["AWS_ACCESS_KEY_ID"])
    with pytest.raises(ClientError) as error:
        client.get_caller_identity()
    assert code_of(error) == "ExpiredToken"


def test_no_session_of_a_role_that_does_not_exist(aws: LocalAws) -> None:
    with pytest.raises(ServiceError, match="does not exist"):
        aws.session(account=A, role_arn=f"arn:aws:iam::{A}:role/nobody")


@pytest.mark.parametrize("account", ["123", "12345678901x", ""])
def test_account_ids_have_twelve_digits(aws: LocalAws, account: str) -> None:
    with pytest.raises(ValueError, match="12-digit"):
        aws.credentials(account=account)


def test_client_as_acts_as_its_credentials_and_is_logged_as_internal(aws: LocalAws) -> None:
    role = make_role(aws, statements=[allow("ssm:PutParameter", "ssm:DescribeParameters")])
    admin = aws.client_as(aws.credentials(account=B), "ssm", region="eu-west-1")
    worker = aws.client_as(aws.credentials(account=A, role_arn=role), "ssm", region="eu-west-1")
    mark = aws.calls.mark()
    admin.put_parameter(Name="/of/b", Value="1", Type="String")
    worker.put_parameter(Name="/of/a", Value="1", Type="String")
    pages = worker.get_paginator("describe_parameters").paginate()
    assert [p["Name"] for page in pages for p in page["Parameters"]] == ["/of/a"]
    with pytest.raises(ClientError, match="assumed-role/worker"):
        worker.get_parameter(Name="/of/a")
    assert aws.calls.since(mark) == []
    assert [r.account for r in aws.calls.since(mark, internal=True)] == [B, A, A, A]


def test_presigned_urls_of_internal_clients_carry_their_own_keys(aws: LocalAws) -> None:
    credentials = aws.credentials(account=A)
    s3 = aws.client_as(credentials, "s3", region="eu-west-1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "k"})
    assert credentials["AWS_ACCESS_KEY_ID"] in url


def test_only_one_local_aws_runs_in_a_process(aws: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match="already running"):
        LocalAws().start()
    assert aws.session(account=A).client("s3").list_buckets()["Buckets"] == []


def test_starting_again_forgets_everything_and_leaves_nothing_behind() -> None:
    with LocalAws() as first:
        first.session(account=A, region="us-east-1").client("s3").create_bucket(Bucket="old-one")
        folder, url = first.work_dir, first.endpoint_url
        assert first.log_file.exists()
    assert not folder.exists()
    with LocalAws() as second:
        assert second.session(account=A).client("s3").list_buckets()["Buckets"] == []
        assert second.endpoint_url != url or second.work_dir != folder


def test_a_given_work_dir_is_kept_with_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with LocalAws(work_dir=folder) as aws:
        aws.session(account=A).client("sts").get_caller_identity()
    assert "sts GetCallerIdentity account=111111111111" in (folder / "local-aws.log").read_text()


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], aws: LocalAws) -> None:
    session = aws.session(account=A)
    session.client("iam").list_roles()
    with pytest.raises(ClientError):
        session.client("accessanalyzer").list_analyzers()
    assert aws.endpoint_url.startswith("http://localhost:")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_user_settings_and_environment_do_not_leak_in(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "someone-elses")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    session = aws.session(account=A, region="eu-west-1")
    assert session.client("sts").get_caller_identity()["Account"] == A
    assert session.region_name == "eu-west-1"


def test_an_unknown_region_cannot_be_reached(aws: LocalAws) -> None:
    with pytest.raises(EndpointConnectionError):
        aws.session(account=A, region="eu-nowhere-1").client("ssm").describe_parameters()
