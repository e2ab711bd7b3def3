"""Other accounts get in by the names of this project's roles there, and only when given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from catalog.bundles.model import Bundle

ELSEWHERE = {"StagingIsElsewhere": "StagingAccountId", "ProdIsElsewhere": "ProdAccountId"}
POLICIES = {
    "ArtifactsKey": "KeyPolicy",
    "ArtifactsBucketPolicy": "PolicyDocument",
    "ModelPackageGroup": "ModelPackageGroupPolicy",
}


@pytest.fixture
def template(bundles: dict[str, Bundle]) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(bundles["training-pipeline"].cloudformation)
    return loaded


def choices(value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield every `Fn::If` below a value."""
    if isinstance(value, dict):
        if "Fn::If" in value:
            yield tuple(value["Fn::If"])  # type: ignore[misc]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from choices(item)


@pytest.mark.parametrize(("resource", "member"), POLICIES.items())
def test_grants_name_the_account_and_its_roles(
    template: dict[str, Any], resource: str, member: str
) -> None:
    policy = template["Resources"][resource]["Properties"][member]
    seen = set()
    for condition, statement, otherwise in choices(policy):
        if condition not in ELSEWHERE:
            continue
        account = f"${{{ELSEWHERE[condition]}}}"
        seen.add(condition)
        assert otherwise == {"Ref": "AWS::NoValue"}
        assert statement["Principal"]["AWS"]["Fn::Sub"].endswith(f"{account}:root")
        assert not any("*" in action for action in statement["Action"])
        for role in statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]:
            assert f"iam::{account}:role/sagemaker-projects/sagemaker-" in role["Fn::Sub"]
            assert "${SageMakerProjectId}-" in role["Fn::Sub"]
            assert "*" not in role["Fn::Sub"]
    assert seen == set(ELSEWHERE)


def test_without_other_accounts_the_model_packages_have_no_policy(
    template: dict[str, Any],
) -> None:
    group = template["Resources"]["ModelPackageGroup"]["Properties"]
    condition, _, otherwise = group["ModelPackageGroupPolicy"]["Fn::If"]
    assert condition == "AnyIsElsewhere"
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_each_environment_is_deployed_by_the_roles_of_its_account(
    template: dict[str, Any],
) -> None:
    stages = template["Resources"]["DeployPipeline"]["Properties"]["Stages"]
    actions = {stage["Name"]: stage["Actions"][0] for stage in stages}
    assert list(actions) == ["Source", "Release", "Dev", "Staging", "Approval", "Prod"]
    assert "RoleArn" not in actions["Dev"]
    for stage, condition in (("Staging", "StagingIsElsewhere"), ("Prod", "ProdIsElsewhere")):
        named, deployer, own = actions[stage]["RoleArn"]["Fn::If"]
        assert (named, own) == (condition, {"Ref": "AWS::NoValue"})
        assert deployer["Fn::Sub"].endswith("-deployer")
        stacks = actions[stage]["Configuration"]["RoleArn"]["Fn::If"]
        assert ELSEWHERE[condition] in stacks[1]["Fn::Sub"]
        assert stacks[2] == {"Fn::GetAtt": ["StacksRole", "Arn"]}


def test_parameters_of_a_deployment_fit_into_the_action(template: dict[str, Any]) -> None:
    # CodePipeline: ParameterOverrides hold at most 1,000 characters, variables resolved.
    longest = {
        "SageMakerProjectId": "p" * 20,
        "AWS::AccountId": "1" * 12,
        "EndpointRoleArn": "arn:aws-us-gov:iam::111111111111:role/sagemaker-projects/" + "r" * 64,
        "ArtifactsKey.Arn": "arn:aws-us-gov:kms:ap-southeast-2:111111111111:key/" + "k" * 36,
    }
    package = "arn:aws-us-gov:sagemaker:ap-southeast-2:111111111111:model-package/" + "m" * 70
    stages = template["Resources"]["DeployPipeline"]["Properties"]["Stages"]
    for stage in stages:
        settings = stage["Actions"][0].get("Configuration", {})
        if "ParameterOverrides" not in settings:
            continue
        text = settings["ParameterOverrides"]["Fn::Sub"][0]
        for name, value in longest.items():
            text = text.replace(f"${{{name}}}", value)
        assert "${" not in text
        text = text.replace("#{Release.MODEL_PACKAGE_ARN}", package)
        assert set(json.loads(text)) >= {"EndpointName", "ModelPackageArn", "ExecutionRoleArn"}
        assert len(text) <= 1000


def test_nothing_of_the_deployment_exists_without_it(template: dict[str, Any]) -> None:
    deployment = {
        name: body
        for name, body in template["Resources"].items()
        if body.get("Condition") == "DeploysModels"
    }
    assert {"DeployPipeline", "ApprovalStartsDeployment", "StacksRole", "EndpointRole"} <= set(
        deployment
    )
    assert len(deployment) == 12
