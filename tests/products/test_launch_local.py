"""A product launched by CloudFormation in the local AWS, as its launch role."""

from __future__ import annotations

import pytest
from launch_account import STACK, TAG, URL, Account

KEPT = {
    "AWS::CodeCommit::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SageMaker::ModelPackageGroup",
}


def test_a_project_lives_its_life(account: Account) -> None:
    stack = account.launch(Kind="number")
    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack["StackId"])

    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    seeded = account.head()
    answers = (
        account.client("codecommit")
        .get_file(repositoryName=outputs["RepositoryName"], filePath=".copier-answers.yml")[
            "fileContent"
        ]
        .decode()
    )
    assert f"_src_path: {URL}" in answers
    assert f"_commit: {TAG}" in answers
    assert "project_name: Late-Flights" in answers

    bucket = outputs["ArtifactsBucket"]
    versions = account.client("s3").list_object_versions(Bucket=bucket, Prefix="seeding/")
    assert "Versions" not in versions, "the response URL is not kept"

    assert account.builds(outputs["BuildPipeline"]) == [(seeded, "Succeeded")]

    cloudformation = account.client("cloudformation", launch=True)
    kept = [
        {"ParameterKey": key, "UsePreviousValue": True}
        for key in ("SageMakerProjectName", "SageMakerProjectId")
    ]
    cloudformation.update_stack(
        StackName=STACK,
        UsePreviousTemplate=True,
        Parameters=[*kept, {"ParameterKey": "Kind", "ParameterValue": "class"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    updated = account.ended()
    assert updated["StackStatus"] == "UPDATE_COMPLETE", account.reasons(stack["StackId"])
    assert account.head() == seeded, "an update leaves the repository alone"

    cloudformation.delete_stack(StackName=STACK)
    deleted = account.ended(stack["StackId"])
    assert deleted["StackStatus"] == "DELETE_COMPLETE", account.reasons(stack["StackId"])
    resources = cloudformation.describe_stack_resources(StackName=stack["StackId"])
    skipped = {
        r["ResourceType"]
        for r in resources["StackResources"]
        if r["ResourceStatus"] == "DELETE_SKIPPED"
    }
    assert skipped == KEPT
    assert account.head() == seeded
    assert "p-1" in account.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]


def test_a_failed_seed_says_why_leaves_nothing_and_can_be_repeated(account: Account) -> None:
    failed = account.launch(SageMakerProjectName="Late--Flights")
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE", account.reasons(failed["StackId"])
    assert any(
        reason.startswith("RepositorySeed:") and "does not accept the answers" in reason
        for reason in account.reasons(failed["StackId"])
    ), account.reasons(failed["StackId"])
    assert account.left_over() == []

    account.client("cloudformation", launch=True).delete_stack(StackName=STACK)
    account.ended(failed["StackId"])
    again = account.launch()
    assert again["StackStatus"] == "CREATE_COMPLETE", account.reasons(again["StackId"])
    assert account.head()


def test_a_build_that_cannot_start_fails_the_launch_with_its_reason(account: Account) -> None:
    account.body = account.body.replace("codebuild:StartBuild", "codebuild:ListBuilds")

    failed = account.launch()

    assert failed["StackStatus"] == "ROLLBACK_COMPLETE", account.reasons(failed["StackId"])
    assert any(
        "The seeding build could not be started" in reason
        for reason in account.reasons(failed["StackId"])
    )
    assert account.left_over() == []


def test_github_without_a_connection_is_refused_before_anything_is_made(account: Account) -> None:
    with pytest.raises(Exception, match="ConnectionArn"):
        account.launch(RepositoryProvider="GitHub")
    assert account.left_over() == []
