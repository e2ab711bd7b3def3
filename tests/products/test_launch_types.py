"""Every resource of every product: shown by its own service after a launch, gone after delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from botocore.exceptions import ClientError
from launch_account import STACK, Account

from catalog.bundles.model import Bundle
from catalog.localaws.cloudformation.resources import RESOURCE_TYPES
from tests.localaws.cloudformation.type_cases import CASES

KEPT = {
    "AWS::CodeCommit::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SageMaker::ModelPackageGroup",
}
# Its effect is the repository's first commit; its function has no API to show it by.
CUSTOM = {"Custom::RepositorySeed"}


def types_of(bundle: Bundle) -> set[str]:
    resources = yaml.safe_load(bundle.cloudformation)["Resources"].values()
    return {resource["Type"] for resource in resources}


def test_every_type_of_every_product_has_a_test_of_its_own(bundles: Mapping[str, Bundle]) -> None:
    tested = {case.type for case in CASES}
    for name, bundle in bundles.items():
        published = types_of(bundle) - CUSTOM
        assert published <= RESOURCE_TYPES, name
        assert published <= tested, name


def _repository(account: Account, identifier: str) -> Any:
    listed = account.client("codecommit").list_repositories()["repositories"]
    return [item for item in listed if item["repositoryId"] == identifier]


def _permission(account: Account, statement_id: str) -> Any:
    client = account.client("lambda")
    found = []
    for function in client.list_functions()["Functions"]:
        policy = json.loads(client.get_policy(FunctionName=function["FunctionName"])["Policy"])
        found += [one for one in policy["Statement"] if one["Sid"] == statement_id]
    return found


def _log_group(account: Account, name: str) -> Any:
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return [group for group in groups if group["logGroupName"] == name]


# Return something, or nothing, or raise once the resource is gone.
SHOWN: Mapping[str, Callable[[Account, str], Any]] = {
    "AWS::CodeBuild::Project": lambda account, name: account.client("codebuild").batch_get_projects(
        names=[name]
    )["projects"],
    "AWS::CodeCommit::Repository": _repository,
    "AWS::CodePipeline::Pipeline": lambda account, name: account.client(
        "codepipeline"
    ).get_pipeline(name=name),
    "AWS::Events::Rule": lambda account, name: account.client("events").describe_rule(Name=name),
    "AWS::IAM::Role": lambda account, name: account.client("iam").get_role(RoleName=name),
    "AWS::KMS::Key": lambda account, key: account.client("kms").describe_key(KeyId=key),
    "AWS::Lambda::Function": lambda account, name: account.client("lambda").get_function(
        FunctionName=name
    ),
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": lambda account, name: account.client("s3").head_bucket(Bucket=name),
    "AWS::S3::BucketPolicy": lambda account, name: account.client("s3").get_bucket_policy(
        Bucket=name
    ),
    "AWS::SageMaker::ModelPackageGroup": lambda account, name: account.client(
        "sagemaker"
    ).describe_model_package_group(ModelPackageGroupName=name.rsplit("/", 1)[-1]),
}


def is_shown(account: Account, kind: str, identifier: str) -> bool:
    try:
        return bool(SHOWN[kind](account, identifier))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (400, 404):
            raise
        return False


def test_every_resource_is_shown_by_its_service_and_then_gone(
    account: Account, launchable: Bundle, bundles: Mapping[str, Bundle]
) -> None:
    for name, bundle in bundles.items():
        # The small product is launched for all of them: it makes every type that they make.
        assert types_of(bundle) <= types_of(launchable), name

    stack = account.launch()
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack["StackId"])
    client = account.client("cloudformation", launch=True)
    made = [
        (resource["ResourceType"], resource["PhysicalResourceId"])
        for resource in client.describe_stack_resources(StackName=STACK)["StackResources"]
        if resource["ResourceType"] not in CUSTOM
    ]
    assert {kind for kind, _ in made} == types_of(launchable) - CUSTOM
    assert [one for one in made if not is_shown(account, *one)] == []
    assert account.head(), "the custom resource has seeded the repository"

    client.delete_stack(StackName=STACK)
    deleted = account.ended(stack["StackId"])
    assert deleted["StackStatus"] == "DELETE_COMPLETE", account.reasons(stack["StackId"])
    left = {kind for kind, identifier in made if is_shown(account, kind, identifier)}
    assert left == KEPT
