"""A member account in which tests launch a small product as its launch role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tiny_catalogs import SKELETON, commit_all, template_files, write_tree

from catalog.bundles.build import build_bundle
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Bundle, Release
from catalog.bundles.wheels import build_wheel_set, host_wheel_set, wheel_set_key, wheels_prefix
from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization
from catalog.products.launch_policy import launch_policy_document

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
PREFIX = "catalog-assets"
TAG = "v1.2.3"
URL = "https://git.example.com/platform/catalog.git"
STACK = "SC-111111111111-pp-abcdefgh"
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - test -n "$PIPELINE_ROLE_ARN" && test -n "$ARTIFACTS_KMS_KEY_ARN"
      - echo "built $SAGEMAKER_PROJECT_NAME $PIPELINE_NAME $MODEL_PACKAGE_GROUP"
"""
WORKFLOW = """\
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make test
"""


def launchable_bundle(folder: Path) -> Bundle:
    """Return the bundle of a small template, whose catalog is made in `folder`.

    Its repository has a buildspec, and a GitHub workflow, which providers may refuse.
    """
    files = template_files("flights")
    files[f"templates/flights/{SKELETON}/buildspec.yml"] = BUILDSPEC
    files[f"templates/flights/{SKELETON}/.github/workflows/ci.yml"] = WORKFLOW
    root = write_tree(folder, files)
    (root / "copier.yml").write_text(reduced_copier_yml(root=root, template="flights"))
    commit_all(root, tag=TAG)
    return build_bundle(root=root, template="flights")


class Account:
    """A member account with a launch role, and the hub's assets bucket."""

    def __init__(self, aws: LocalAws, organization: Organization, bundle: Bundle) -> None:
        self.aws = aws
        self.id = organization.members["research"]
        self.hub = organization.hub
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
        session: Any = self.aws.session(account=self.id, region=REGION, role_arn=role)
        return session.client(service)

    def launch(self, *, stack: str = STACK, **parameters: str) -> dict[str, Any]:
        """Create the stack as the launch role and return how it ended."""
        given = {"SageMakerProjectName": "Late-Flights", "SageMakerProjectId": "p-1", **parameters}
        self.client("cloudformation", launch=True).create_stack(
            StackName=stack,
            TemplateURL=self._template(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        return self.ended(stack)

    def _template(self) -> str:
        # Products outgrow what a request may carry (51,200 bytes); the tag is what Service
        # Catalog tells templates by.
        bucket, key = f"{PREFIX}-{REGION}", "products/template.yaml"
        self.aws.session(account=self.hub, region=REGION).client("s3").put_object(
            Bucket=bucket, Key=key, Body=self.body, Tagging="servicecatalog:provisioning=true"
        )
        return f"https://{bucket}.s3.{REGION}.amazonaws.com/{key}"

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

    def builds(self, pipeline: str, *, count: int = 1) -> list[tuple[str, str]]:
        """Wait for `count` runs of a build pipeline; return (commit, end), oldest first."""
        codepipeline = self.client("codepipeline")
        runs: list[dict[str, Any]] = []

        def over() -> bool:
            answer = codepipeline.list_pipeline_executions(pipelineName=pipeline)
            runs[:] = reversed(answer["pipelineExecutionSummaries"])
            ends = [run["status"] not in ("InProgress", "Stopping") for run in runs]
            return len(ends) >= count and all(ends)

        self.aws.wait(over, timeout=60)
        return [(run["sourceRevisions"][0]["revisionId"], run["status"]) for run in runs]

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
