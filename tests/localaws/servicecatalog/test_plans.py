"""Plans: what a launch or an update would change, before it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

PATTERN = "arn:aws:iam:::role/*sagemaker*"
RENAMED = """
Parameters:
  Name: {Type: String, Default: topic}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name, DisplayName: New}}
  Other: {Type: AWS::SNS::Topic, Properties: {TopicName: other}}
"""


@pytest.fixture
def user(bench: Any) -> Any:
    return bench.user()


@pytest.fixture
def made(bench: Any) -> Any:
    made = bench.make()
    bench.role("launch")
    bench.constrain(made, {"LocalRoleName": "launch"})
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    return made


def _plan(user: Any, made: Any, *, artifact: str | None = None) -> str:
    answer = user.sc.create_provisioned_product_plan(
        PlanName="plan",
        PlanType="CLOUDFORMATION",
        ProductId=made.product,
        ProvisionedProductName="mine",
        ProvisioningArtifactId=artifact or made.artifact,
    )
    plan = str(answer["PlanId"])
    assert plan.startswith("plan-")
    user.wait(lambda: _details(user, plan)["Status"] != "CREATE_IN_PROGRESS")
    return plan


def _details(user: Any, plan: str) -> Any:
    return user.sc.describe_provisioned_product_plan(PlanId=plan)["ProvisionedProductPlanDetails"]


def _topics(bench: Any) -> set[str]:
    topics = bench.session.client("sns").list_topics()["Topics"]
    return {t["TopicArn"].rpartition(":")[2] for t in topics}


def _status(user: Any) -> str:
    found = user.sc.describe_provisioned_product(Name="mine")["ProvisionedProductDetail"]
    return str(found["Status"])


def test_a_planned_launch_then_a_planned_update(bench: Any, user: Any, made: Any) -> None:
    plan = _plan(user, made)
    details = _details(user, plan)
    assert details["Status"] == "CREATE_SUCCESS", details
    assert (_status(user), _topics(bench)) == ("PLAN_IN_PROGRESS", set())
    changes = user.sc.describe_provisioned_product_plan(PlanId=plan)["ResourceChanges"]
    assert [(c["Action"], c["ResourceType"]) for c in changes] == [("ADD", "AWS::SNS::Topic")]
    record = user.record(user.sc.execute_provisioned_product_plan(PlanId=plan))
    assert (record["Status"], record["RecordType"]) == ("SUCCEEDED", "PROVISION_PRODUCT"), record
    assert (_status(user), _topics(bench)) == ("AVAILABLE", {"topic"})
    assert _details(user, plan)["Status"] == "EXECUTE_SUCCESS"

    second = bench.sc.create_provisioning_artifact(
        ProductId=made.product, Parameters=bench.artifact("2", template=RENAMED)
    )["ProvisioningArtifactDetail"]["Id"]
    bench.wait(lambda: bench.artifact_status(made.product, second) == "AVAILABLE")
    plan = _plan(user, made, artifact=second)
    changes = user.sc.describe_provisioned_product_plan(PlanId=plan)["ResourceChanges"]
    by_name = {c["LogicalResourceId"]: c for c in changes}
    assert by_name["Other"]["Action"] == "ADD"
    assert by_name["Topic"]["Action"] == "MODIFY"
    assert by_name["Topic"]["Replacement"] == "FALSE"
    assert _topics(bench) == {"topic"}
    record = user.record(user.sc.execute_provisioned_product_plan(PlanId=plan))
    assert (record["Status"], record["RecordType"]) == (
        "SUCCEEDED", "UPDATE_PROVISIONED_PRODUCT"
    )  # fmt: skip
    assert _topics(bench) == {"topic", "other"}


def test_a_plan_is_executed_once(user: Any, made: Any, refused: Any) -> None:
    plan = _plan(user, made)
    user.record(user.sc.execute_provisioned_product_plan(PlanId=plan, IdempotencyToken="a"))
    refused(
        "InvalidStateException",
        user.sc.execute_provisioned_product_plan,
        PlanId=plan,
        IdempotencyToken="b",
    )


def test_deleting_a_plan_undoes_what_it_reserved(
    bench: Any, user: Any, made: Any, refused: Any
) -> None:
    plan = _plan(user, made)
    listed = user.sc.list_provisioned_product_plans()["ProvisionedProductPlans"]
    assert [p["PlanId"] for p in listed] == [plan]
    user.sc.delete_provisioned_product_plan(PlanId=plan)
    missing = "ResourceNotFoundException"
    refused(missing, user.sc.describe_provisioned_product, Name="mine")
    for operation in ("describe", "execute", "delete"):
        call = getattr(user.sc, f"{operation}_provisioned_product_plan")
        refused(missing, call, PlanId=plan)
    assert user.sc.list_provisioned_product_plans()["ProvisionedProductPlans"] == []
    stacks = bench.session.client("cloudformation").describe_stacks()["Stacks"]
    assert stacks == []


def test_a_plan_that_the_launch_role_may_not_make_fails(bench: Any, user: Any, made: Any) -> None:
    rights = ["cloudformation:GetTemplateSummary", "s3:GetObject"]
    statement = {"Effect": "Allow", "Action": rights, "Resource": "*"}
    bench.session.client("iam").put_role_policy(
        RoleName="launch",
        PolicyName="inline",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    plan = _plan(user, made)
    details = _details(user, plan)
    assert details["Status"] == "CREATE_FAILED"
    assert "cloudformation:CreateChangeSet" in details["StatusMessage"]
    assert _status(user) == "ERROR"


def test_no_plan_without_access_or_while_under_change(
    bench: Any, user: Any, made: Any, refused: Any
) -> None:
    arguments = {
        "PlanName": "plan",
        "PlanType": "CLOUDFORMATION",
        "ProductId": made.product,
        "ProvisionedProductName": "mine",
        "ProvisioningArtifactId": made.artifact,
    }
    refused("ResourceNotFoundException", bench.sc.create_provisioned_product_plan, **arguments)
    _plan(user, made)
    refused("InvalidStateException", user.sc.create_provisioned_product_plan, **arguments)
