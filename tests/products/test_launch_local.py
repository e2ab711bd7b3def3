"""A product launched by CloudFormation in the local AWS, as its launch role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_catalogs import SKELETON, commit_all, template_files, write_tree

from catalog.bundles.build import build_bundle
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Bundle, Release
from catalog.bundles.wheels import build_wheel_set, host_wheel_set, wheel_set_key, wheels_prefix
from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization
from catalog.products.launch_policy import launch_policy_document

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
PREFIX = "catalog-assets"
TAG = "v1.2.3"
URL = "https://git.example.com/platform/catalog.git"
STACK = "SC-111111111111-pp-abcdefgh"
KEPT = {
    "AWS::CodeCommit::Repository",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SageMaker::ModelPackageGroup",
}
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - test -n "$PIPELINE_ROLE_ARN" && test -n "$ARTIFACTS_KMS_KEY_ARN"
      - echo "built $SAGEMAKER_PROJECT_NAME $PIPELINE_NAME $MODEL_PACKAGE_GROUP"
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    files = template_files("flights")
    files[f"templates/flights/{SKELETON}/buildspec.yml"] = BUILDSPEC
    root = write_tree(tmp_path_factory.mktemp("catalog"), files)
    (root / "copier.yml").write_text(reduced_copier_yml(root=root, template="flights"))
    commit_all(root, tag=TAG)
    return build_bundle(root=root, template="flights")


class Account:
    """A member account with a launch role, and the hub's assets bucket."""

    def __init__(self, aws: LocalAws, organization: Organization, bundle: Bundle) -> None:
        self.aws = aws
        self.id = organization.members["research"]
        self._publish(organization.hub, bundle)
        iam = aws.session(account=self.id).client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "servicecatalog.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        self.role = iam.create_role(
            RoleName="launch",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        iam.put_role_policy(
            RoleName="launch",
            PolicyName="launch",
            PolicyDocument=json.dumps(launch_policy_document()),
        )
        self.body = bundle.filled(
            release=Release(tag=TAG, catalog_url=URL),
            assets_bucket_prefix=PREFIX,
            wheels_prefix=wheels_prefix(),
        )

    def _publish(self, hub: str, bundle: Bundle) -> None:
        s3 = self.aws.session(account=hub, region=REGION).client("s3")
        bucket = f"{PREFIX}-{REGION}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:GetBucketLocation"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )
        for asset in bundle.assets:
            s3.put_object(Bucket=bucket, Key=asset.key, Body=asset.content)
        tag, platform = host_wheel_set()
        wheels = build_wheel_set(python_tag=tag, platform=platform, cache_dir=ROOT / ".cache")
        key = wheel_set_key(python_tag=tag, platform=platform)
        s3.put_object(Bucket=bucket, Key=key, Body=wheels.read_bytes())

    def client(self, service: str, *, launch: bool = False) -> Any:
        role = self.role if launch else None
        return self.aws.session(account=self.id, region=REGION, role_arn=role).client(service)

    def launch(self, *, stack: str = STACK, **parameters: str) -> dict[str, Any]:
        """Create the stack as the launch role and return how it ended."""
        given = {"SageMakerProjectName": "Late-Flights", "SageMakerProjectId": "p-1", **parameters}
        self.client("cloudformation", launch=True).create_stack(
            StackName=stack,
            TemplateBody=self.body,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return self.ended(stack)

    def ended(self, stack: str = STACK) -> dict[str, Any]:
        cloudformation = self.client("cloudformation")
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(cloudformation.describe_stacks(StackName=stack)["Stacks"][0])
            return not str(found["StackStatus"]).endswith("IN_PROGRESS")

        self.aws.wait(over, timeout=90)
        return found

    def reasons(self, stack_id: str) -> list[str]:
        """Return why resources failed, the first failure first."""
        events = self.client("cloudformation").describe_stack_events(StackName=stack_id)
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in reversed(events["StackEvents"])
            if event.get("ResourceStatus", "").endswith("FAILED")
        ]

    def head(self, name: str = "sagemaker-Late-Flights-p-1") -> str:
        branch = self.client("codecommit").get_branch(repositoryName=name, branchName="main")
        return str(branch["branch"]["commitId"])

    def left_over(self) -> list[str]:
        """Return what a launch made that is still there."""
        found = []
        buckets = self.client("s3").list_buckets()["Buckets"]
        found += [b["Name"] for b in buckets if b["Name"].startswith("sagemaker-")]
        repositories = self.client("codecommit").list_repositories()["repositories"]
        found += [r["repositoryName"] for r in repositories]
        roles = self.client("iam").list_roles(PathPrefix="/sagemaker-projects/")["Roles"]
        found += [r["RoleName"] for r in roles]
        found += self.client("codebuild").list_projects()["projects"]
        found += [f["FunctionName"] for f in self.client("lambda").list_functions()["Functions"]]
        groups = self.client("sagemaker").list_model_package_groups()
        found += [g["ModelPackageGroupName"] for g in groups["ModelPackageGroupSummaryList"]]
        logs = self.client("logs").describe_log_groups()["logGroups"]
        found += [g["logGroupName"] for g in logs if "sagemaker-p-" in g["logGroupName"]]
        return found


@pytest.fixture
def account(bundle: Bundle) -> Iterator[Account]:
    with LocalAws() as aws:
        yield Account(aws, build_organization(aws), bundle)
        assert aws.bugs == []


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

    codepipeline = account.client("codepipeline")
    runs: list[dict[str, Any]] = []

    def built() -> bool:
        runs[:] = codepipeline.list_pipeline_executions(pipelineName=outputs["BuildPipeline"])[
            "pipelineExecutionSummaries"
        ]
        return bool(runs) and runs[-1]["status"] not in ("InProgress", "Stopping")

    account.aws.wait(built, timeout=60)
    assert runs[-1]["status"] == "Succeeded"

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
