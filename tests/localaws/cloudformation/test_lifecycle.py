"""Stacks from creation to deletion, and the way back when something fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.localaws.cloudformation.conftest import ACCOUNT, REGION, Stacks, role

Refusal = Callable[[Callable[[], object]], tuple[str, str]]


def parameter(value: Any = "x", *, name: str | None = None, **attributes: Any) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value, **({"Name": name} if name else {})}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **attributes}


# An SSM parameter of this name exists already: creating it fails.
TAKEN = parameter(name="/taken")


@pytest.fixture(autouse=True)
def taken(stacks: Stacks) -> None:
    stacks.session.client("ssm").put_parameter(Name="/taken", Value="theirs", Type="String")


def names(stacks: Stacks) -> set[str]:
    found = stacks.session.client("ssm").describe_parameters()["Parameters"]
    return {p["Name"] for p in found} - {"/taken"}


def test_creation_is_asynchronous_and_ordered(stacks: Stacks) -> None:
    stacks.create({"B": parameter({"Ref": "A"}), "A": parameter()})
    history = stacks.history()
    assert history[0] == ("one", "CREATE_IN_PROGRESS")
    assert history.index(("A", "CREATE_COMPLETE")) < history.index(("B", "CREATE_IN_PROGRESS"))
    assert history[-1] == ("one", "CREATE_COMPLETE")


def test_a_failed_creation_removes_what_it_made_in_reverse_order(stacks: Stacks) -> None:
    resources = {
        "A": parameter(),
        "B": parameter({"Ref": "A"}),
        "C": {**TAKEN, "DependsOn": "B"},
        "D": parameter({"Ref": "C"}),
    }
    assert stacks.create(resources) == "ROLLBACK_COMPLETE"
    assert names(stacks) == set()
    history = stacks.history()
    assert ("D", "CREATE_IN_PROGRESS") not in history
    assert history.index(("B", "DELETE_COMPLETE")) < history.index(("A", "DELETE_IN_PROGRESS"))
    reasons = stacks.reasons()
    assert reasons["one", "ROLLBACK_IN_PROGRESS"].startswith(
        "The following resource(s) failed to create: [C]."
    )
    assert "HandlerErrorCode: AlreadyExists" in reasons["C", "CREATE_FAILED"]


def test_a_resource_made_by_half_is_removed(stacks: Stacks) -> None:
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        },
    }
    assert stacks.create({"Bucket": bucket}) == "ROLLBACK_COMPLETE"
    assert stacks.session.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", 0),
    ],
)
def test_what_a_failure_leads_to(
    stacks: Stacks, options: dict[str, Any], status: str, left: int
) -> None:
    resources = {"A": parameter(), "B": {**TAKEN, "DependsOn": "A"}}
    assert stacks.create(resources, **options) == status
    assert len(names(stacks)) == left


def test_on_failure_delete_deletes_the_stack(stacks: Stacks) -> None:
    request = stacks.request({"A": TAKEN}, {"OnFailure": "DELETE"})
    stack_id = stacks.client.create_stack(StackName="one", **request)["StackId"]
    stacks.aws.settle()
    assert stacks.status(stack_id) == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("policy", "retain_except_on_create", "left"),
    [("Retain", False, 1), ("RetainExceptOnCreate", False, 0), ("Retain", True, 0)],
)
def test_deletion_policies_on_rollback(
    stacks: Stacks, policy: str, retain_except_on_create: bool, left: int
) -> None:
    resources = {"A": parameter(DeletionPolicy=policy), "B": {**TAKEN, "DependsOn": "A"}}
    status = stacks.create(resources, RetainExceptOnCreate=retain_except_on_create)
    assert (status, len(names(stacks))) == ("ROLLBACK_COMPLETE", left)


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_retained_resources_survive_the_stack(stacks: Stacks, policy: str) -> None:
    stacks.create({"A": parameter(DeletionPolicy=policy)})
    stack_id = stacks.describe()["StackId"]
    assert stacks.delete() == "DELETE_COMPLETE"
    assert ("A", "DELETE_SKIPPED") in stacks.history(stack_id)
    assert len(names(stacks)) == 1


def test_updates_change_in_place_add_and_remove(stacks: Stacks) -> None:
    stacks.create({"A": parameter("1"), "B": parameter()})
    before = stacks.ids()
    assert stacks.update({"A": parameter("2"), "C": parameter()}) == "UPDATE_COMPLETE"
    after = stacks.ids()
    assert after["A"] == before["A"]
    assert names(stacks) == {after["A"], after["C"]}
    history = stacks.history()
    cleanup = history.index(("one", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
    assert history.index(("B", "DELETE_COMPLETE")) > cleanup


@pytest.mark.parametrize(("policy", "left"), [("Delete", 1), ("Retain", 2)])
def test_immutable_properties_replace_the_resource(stacks: Stacks, policy: str, left: int) -> None:
    stacks.create({"A": parameter(name="/a", UpdateReplacePolicy=policy)})
    status = stacks.update({"A": parameter(name="/b", UpdateReplacePolicy=policy)})
    assert status == "UPDATE_COMPLETE"
    assert stacks.ids() == {"A": "/b"}
    assert names(stacks) == {"/a", "/b"} if left == 2 else {"/b"}


def test_who_refers_to_a_replaced_resource_follows(stacks: Stacks) -> None:
    resources = {"A": parameter(name="/a"), "B": parameter({"Ref": "A"})}
    stacks.create(resources)
    stacks.update({**resources, "A": parameter(name="/b")})
    value = stacks.session.client("ssm").get_parameter(Name=stacks.ids()["B"])
    assert value["Parameter"]["Value"] == "/b"


def test_a_failed_update_brings_the_old_state_back(stacks: Stacks) -> None:
    old = {"A": parameter("1"), "R": parameter(name="/r"), "Gone": parameter()}
    stacks.create(old)
    before = stacks.ids()
    new = {
        "A": parameter("2"),
        "R": parameter(name="/r2"),
        "New": parameter(),
        "Bad": {**TAKEN, "DependsOn": ["A", "R", "New"]},
    }
    assert stacks.update(new) == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.ids() == before
    assert names(stacks) == set(before.values())
    ssm = stacks.session.client("ssm")
    assert ssm.get_parameter(Name=before["A"])["Parameter"]["Value"] == "1"
    assert stacks.client.get_template(StackName="one")["TemplateBody"] == {"Resources": old}
    assert stacks.update({**old, "Gone": parameter("9")}) == "UPDATE_COMPLETE"


def test_an_update_without_a_change_is_refused(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": parameter()})
    assert refusal(lambda: stacks.update({"A": parameter()})) == (
        "ValidationError",
        "No updates are to be performed.",
    )
    assert stacks.update({"A": parameter()}, outputs_section={"O": {"Value": "1"}}) == (
        "UPDATE_COMPLETE"
    )


def test_a_deletion_that_fails_can_retain(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"Bucket": {"Type": "AWS::S3::Bucket"}, "A": parameter()})
    bucket = stacks.ids()["Bucket"]
    stacks.session.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    assert stacks.delete() == "DELETE_FAILED"
    assert stacks.describe()["StackStatusReason"] == (
        "The following resource(s) failed to delete: [Bucket]. "
    )
    assert names(stacks) == set()
    assert stacks.delete(RetainResources=["Bucket"]) == "DELETE_COMPLETE"
    stacks.session.client("s3").head_bucket(Bucket=bucket)


def test_a_resource_removed_by_hand_does_not_stop_the_deletion(stacks: Stacks) -> None:
    stacks.create({"A": parameter(), "Queue": {"Type": "AWS::SQS::Queue"}})
    stacks.session.client("ssm").delete_parameter(Name=stacks.ids()["A"])
    stacks.session.client("sqs").delete_queue(QueueUrl=stacks.ids()["Queue"])
    assert stacks.delete() == "DELETE_COMPLETE"


def test_deleting_what_does_not_exist_is_no_error(stacks: Stacks, refusal: Refusal) -> None:
    stacks.client.delete_stack(StackName="never")
    assert refusal(lambda: stacks.client.describe_stacks(StackName="never")) == (
        "ValidationError",
        "Stack with id never does not exist",
    )


def test_termination_protection(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": parameter()}, EnableTerminationProtection=True)
    _code, message = refusal(stacks.delete)
    assert "TerminationProtection is enabled" in message
    stacks.client.update_termination_protection(StackName="one", EnableTerminationProtection=False)
    assert stacks.delete() == "DELETE_COMPLETE"


def test_names_are_taken_until_the_stack_is_deleted(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": parameter()})
    assert refusal(lambda: stacks.create({"A": parameter()})) == (
        "AlreadyExistsException",
        "Stack [one] already exists",
    )
    stacks.delete()
    assert stacks.create({"A": parameter()}) == "CREATE_COMPLETE"
    listed = stacks.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert [s["StackName"] for s in listed["StackSummaries"]] == ["one"]


def test_exports_are_shared_and_kept_while_in_use(stacks: Stacks, refusal: Refusal) -> None:
    export = {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "shared"}}}
    stacks.create({"A": parameter()}, outputs_section=export)
    imported = {"B": parameter({"Fn::ImportValue": "shared"})}
    assert stacks.create(imported, name="two") == "CREATE_COMPLETE"
    value = stacks.session.client("ssm").get_parameter(Name=stacks.ids("two")["B"])
    assert value["Parameter"]["Value"] == stacks.ids()["A"]
    assert stacks.client.list_imports(ExportName="shared")["Imports"] == ["two"]

    assert stacks.delete() == "CREATE_COMPLETE"
    assert stacks.describe()["StackStatusReason"] == (
        "Delete canceled. Cannot delete export shared as it is in use by two."
    )
    assert stacks.create({"A": parameter()}, name="three", outputs_section=export) == (
        "ROLLBACK_COMPLETE"
    )
    stacks.delete("two")
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.client.list_exports()["Exports"] == []


def test_stack_tags_reach_resources(stacks: Stacks) -> None:
    topic = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"Tags": [{"Key": "own", "Value": "1"}]},
    }
    tags = [{"Key": "team", "Value": "ml"}, {"Key": "own", "Value": "stack"}]
    stacks.create({"T": topic}, Tags=tags)

    def shown() -> dict[str, str]:
        found = stacks.session.client("sns").list_tags_for_resource(ResourceArn=stacks.ids()["T"])
        return {tag["Key"]: tag["Value"] for tag in found["Tags"]}

    assert shown() == {"team": "ml", "own": "1"}
    stacks.update({"T": topic}, Tags=[{"Key": "team", "Value": "ai"}])
    assert shown() == {"team": "ai", "own": "1"}


def test_calls_are_authorised_as_the_caller(stacks: Stacks, make_role: Callable[..., str]) -> None:
    statements = [
        {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"},
    ]
    caller = make_role(ACCOUNT, "lambda.amazonaws.com", *statements)
    session = stacks.aws.session(account=ACCOUNT, region=REGION, role_arn=caller)
    resources = {"A": parameter(), "T": {"Type": "AWS::SNS::Topic", "DependsOn": "A"}}
    session.client("cloudformation").create_stack(StackName="one", **stacks.request(resources, {}))
    stacks.aws.settle()
    assert stacks.status() == "ROLLBACK_COMPLETE"
    reason = stacks.reasons()["T", "CREATE_FAILED"]
    assert "sns:CreateTopic" in reason
    assert "HandlerErrorCode: AccessDenied" in reason
    assert names(stacks) == set()


def test_a_service_role_replaces_the_callers_permissions(
    stacks: Stacks, make_role: Callable[..., str], refusal: Refusal
) -> None:
    everything = {"Effect": "Allow", "Action": ["ssm:*"], "Resource": "*"}
    service_role = make_role(ACCOUNT, "cloudformation.amazonaws.com", everything)
    assert stacks.create({"A": parameter()}, RoleARN=service_role) == "CREATE_COMPLETE"
    assert stacks.create({"T": {"Type": "AWS::SNS::Topic"}}, name="two", RoleARN=service_role) == (
        "ROLLBACK_COMPLETE"
    )
    other = make_role(ACCOUNT, "lambda.amazonaws.com", everything)
    assert refusal(lambda: stacks.create({"A": parameter()}, name="x", RoleARN=other)) == (
        "ValidationError",
        f"Role {other} is invalid or cannot be assumed",
    )
    assert stacks.delete() == "DELETE_COMPLETE"


def test_conditions_leave_resources_out(stacks: Stacks, refusal: Refusal) -> None:
    more: dict[str, Any] = {
        "parameters_section": {"Stage": {"Type": "String", "Default": "dev"}},
        "conditions_section": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
    }
    resources = {"A": parameter(), "B": parameter(Condition="Prod")}
    stacks.create(resources, **more)
    assert set(stacks.ids()) == {"A"}
    prod = [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
    stacks.update(resources, Parameters=prod, **more)
    assert set(stacks.ids()) == {"A", "B"}
    dangling = {"A": parameter({"Ref": "B"}), "B": parameter(Condition="Prod")}
    _code, message = refusal(lambda: stacks.create(dangling, name="x", **more))
    assert "Unresolved resource dependencies [B]" in message


def test_cancelled_updates_roll_back(stacks: Stacks) -> None:
    stacks.create({"A": parameter("1")})
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    wait = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "H"}, "Timeout": "600"},
        "DependsOn": "A",
    }
    request = stacks.request({"A": parameter("2"), "H": handle, "W": wait}, {})
    stacks.client.update_stack(StackName="one", **request)
    assert stacks.aws.wait(lambda: ("W", "CREATE_IN_PROGRESS") in stacks.history())
    stacks.client.cancel_update_stack(StackName="one")
    stacks.aws.settle()
    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    value = stacks.session.client("ssm").get_parameter(Name=stacks.ids()["A"])
    assert value["Parameter"]["Value"] == "1"


def test_a_stack_can_be_deleted_while_it_is_created(stacks: Stacks) -> None:
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    wait = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "H"}, "Timeout": "600"},
        "DependsOn": "A",
    }
    request = stacks.request({"A": parameter(), "H": handle, "W": wait}, {})
    stack_id = stacks.client.create_stack(StackName="one", **request)["StackId"]
    assert stacks.aws.wait(lambda: ("W", "CREATE_IN_PROGRESS") in stacks.history())
    stacks.client.delete_stack(StackName="one")
    stacks.aws.settle()
    assert stacks.status(stack_id) == "DELETE_COMPLETE"
    assert names(stacks) == set()


def test_a_rollback_that_fails_can_be_continued(stacks: Stacks) -> None:
    group = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": "logs", "RetentionInDays": 7},
    }
    longer = {**group, "Properties": {**group["Properties"], "RetentionInDays": 14}}
    stacks.create({"G": group})
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle", "DependsOn": "G"}
    wait = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "H"}, "Timeout": "600"},
    }
    request = stacks.request({"G": longer, "H": handle, "W": wait}, {})
    stacks.client.update_stack(StackName="one", **request)
    assert stacks.aws.wait(lambda: ("W", "CREATE_IN_PROGRESS") in stacks.history())
    logs = stacks.session.client("logs")
    logs.delete_log_group(logGroupName="logs")
    stacks.client.cancel_update_stack(StackName="one")
    stacks.aws.settle()
    assert stacks.status() == "UPDATE_ROLLBACK_FAILED"
    logs.create_log_group(logGroupName="logs")
    stacks.client.continue_update_rollback(StackName="one")
    stacks.aws.settle()
    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    found = logs.describe_log_groups(logGroupNamePrefix="logs")["logGroups"]
    assert found[0]["retentionInDays"] == 7


def test_roles_can_be_used_by_what_comes_after(stacks: Stacks) -> None:
    status = stacks.create(
        {"Role": role("lambda.amazonaws.com"), "A": parameter({"Fn::GetAtt": "Role.Arn"})}
    )
    assert status == "CREATE_COMPLETE"
    value = stacks.session.client("ssm").get_parameter(Name=stacks.ids()["A"])
    assert value["Parameter"]["Value"].startswith("arn:aws:iam::111122223333:role/one-Role-")
