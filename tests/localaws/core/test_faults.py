"""What can be made to go wrong, and what is counted."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from catalog.localaws import LocalAws
from catalog.localaws.core.calls import is_mutating
from catalog.localaws.core.faults import CallSite, Fault, Faults, Killed, Throttle
from tests.localaws.core.roles import REGION, A, code_of

ONE_TRY = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def sns(aws: LocalAws, *, account: str = A, region: str = REGION, tries: int = 1) -> Any:
    config = Config(retries={"total_max_attempts": tries, "mode": "standard"})
    return aws.session(account=account, region=region).client("sns", config=config)


def topics(aws: LocalAws) -> int:
    return len(sns(aws).list_topics()["Topics"])


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (Fault.SERVER_ERROR, "InternalFailure", 500),
        (Fault.UNAVAILABLE, "ServiceUnavailable", 503),
        (Fault.THROTTLED, "Throttling", 400),
        (Fault.EXPIRED_CREDENTIALS, "ExpiredToken", 403),
        (Fault.ACCESS_DENIED, "AccessDeniedException", 400),
    ],
)
def test_injected_errors_have_no_effect(
    aws: LocalAws, fault: Fault, code: str, status: int
) -> None:
    rule = aws.faults.inject(fault, operation="CreateTopic")
    with pytest.raises(ClientError) as error:
        sns(aws).create_topic(Name="t")
    assert code_of(error) == code
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert (rule.hits, topics(aws)) == (1, 0)
    sns(aws).create_topic(Name="t")
    assert topics(aws) == 1


def test_a_lost_response_has_had_its_effect_and_a_refused_connection_has_not(
    aws: LocalAws,
) -> None:
    aws.faults.inject(Fault.CONNECTION_REFUSED, operation="CreateTopic")
    with pytest.raises(EndpointConnectionError):
        sns(aws).create_topic(Name="t")
    assert topics(aws) == 0
    aws.faults.inject(Fault.LOST_RESPONSE, operation="CreateTopic")
    with pytest.raises(ConnectionClosedError):
        sns(aws).create_topic(Name="t")
    assert topics(aws) == 1


def test_boto_retries_what_is_worth_retrying(aws: LocalAws) -> None:
    aws.faults.inject(Fault.SERVER_ERROR, operation="CreateTopic")
    mark = aws.calls.mark()
    sns(aws, tries=3).create_topic(Name="t")
    assert [c.error for c in aws.calls.since(mark)] == ["InternalFailure", None]
    mark = aws.calls.mark()
    with pytest.raises(ClientError, match="NotEmulated"):
        aws.session(account=A, region=REGION).client("accessanalyzer").list_analyzers()
    assert len(aws.calls.since(mark)) == 1


@pytest.mark.parametrize(("after", "made"), [(False, 1), (True, 2)])
def test_a_kill_strikes_at_the_chosen_call(aws: LocalAws, after: bool, made: int) -> None:
    aws.faults.kill_at(2, after=after)
    client = sns(aws)
    client.create_topic(Name="one")
    client.list_topics()
    with pytest.raises(Killed):
        client.create_topic(Name="two")
    aws.faults.clear()
    assert topics(aws) == made
    client.create_topic(Name="three")


def test_rules_choose_their_calls(aws: LocalAws) -> None:
    aws.faults.inject(
        Fault.SERVER_ERROR,
        service="sns",
        account=A,
        region="us-east-1",
        mutating=True,
        when=lambda site: site.principal.endswith(":root"),
        skip=1,
        times=None,
    )
    sns(aws).create_topic(Name="another-region")
    virginia = sns(aws, region="us-east-1")
    virginia.create_topic(Name="skipped")
    virginia.list_topics()
    sns(aws, account="222222222222", region="us-east-1").create_topic(Name="another-account")
    for _ in range(2):
        with pytest.raises(ClientError, match="InternalFailure"):
            virginia.create_topic(Name="struck")


def test_the_calls_of_services_are_never_struck(aws: LocalAws) -> None:
    aws.faults.inject(Fault.SERVER_ERROR, times=None)
    internal = aws.client_as(aws.credentials(account=A), "sns", region=REGION)
    assert internal.list_topics()["Topics"] == []


def test_latency_is_added_per_service(aws: LocalAws) -> None:
    aws.faults.latency_by_service["sns"] = 0.15
    mark = aws.calls.mark()
    sns(aws).list_topics()
    aws.session(account=A).client("sts").get_caller_identity()
    slow, _ = aws.calls.since(mark)
    assert slow.seconds >= 0.15


def test_throttling_answers_as_aws_does(aws: LocalAws) -> None:
    quota = aws.faults.throttle(rate=0.001, burst=2, service="ssm")
    ssm = aws.session(account=A, region=REGION).client("ssm", config=ONE_TRY)
    ssm.describe_parameters()
    ssm.describe_parameters()
    with pytest.raises(ClientError) as error:
        ssm.describe_parameters()
    assert error.value.response["Error"] == {
        "Code": "ThrottlingException",
        "Message": "Rate exceeded",
    } | {k: v for k, v in error.value.response["Error"].items() if k not in ("Code", "Message")}
    assert quota.refused == 1
    ssm.get_parameters(Names=["/x"])  # a bucket per operation
    aws.session(account=A, region="us-east-1").client("ssm").describe_parameters()
    aws.session(account="222222222222", region=REGION).client("ssm").describe_parameters()


def _site(operation: str = "Op") -> CallSite:
    return CallSite(
        service="s",
        operation=operation,
        account=A,
        region=REGION,
        principal="p",
        mutating=True,
        number=1,
        mutating_number=1,
    )


@given(
    rate=st.floats(0.1, 100),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 2), max_size=200),
)
def test_a_bucket_never_admits_more_than_burst_plus_rate(
    rate: float, burst: int, gaps: list[float]
) -> None:
    quota = Throttle(rate=rate, burst=burst)
    now, admitted = 0.0, 0
    for gap in gaps:
        now += gap
        admitted += quota.admits(_site(), now=now)
    assert admitted <= burst + rate * now + 1e-6
    assert admitted + quota.refused == len(gaps)
    assert admitted >= min(len(gaps), burst)


def test_counting_is_exact_under_concurrency() -> None:
    faults = Faults()
    rule = faults.inject(Fault.LOST_RESPONSE, times=50)

    def call() -> None:
        for _ in range(100):
            faults.number(mutating=True)
            faults.before(_site())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rule.hits == 50
    assert faults.number(mutating=False) == (801, 800)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("CreatePortfolio", True),
        ("UpdateProduct", True),
        ("AssociateProductWithPortfolio", True),
        ("ProvisionProduct", True),
        ("PutObject", True),
        ("TagResource", True),
        ("DetectStackDrift", True),
        ("AssumeRole", False),
        ("DescribePortfolio", False),
        ("SearchProductsAsAdmin", False),
        ("BatchGetProjects", False),
        ("HeadObject", False),
        ("ValidateTemplate", False),
        ("GetCallerIdentity", False),
    ],
)
def test_reads_are_told_from_changes_by_name(operation: str, expected: bool) -> None:
    assert is_mutating(operation) is expected


def test_the_call_log_filters(aws: LocalAws) -> None:
    mark = aws.calls.mark()
    sns(aws).create_topic(Name="t")
    sns(aws).list_topics()
    sns(aws, region="us-east-1").list_topics()
    with pytest.raises(ClientError):
        sns(aws).get_topic_attributes(TopicArn=f"arn:aws:sns:{REGION}:{A}:none")
    assert [c.operation for c in aws.calls.mutating_since(mark)] == ["CreateTopic"]
    listed = aws.calls.where(mark=mark, operation="ListTopics")
    assert [c.region for c in listed] == [REGION, "us-east-1"]
    failed = aws.calls.where(lambda c: c.error is not None, mark=mark)
    assert [(c.operation, c.error) for c in failed] == [("GetTopicAttributes", "NotFound")]
    assert all(c.started <= time.monotonic() for c in aws.calls.since(mark))
    assert aws.calls.since(aws.calls.mark()) == []
