"""How emulated services are called: parsing, validation, errors, background work, events."""

from __future__ import annotations

import json
import threading
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from catalog.localaws import LocalAws
from catalog.localaws.core.gateway import EmulatorFault
from catalog.localaws.core.protocol import parse_input
from catalog.localaws.core.service import Call, Service, ServiceError, paginate
from catalog.localaws.core.wire import HttpRequest, Scope, find_target
from catalog.localaws.services import SERVICES
from tests.localaws.core.roles import REGION, A, allow, as_role, code_of, make_role

UNCHECKED = Config(parameter_validation=False)


class Registry(Service):
    """A few operations of AppRegistry (REST and JSON), answering as each test wants."""

    name: ClassVar[str] = "servicecatalog-appregistry"
    answer: ClassVar[dict[str, Any]] = {}
    seen: ClassVar[list[Call]] = []
    events: ClassVar[list[dict[str, Any]]] = []
    resources: ClassVar[Any] = {
        "GetApplication": lambda params, account, region: [
            f"arn:aws:servicecatalog:{region}:{account}:/applications/{params['application']}"
        ]
    }

    def new_state(self, account: str, region: str) -> list[str]:
        return [account, region]

    def create_application(self, call: Call) -> dict[str, Any]:
        self.seen.append(call)
        if call.params["name"] == "crash":
            raise RuntimeError("a bug")
        if call.params["name"] == "taken":
            raise ServiceError("ConflictException", "An application of that name exists.")
        return dict(self.answer)

    def get_application(self, call: Call) -> dict[str, Any]:
        return {"name": ":".join(self.state(call))}

    def on_event(self, event: dict[str, Any]) -> None:
        self.events.append(event)


class Connections(Service):
    """One operation of a service with the JSON protocol and a validation code of its own."""

    name: ClassVar[str] = "codestar-connections"
    validation_code: ClassVar[str] = "InvalidInputException"

    def create_connection(self, call: Call) -> dict[str, Any]:
        return {"ConnectionArn": f"arn:aws:codestar-connections:{call.region}:{call.account}:c/1"}


@pytest.fixture
def registry() -> Any:
    Registry.seen.clear()
    Registry.events.clear()
    Registry.answer = {
        "application": {"id": "a-1", "creationTime": datetime(2026, 1, 2, tzinfo=UTC)}
    }
    with LocalAws(services=(*SERVICES, Registry, Connections)) as aws:
        yield aws


def client(aws: LocalAws, service: str = "servicecatalog-appregistry") -> Any:
    session: Any = aws.session(account=A, region=REGION)
    return session.client(service, config=UNCHECKED)


def test_a_call_carries_who_where_and_what(registry: LocalAws) -> None:
    made = client(registry).create_application(name="app", tags={"k": "v"}, clientToken="t")
    assert made["application"]["id"] == "a-1"
    assert made["application"]["creationTime"] == datetime(2026, 1, 2, tzinfo=UTC)
    (call,) = Registry.seen
    assert (call.account, call.region, call.operation) == (A, REGION, "CreateApplication")
    assert call.params == {"name": "app", "tags": {"k": "v"}, "clientToken": "t"}
    assert call.principal.arn == f"arn:aws:iam::{A}:root"
    assert call.credentials == registry.credentials(account=A)


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-01-02T05:04:05+02:00",
        1767323045,
        "1767323045",
    ],
)
def test_timestamps_arrive_in_utc(registry: LocalAws, given: str | int) -> None:
    request = HttpRequest(
        method="POST",
        url=registry.endpoint_url,
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "SageMaker.ListProjects",
        },
        body=json.dumps({"CreationTimeAfter": given}).encode(),
    )
    scope = Scope(access_key="", token="", region=REGION, signing_name="sagemaker")
    params = parse_input(find_target(request, scope))
    assert params["CreationTimeAfter"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert params["CreationTimeAfter"].utcoffset() == timedelta(0)


def test_state_is_kept_per_account_and_region(registry: LocalAws) -> None:
    assert client(registry).get_application(application="x")["name"] == f"{A}:{REGION}"


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "message"),
    [
        (
            "servicecatalog-appregistry",
            "create_application",
            {"clientToken": "t"},
            "ValidationException",
            "Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            "servicecatalog-appregistry",
            "create_application",
            {"name": "not a name!", "clientToken": "t"},
            "ValidationException",
            r"at 'name' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        (
            "codestar-connections",
            "create_connection",
            {"ConnectionName": "x" * 33, "ProviderType": "SubversionHub"},
            "InvalidInputException",
            "2 validation errors detected",
        ),
        (
            "codestar-connections",
            "create_connection",
            {"ConnectionName": "x", "Tags": [{"Key": "k"}]},
            "InvalidInputException",
            "at 'tags.1.member.value'",
        ),
    ],
)
def test_input_is_validated_with_the_services_own_code(
    registry: LocalAws,
    service: str,
    operation: str,
    params: dict[str, Any],
    code: str,
    message: str,
) -> None:
    with pytest.raises(ClientError, match=message.replace("(", r"\(")) as error:
        getattr(client(registry, service), operation)(**params)
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"app": {}}, "CreateApplication.app is not in botocore's model"),
        ({"application": {"identifier": "x"}}, "application.identifier is not in botocore's model"),
        ({"application": {"id": 7}}, "application.id must be a string"),
        ({"application": {"id": None}}, "leave the member out"),
        ({"application": {"tags": ["k"]}}, "application.tags must be a map"),
        ({"application": []}, "application must be a structure"),
    ],
)
def test_an_answer_aws_could_not_give_is_a_bug_and_is_raised(
    registry: LocalAws, answer: dict[str, Any], complaint: str
) -> None:
    Registry.answer = answer
    with pytest.raises(EmulatorFault, match=complaint):
        client(registry).create_application(name="app", clientToken="t")
    assert len(registry.bugs) == 1


