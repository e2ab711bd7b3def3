"""Sessions, pacing and what errors say."""

from __future__ import annotations

import botocore.exceptions as errors
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from catalog.aws import error_code, raise_translated
from catalog.errors import (
    AccessDeniedError,
    AwsCallFailed,
    CatalogError,
    CredentialsError,
    QuotaExceeded,
    UnreachableAccount,
)
from catalog.localaws.core.faults import Fault
from catalog.pacing import Bucket, Pace


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreatePortfolio")


def translated(error: Exception, *, service="servicecatalog", operation="CreatePortfolio"):
    with pytest.raises(CatalogError) as caught:
        raise_translated(
            error, service=service, operation=operation, account="111122223333", region="eu-west-1"
        )
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("AccessDeniedException"), AccessDeniedError),
        (refused("ExpiredTokenException"), CredentialsError),
        (refused("LimitExceededException"), QuotaExceeded),
        (refused("ThrottlingException"), AwsCallFailed),
        (refused("InvalidParametersException"), AwsCallFailed),
        (errors.NoCredentialsError(), CredentialsError),
        (errors.EndpointConnectionError(endpoint_url="https://x"), UnreachableAccount),
        (errors.ReadTimeoutError(endpoint_url="https://x"), UnreachableAccount),
        (errors.ParamValidationError(report="r"), AwsCallFailed),
    ],
)
def test_every_refusal_names_account_region_and_operation(error, kind):
    found = translated(error)
    assert type(found) is kind
    assert str(found.where) == "111122223333/eu-west-1"
    assert "servicecatalog CreatePortfolio" in found.message
    assert found.exit_code > 1


def test_the_missing_permission_is_the_one_that_aws_names():
    message = (
        "User: arn:aws:sts::111122223333:assumed-role/P/s is not authorized to perform: "
        "servicecatalog:TagResource on resource: arn:x because no identity-based policy allows"
    )
    found = translated(refused("AccessDeniedException", message))
    assert "servicecatalog:TagResource is not allowed" in found.message
    assert "Allow servicecatalog:TagResource" in found.next_step


def test_the_missing_permission_is_known_where_aws_does_not_name_it():
    found = translated(
        refused("AccessDenied", "Access Denied"), service="s3", operation="HeadBucket"
    )
    assert "s3:ListBucket is not allowed" in found.message


def test_the_code_is_found_behind_the_translation():
    assert error_code(translated(refused("ResourceNotFoundException"))) == (
        "ResourceNotFoundException"
    )
    assert error_code(ValueError()) == ""


def test_clients_and_sessions_are_made_once_per_account_region_and_service(hub):
    member = hub.organization.members["research"]
    aws = hub.publisher(role_for=lambda account: None if account == hub.account else (
        "OrganizationAccountAccessRole"))  # fmt: skip
    clients = [
        aws.client(account=account, region="eu-west-1", service="servicecatalog")
        for account in (hub.account, member, hub.account, member)
    ]
    assert len(set(map(id, clients))) == 2
    aws.client(account=member, region="us-east-1", service="iam")
    assumed = [c for c in hub.local.calls.since() if c.operation == "AssumeRole"]
    assert len(assumed) == 1
    assert (
        aws.call(
            account=member, region="eu-west-1", service="sts", operation="get_caller_identity"
        )["Account"]
        == member
    )


def test_throttling_slows_the_bucket_of_that_account_region_and_service_only(hub):
    aws = hub.publisher(pace=Pace(start=64, burst=64, ceiling=64))
    hub.local.faults.inject(Fault.THROTTLED, operation="ListPortfolios", times=1)
    for region in ("eu-west-1", "us-east-1"):
        aws.call(
            account=hub.account,
            region=region,
            service="servicecatalog",
            operation="list_portfolios",
        )

    def rate(region):
        return aws.bucket(account=hub.account, region=region, service="servicecatalog").rate

    assert rate("eu-west-1") < 40
    assert rate("us-east-1") == 64


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds

    def __call__(self):
        return self.now


def bucket_at(clock, **pace):
    return Bucket(pace=Pace(**pace), clock=clock, sleep=clock.sleep)


@given(calls=st.integers(1, 300), start=st.floats(1, 50), burst=st.floats(1, 50))
def test_an_unthrottled_bucket_is_never_faster_than_its_bound(calls, start, burst):
    clock = Time()
    pace = Pace(start=start, burst=burst, ceiling=1e9)
    bucket = Bucket(pace=pace, clock=clock, sleep=clock.sleep)
    for _ in range(calls):
        bucket.take()
    assert clock.now >= pace.seconds_for(calls) * 0.999


@given(throttles=st.integers(1, 30))
def test_throttling_halves_the_rate_down_to_the_floor_and_it_climbs_again(throttles):
    clock = Time()
    bucket = bucket_at(clock, start=64, burst=1, floor=0.5, ceiling=64, climb=1)
    for _ in range(throttles):
        clock.now += 0.5
        bucket.throttled()
    assert 0.5 <= bucket.rate <= 64 / 2**throttles + 1
    before = bucket.rate
    clock.now += 10
    bucket.take()
    assert bucket.rate == pytest.approx(before + 10)


def test_throttled_answers_of_one_moment_count_once():
    clock = Time()
    bucket = bucket_at(clock, start=64, burst=64)
    for _ in range(20):
        bucket.throttled()
    assert bucket.rate == 32
