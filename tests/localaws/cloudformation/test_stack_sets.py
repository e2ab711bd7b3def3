"""Stack sets: self-managed, and over an organisation's OUs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization

Refusal = Callable[[Callable[[], object]], tuple[str, str]]
REGION = "eu-west-1"


def template(value: str = "1", *, name: str = "/set") -> str:
    properties = {"Type": "String", "Name": name, "Value": {"Fn::Sub": f"{value}-${{P}}"}}
    return json.dumps(
        {
            "Parameters": {"P": {"Type": "String", "Default": "d"}},
            "Resources": {"A": {"Type": "AWS::SSM::Parameter", "Properties": properties}},
        }
    )


class Sets:
    """Stack sets of an organisation, as its hub sees them."""

    def __init__(self, aws: LocalAws, organization: Organization) -> None:
        self.aws = aws
        self.organization = organization
        self.client = aws.session(account=organization.hub, region=REGION).client("cloudformation")
        self.as_hub = {"StackSetName": "set", "CallAs": "DELEGATED_ADMIN"}

    def make(self, *, automatic: bool = False, body: str | None = None) -> None:
        self.client.create_stack_set(
            **self.as_hub,
            TemplateBody=body or template(),
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": automatic, "RetainStacksOnAccountRemoval": False}
            if automatic
            else {"Enabled": False},
        )

    def deploy(self, *units: str, **more: Any) -> dict[str, Any]:
        targets = {"OrganizationalUnitIds": list(units), **more.pop("targets", {})}
        return self.wait(
            self.client.create_stack_instances(
                **self.as_hub,
                DeploymentTargets=targets,
                Regions=more.pop("regions", [REGION]),
                OperationPreferences={"MaxConcurrentPercentage": 100, **more.pop("how", {})},
                **more,
            )["OperationId"]
        )

    def wait(self, operation: str) -> dict[str, Any]:
        assert self.aws.settle(timeout=60)
        found: dict[str, Any] = self.client.describe_stack_set_operation(
            **self.as_hub, OperationId=operation
        )["StackSetOperation"]
        return found

    def results(self, operation: dict[str, Any]) -> dict[str, str]:
        found = self.client.list_stack_set_operation_results(
            **self.as_hub, OperationId=operation["OperationId"]
        )["Summaries"]
        return {result["Account"]: result["Status"] for result in found}

    def instances(self) -> dict[tuple[str, str], str]:
        found = self.client.list_stack_instances(**self.as_hub)["Summaries"]
        return {(i["Account"], i["Region"]): i["Status"] for i in found}

    def value(self, account: str, region: str = REGION) -> str | None:
        ssm = self.aws.session(account=account, region=region).client("ssm")
        found = ssm.get_parameters(Names=["/set"])["Parameters"]
        return str(found[0]["Value"]) if found else None


@pytest.fixture
def sets(aws: LocalAws, organization: Organization) -> Sets:
    return Sets(aws, organization)


def test_an_organisation_gets_and_loses_stacks(sets: Sets) -> None:
    organization = sets.organization
    sets.make()
    operation = sets.deploy(organization.root_id, regions=["us-east-1", REGION])
    assert operation["Status"] == "SUCCEEDED"
    members = {a for a in organization.accounts if a != organization.management}
    assert sets.instances() == {
        (account, region): "CURRENT" for account in members for region in (REGION, "us-east-1")
    }
    assert {sets.value(account, "us-east-1") for account in members} == {"1-d"}
    assert sets.value(organization.management) is None

    update = sets.client.update_stack_set(
        **sets.as_hub,
        TemplateBody=template("2"),
        Parameters=[{"ParameterKey": "P", "ParameterValue": "p"}],
        OperationPreferences={"MaxConcurrentCount": 5},
    )
    assert sets.wait(update["OperationId"])["Status"] == "SUCCEEDED"
    assert {sets.value(account) for account in members} == {"2-p"}

    deletion = sets.client.delete_stack_instances(
        **sets.as_hub,
        DeploymentTargets={"OrganizationalUnitIds": [organization.root_id]},
        Regions=[REGION, "us-east-1"],
        RetainStacks=False,
    )
    assert sets.wait(deletion["OperationId"])["Status"] == "SUCCEEDED"
    assert {sets.value(account) for account in members} == {None}
    sets.client.delete_stack_set(**sets.as_hub)


def test_accounts_can_be_picked_within_a_unit(sets: Sets) -> None:
    members = sets.organization.members
    unit = sets.organization.ous["data-science"]
    sets.make()
    picked = {"Accounts": [members["research"]], "AccountFilterType": "INTERSECTION"}
    assert sets.results(sets.deploy(unit, targets=picked)) == {members["research"]: "SUCCEEDED"}
    rest = {**picked, "AccountFilterType": "DIFFERENCE"}
    deployed = sets.results(sets.deploy(unit, targets=rest))
    assert set(deployed) == {members["forecasting"], members["staging"]}


def test_overrides_are_of_one_instance(sets: Sets) -> None:
    members = sets.organization.members
    sets.make()
    overrides = [{"ParameterKey": "P", "ParameterValue": "mine"}]
    unit = sets.organization.ous["data-science/pre-production"]
    sets.deploy(unit, ParameterOverrides=overrides)
    assert sets.value(members["staging"]) == "1-mine"


def test_failures_beyond_the_tolerance_stop_the_operation(sets: Sets) -> None:
    members = sets.organization.members
    taken = sets.aws.session(account=members["research"], region=REGION).client("ssm")
    taken.put_parameter(Name="/set", Value="theirs", Type="String")
    sets.make()
    unit = sets.organization.ous["data-science"]
    strict = sets.deploy(unit, regions=[REGION, "us-east-1"])
    assert strict["Status"] == "FAILED"
    assert sets.results(strict)[members["research"]] in ("FAILED", "CANCELLED")
    assert sets.value(members["staging"], "us-east-1") is None

    tolerant = sets.deploy(unit, regions=[REGION, "us-east-1"], how={"FailureToleranceCount": 1})
    assert tolerant["Status"] == "SUCCEEDED"
    statuses = sets.instances()
    assert statuses[members["research"], REGION] == "OUTDATED"
    assert sets.value(members["staging"], "us-east-1") == "1-d"

    taken.delete_parameter(Name="/set")
    assert sets.deploy(unit)["Status"] == "SUCCEEDED"
    assert sets.value(members["research"]) == "1-d"


def test_accounts_that_join_or_leave_are_caught_up_with(sets: Sets) -> None:
    organization = sets.organization
    unit = organization.ous["data-science/pre-production"]
    sets.make(automatic=True)
    sets.deploy(unit)
    newcomer = organization.members["research"]
    client = sets.aws.session(account=organization.management).client("organizations")
    before = client.list_parents(ChildId=newcomer)["Parents"][0]["Id"]
    client.move_account(AccountId=newcomer, SourceParentId=before, DestinationParentId=unit)
    sets.instances()
    assert sets.aws.settle(timeout=60)
    assert sets.value(newcomer) == "1-d"
    client.move_account(AccountId=newcomer, SourceParentId=unit, DestinationParentId=before)
    sets.instances()
    assert sets.aws.settle(timeout=60)
    assert sets.value(newcomer) is None


def test_only_administrators_of_the_organisation_may(sets: Sets, refusal: Refusal) -> None:
    member = sets.organization.members["research"]
    client = sets.aws.session(account=member, region=REGION).client("cloudformation")
    request: dict[str, Any] = {
        "StackSetName": "set",
        "TemplateBody": template(),
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": False},
    }
    code, message = refusal(lambda: client.create_stack_set(**request, CallAs="DELEGATED_ADMIN"))
    assert (code, "delegated administrator" in message) == ("ValidationError", True)
    code, message = refusal(lambda: client.create_stack_set(**request))
    assert (code, "management account" in message) == ("ValidationError", True)


def test_a_set_with_instances_stays(sets: Sets, refusal: Refusal) -> None:
    sets.make()
    sets.deploy(sets.organization.ous["data-science/pre-production"])
    assert refusal(lambda: sets.client.delete_stack_set(**sets.as_hub))[0] == (
        "StackSetNotEmptyException"
    )
    assert refusal(sets.make)[0] == "NameAlreadyExistsException"


def test_self_managed_sets_go_through_roles(
    aws: LocalAws, make_role: Callable[..., str], refusal: Refusal
) -> None:
    admin, target = "111122223333", "222233334444"
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    administration = make_role(admin, "cloudformation.amazonaws.com", assume)
    client = aws.session(account=admin, region=REGION).client("cloudformation")
    client.create_stack_set(
        StackSetName="set", TemplateBody=template(), AdministrationRoleARN=administration
    )

    def deploy() -> dict[str, Any]:
        operation = client.create_stack_instances(
            StackSetName="set", Accounts=[target], Regions=[REGION]
        )["OperationId"]
        aws.settle()
        found: dict[str, Any] = client.list_stack_set_operation_results(
            StackSetName="set", OperationId=operation
        )["Summaries"][0]
        return found

    failed = deploy()
    assert failed["Status"] == "FAILED"
    assert failed["StatusReason"].startswith(
        f"Account {target} should have 'AWSCloudFormationStackSetExecutionRole' role"
    )
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{admin}:root"},
        "Action": "sts:AssumeRole",
    }
    iam = aws.session(account=target).client("iam")
    name = "AWSCloudFormationStackSetExecutionRole"
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    everything = {
        "Effect": "Allow",
        "Action": ["cloudformation:*", "ssm:*"],
        "Resource": "*",
    }
    iam.put_role_policy(
        RoleName=name,
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    assert deploy()["Status"] == "SUCCEEDED"
    ssm = aws.session(account=target, region=REGION).client("ssm")
    assert ssm.get_parameter(Name="/set")["Parameter"]["Value"] == "1-d"
    code, _ = refusal(
        lambda: client.create_stack_instances(
            StackSetName="none", Accounts=[target], Regions=[REGION]
        )
    )
    assert code == "StackSetNotFoundException"
