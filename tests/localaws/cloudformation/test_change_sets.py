"""Change sets: what they show, and that executing one does that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.localaws.cloudformation.conftest import Stacks

Refusal = Callable[[Callable[[], object]], tuple[str, str]]


def parameter(value: Any = "x", *, name: str | None = None, **attributes: Any) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value, **({"Name": name} if name else {})}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **attributes}


def propose(
    stacks: Stacks, resources: dict[str, Any], *, kind: str = "UPDATE", **more: Any
) -> dict[str, Any]:
    stacks.client.create_change_set(
        StackName="one",
        ChangeSetName="c",
        ChangeSetType=kind,
        **stacks.request(resources, more),
    )
    stacks.aws.settle()
    found: dict[str, Any] = stacks.client.describe_change_set(StackName="one", ChangeSetName="c")
    return found


def shown(change_set: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {
        c["ResourceChange"]["LogicalResourceId"]: (
            c["ResourceChange"]["Action"],
            c["ResourceChange"].get("Replacement"),
        )
        for c in change_set["Changes"]
    }


def test_a_stack_can_begin_as_a_change_set(stacks: Stacks) -> None:
    found = propose(stacks, {"A": parameter()}, kind="CREATE")
    assert shown(found) == {"A": ("Add", None)}
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert stacks.status() == "REVIEW_IN_PROGRESS"
    assert stacks.ids() == {}
    stacks.client.execute_change_set(StackName="one", ChangeSetName="c")
    stacks.aws.settle()
    assert stacks.status() == "CREATE_COMPLETE"
    assert stacks.describe()["ChangeSetId"] == found["ChangeSetId"]


def test_replacements_are_told_from_changes_in_place(stacks: Stacks) -> None:
    stacks.create(
        {
            "Same": parameter(),
            "Changed": parameter("1"),
            "Replaced": parameter(name="/a"),
            "Gone": parameter(),
            "FollowsName": parameter({"Ref": "Replaced"}),
            "FollowsChange": parameter({"Ref": "Changed"}),
            "NamedAfter": parameter(name={"Fn::Sub": "/x${Replaced}"}),
        }
    )
    found = propose(
        stacks,
        {
            "Same": parameter(),
            "Changed": parameter("2"),
            "Replaced": parameter(name="/b"),
            "New": parameter(),
            "FollowsName": parameter({"Ref": "Replaced"}),
            "FollowsChange": parameter({"Ref": "Changed"}),
            "NamedAfter": parameter(name={"Fn::Sub": "/x${Replaced}"}),
        },
    )
    assert shown(found) == {
        "Changed": ("Modify", "False"),
        "Replaced": ("Modify", "True"),
        "New": ("Add", None),
        "Gone": ("Remove", None),
        "FollowsName": ("Modify", "False"),
        "NamedAfter": ("Modify", "Conditional"),
    }
    details = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]["Details"]
        for c in found["Changes"]
    }
    assert details["Replaced"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "Name",
        "RequiresRecreation": "Always",
    }
    assert details["FollowsName"][0]["ChangeSource"] == "ResourceReference"
    assert details["FollowsName"][0]["Evaluation"] == "Dynamic"
    before = stacks.ids()
    stacks.client.execute_change_set(StackName="one", ChangeSetName="c")
    stacks.aws.settle()
    after = stacks.ids()
    assert {n for n in before.keys() & after.keys() if before[n] != after[n]} == {
        "Replaced",
        "NamedAfter",
    }


def test_a_changed_parameter_is_named_as_the_cause(stacks: Stacks) -> None:
    section = {"P": {"Type": "String", "Default": "1"}}
    resources = {"A": parameter({"Ref": "P"})}
    stacks.create(resources, parameters_section=section)
    found = propose(
        stacks,
        resources,
        parameters_section=section,
        Parameters=[{"ParameterKey": "P", "ParameterValue": "2"}],
    )
    [change] = found["Changes"]
    assert change["ResourceChange"]["Details"] == [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": "Value",
                "RequiresRecreation": "Never",
            },
            "Evaluation": "Static",
            "ChangeSource": "ParameterReference",
            "CausingEntity": "P",
        }
    ]


def test_a_change_set_without_changes_fails(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": parameter()})
    found = propose(stacks, {"A": parameter()})
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to "
        "create a change set."
    )
    code, _ = refusal(lambda: stacks.client.execute_change_set(StackName="one", ChangeSetName="c"))
    assert code == "InvalidChangeSetStatus"


def test_tags_policies_and_replacement_policies_show(stacks: Stacks) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "a"}}
    stacks.create({"T": topic, "A": parameter(name="/a")})
    found = propose(
        stacks,
        {
            "T": {**topic, "DeletionPolicy": "Retain"},
            "A": parameter(name="/b", UpdateReplacePolicy="Retain"),
        },
        Tags=[{"Key": "team", "Value": "ml"}],
    )
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in found["Changes"]
    }
    assert set(changes["T"]["Scope"]) == {"Tags", "DeletionPolicy"}
    assert changes["T"]["Replacement"] == "False"
    assert changes["A"]["PolicyAction"] == "ReplaceAndRetain"


def test_executing_one_drops_the_others(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": parameter("1")})
    propose(stacks, {"A": parameter("2")})
    request = stacks.request({"A": parameter("3")}, {})
    stacks.client.create_change_set(StackName="one", ChangeSetName="d", **request)
    stacks.aws.settle()
    listed = stacks.client.list_change_sets(StackName="one")["Summaries"]
    assert [summary["ChangeSetName"] for summary in listed] == ["c", "d"]
    stacks.client.execute_change_set(StackName="one", ChangeSetName="d")
    stacks.aws.settle()
    code, _ = refusal(lambda: stacks.client.describe_change_set(StackName="one", ChangeSetName="c"))
    assert code == "ChangeSetNotFound"


def test_change_sets_of_missing_stacks_are_refused(stacks: Stacks, refusal: Refusal) -> None:
    assert refusal(lambda: propose(stacks, {"A": parameter()})) == (
        "ValidationError",
        "Stack [one] does not exist",
    )


def test_deleting_a_change_set_leaves_the_stack(stacks: Stacks) -> None:
    stacks.create({"A": parameter("1")})
    propose(stacks, {"A": parameter("2")})
    stacks.client.delete_change_set(StackName="one", ChangeSetName="c")
    assert stacks.client.list_change_sets(StackName="one")["Summaries"] == []
    assert stacks.status() == "CREATE_COMPLETE"
