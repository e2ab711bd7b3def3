"""Whatever small templates follow one another, a stack has exactly what its template says."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.localaws import LocalAws
from tests.localaws.cloudformation.conftest import Stacks

NAMES = ("A", "B", "C", "D")


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Parameters and topics that refer to earlier ones, some of which cannot be made."""
    resources: dict[str, Any] = {}
    for name in NAMES:
        kind = draw(st.sampled_from(["none", "parameter", "parameter", "topic", "bad"]))
        earlier = sorted(resources)
        value: Any = draw(st.sampled_from(["1", "2", *({"Ref": other} for other in earlier)]))
        if kind == "parameter":
            properties: dict[str, Any] = {"Type": "String", "Value": value}
            fixed = draw(st.sampled_from([None, f"/{name}/1", f"/{name}/2"]))
            resources[name] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {**properties, **({"Name": fixed} if fixed else {})},
            }
        elif kind == "topic":
            resources[name] = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x"}}
        elif kind == "bad":
            resources[name] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": value, "Name": "/taken"},
            }
    return resources or {"A": {"Type": "AWS::SNS::Topic"}}


def left(stacks: Stacks) -> set[str]:
    parameters = stacks.session.client("ssm").describe_parameters()["Parameters"]
    topics = stacks.session.client("sns").list_topics()["Topics"]
    return {p["Name"] for p in parameters} | {t["TopicArn"] for t in topics}


def fails(resources: dict[str, Any]) -> bool:
    return any(r["Properties"].get("Name") == "/taken" for r in resources.values() if
               "Properties" in r)  # fmt: skip


def update(stacks: Stacks, resources: dict[str, Any]) -> str:
    """Update; AWS refuses an update that changes nothing."""
    try:
        return stacks.update(resources)
    except ClientError as error:
        if "No updates are to be performed." in str(error):
            return "unchanged"
        raise


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sequence=st.lists(templates(), min_size=1, max_size=3))
def test_nothing_is_left_and_nothing_is_lost(aws: LocalAws, sequence: list[dict[str, Any]]) -> None:
    stacks = Stacks(aws)
    ssm = stacks.session.client("ssm")
    ssm.put_parameter(Name="/taken", Value="theirs", Type="String", Overwrite=True)
    first, *rest = sequence
    status = stacks.create(first)
    assert status == ("ROLLBACK_COMPLETE" if fails(first) else "CREATE_COMPLETE")
    expected = set() if fails(first) else set(stacks.ids().values())
    assert left(stacks) - {"/taken"} == expected
    for resources in rest if status == "CREATE_COMPLETE" else ():
        before = stacks.ids()
        status = update(stacks, resources)
        if status == "unchanged":
            continue
        assert status == ("UPDATE_ROLLBACK_COMPLETE" if fails(resources) else "UPDATE_COMPLETE")
        if fails(resources):
            assert stacks.ids() == before
        assert set(stacks.ids()) == set(before if fails(resources) else resources)
        assert left(stacks) - {"/taken"} == set(stacks.ids().values())
    assert stacks.delete() == "DELETE_COMPLETE"
    assert left(stacks) == {"/taken"}