def test_a_crash_is_a_bug_and_goes_to_the_log(registry: LocalAws) -> None:
    with pytest.raises(EmulatorFault, match="RuntimeError"):
        client(registry).create_application(name="crash", clientToken="t")
    assert "RuntimeError: a bug" in registry.log_file.read_text()


def test_modelled_errors_become_typed_exceptions(registry: LocalAws) -> None:
    appregistry = client(registry)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(appregistry.exceptions.ConflictException) as error:
            appregistry.create_application(name="taken", clientToken="t")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert error.value.response["Error"]["Message"] == "An application of that name exists."


def test_resources_of_a_service_are_authorised(registry: LocalAws) -> None:
    arn = f"arn:aws:servicecatalog:{REGION}:{A}:/applications/mine"
    role = make_role(registry, statements=[allow("servicecatalog:*", resource=arn)])
    session = as_role(registry, role)
    mine = session.client("servicecatalog-appregistry")
    assert mine.get_application(application="mine")["name"]
    with pytest.raises(ClientError, match="/applications/other"):
        mine.get_application(application="other")
    with pytest.raises(ClientError, match=r"on resource: \*"):  # no entry: a limited policy fails
        mine.create_application(name="app", clientToken="t")


def test_events_reach_services_in_the_background(registry: LocalAws) -> None:
    registry.emit(
        account=A,
        region=REGION,
        source="aws.codebuild",
        detail_type="CodeBuild Build State Change",
        detail={"build-status": "SUCCEEDED"},
        resources=["arn:aws:codebuild:eu-west-1:111111111111:build/x:1"],
    )
    assert registry.settle(timeout=10)
    (event,) = Registry.events
    assert event["detail-type"] == "CodeBuild Build State Change"
    assert (event["account"], event["region"]) == (A, REGION)
    assert event["detail"] == {"build-status": "SUCCEEDED"}


def test_background_work_is_joined_and_its_errors_are_kept() -> None:
    done = threading.Event()

    def fail() -> None:
        raise RuntimeError("lost?")

    with LocalAws() as aws:

        def work() -> None:
            aws.pause()
            done.set()

        aws.spawn("work", work)
        aws.spawn("fails", fail)
        assert aws.wait(done.is_set, timeout=10)
        assert aws.settle(timeout=10)
        ((name, error),) = aws.background_errors
        assert (name, str(error)) == ("fails", "lost?")
        assert "background work 'fails' failed" in aws.log_file.read_text()


def test_stopping_ends_work_that_waits() -> None:
    ended: list[bool] = []
    with LocalAws() as aws:
        aws.spawn("waits", lambda: ended.append(aws.pause(600)))
    assert ended == [False]
    assert not [t for t in threading.enumerate() if t.name.startswith("local-aws")]


def test_waiting_gives_up_after_its_timeout(aws: LocalAws) -> None:
    assert aws.wait(lambda: False, timeout=0.05) is False


def test_sixteen_threads_on_one_account(aws: LocalAws) -> None:
    """Lists while others create: moto alone fails here now and then."""
    session = aws.session(account=A, region=REGION)
    ssm, s3, sns = session.client("ssm"), session.client("s3"), session.client("sns")
    s3.create_bucket(Bucket="crowded", CreateBucketConfiguration={"LocationConstraint": REGION})
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(6):
                ssm.put_parameter(Name=f"/p/{number}/{turn}", Value="v", Type="String")
                ssm.get_parameters_by_path(Path="/p", Recursive=True)
                s3.put_object(Bucket="crowded", Key=f"{number}/{turn}", Body=b"x")
                s3.list_objects_v2(Bucket="crowded")
                sns.create_topic(Name=f"t-{number}-{turn}")
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert s3.list_objects_v2(Bucket="crowded")["KeyCount"] == 96
    pages = sns.get_paginator("list_topics").paginate()
    assert sum(len(page["Topics"]) for page in pages) == 96


@given(
    items=st.lists(st.integers(), max_size=60),
    size=st.none() | st.integers(1, 100),
    default=st.integers(1, 20),
)
def test_pages_are_the_whole_list_in_order(
    items: list[int], size: int | None, default: int
) -> None:
    def refuse() -> Exception:
        return AssertionError("a token of our own was refused")

    token, found, pages = None, [], 0
    while True:
        page, token = paginate(items, token=token, size=size, default=default, error=refuse)
        assert len(page) <= min(size or default, default)
        found += page
        pages += 1
        if token is None:
            break
    assert found == items
    assert pages == max(1, -(-len(items) // min(size or default, default)))


@pytest.mark.parametrize("token", ["!", "zzzzzz", "-1", "é"])
def test_a_token_that_was_never_given_out_is_refused(token: str) -> None:
    with pytest.raises(LookupError):
        paginate([1, 2, 3], token=token, size=1, default=1, error=LookupError)
