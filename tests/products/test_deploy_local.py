"""Approving a model deploys it: the product, launched in the local AWS, as its own roles."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from launch_account import Account
from tiny_catalogs import PRODUCT, QUESTIONS, SKELETON, commit_all, template_files, write_tree

from catalog.bundles.build import build_bundle
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Bundle
from catalog.localaws import LocalAws
from catalog.localaws.organization import build_organization

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / "templates" / "training-pipeline" / SKELETON / "infra"
TAG = "v1.2.3"
GROUP = "sagemaker-p-0123456789ab"
DEPLOY_QUESTION = """
deploy:
  type: bool
  group: Delivery
  help: Whether approved models are deployed
  default: true
"""
# What a repository's `make release` and `make smoke` run, with this Python instead of uv's.
RELEASE = f"""\
version: 0.2
env:
  exported-variables: [MODEL_PACKAGE_ARN, MODEL_PACKAGE_VERSION]
phases:
  build:
    commands:
      - {sys.executable} -m infra.release
      - . ./release.env
"""
SMOKE = """\
version: 0.2
phases:
  build:
    commands:
      - test "$ENDPOINT_NAME" = "sagemaker-p-0123456789ab-staging"
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    files: dict[str, str | bytes] = dict(
        template_files("flights", questions=QUESTIONS + DEPLOY_QUESTION)
    )
    product = PRODUCT.replace("context=context)\n", 'context=context, deploys="Deploy")\n')
    assert "deploys" in product
    skeleton = f"templates/flights/{SKELETON}"
    files["templates/flights/product.py"] = product
    files[f"{skeleton}/buildspec.yml"] = "version: 0.2\nphases: {build: {commands: [true]}}\n"
    files[f"{skeleton}/infra/release.buildspec.yml"] = RELEASE
    files[f"{skeleton}/infra/smoke.buildspec.yml"] = SMOKE
    files[f"{skeleton}/infra/__init__.py"] = ""
    for name in (
        "release.py",
        "templates/dev.json",
        "templates/staging.json",
        "templates/prod.json",
    ):
        files[f"{skeleton}/infra/{name}"] = (REAL / name).read_bytes()
    root = write_tree(tmp_path_factory.mktemp("catalog"), files)
    (root / "copier.yml").write_text(reduced_copier_yml(root=root, template="flights"))
    commit_all(root, tag=TAG)
    return build_bundle(root=root, template="flights")


class Project(Account):
    """A launched project with its deployment pipeline."""

    pipeline = "sagemaker-p-0123456789ab-deploy"

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs of the deployment pipeline, the first one first."""
        found = self.client("codepipeline").list_pipeline_executions(pipelineName=self.pipeline)
        return list(reversed(found["pipelineExecutionSummaries"]))

    def wait_for_run(self, number: int, *statuses: str) -> dict[str, Any]:
        def over() -> bool:
            runs = self.runs()
            return len(runs) >= number and runs[number - 1]["status"] in statuses

        assert self.aws.wait(over, timeout=90), (self.runs(), self.problems())
        return self.runs()[number - 1]

    def problems(self) -> list[str]:
        state = self.client("codepipeline").get_pipeline_state(name=self.pipeline)
        return [
            f"{action['actionName']}: {action['latestExecution'].get('errorDetails')}"
            for stage in state["stageStates"]
            for action in stage["actionStates"]
            if "errorDetails" in action.get("latestExecution", {})
        ]

    def register(self) -> str:
        sagemaker = self.client("sagemaker")
        image = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0"
        return str(
            sagemaker.create_model_package(
                ModelPackageGroupName=GROUP,
                ModelApprovalStatus="PendingManualApproval",
                InferenceSpecification={
                    "Containers": [{"Image": image, "ModelDataUrl": "s3://b/model.tar.gz"}],
                    "SupportedContentTypes": ["application/json"],
                    "SupportedResponseMIMETypes": ["application/json"],
                },
            )["ModelPackageArn"]
        )

    def approve(self, package: str) -> None:
        self.client("sagemaker").update_model_package(
            ModelPackageArn=package, ModelApprovalStatus="Approved"
        )

    def approve_prod(self, run: dict[str, Any]) -> None:
        """Answer the pipeline's question once it is asked in this run."""
        codepipeline = self.client("codepipeline")
        token: list[str] = []

        def asked() -> bool:
            assert self.runs()[-1]["status"] != "Failed", self.problems()
            state = codepipeline.get_pipeline_state(name=self.pipeline)
            for stage in state["stageStates"]:
                if stage["stageName"] == "Approval":
                    current = stage.get("latestExecution", {}).get("pipelineExecutionId")
                    latest = stage["actionStates"][0].get("latestExecution", {})
                    if current == run["pipelineExecutionId"] and latest.get("token"):
                        token[:] = [latest["token"]]
            return bool(token)

        assert self.aws.wait(asked, timeout=90), (self.runs(), self.problems())
        codepipeline.put_approval_result(
            pipelineName=self.pipeline,
            stageName="Approval",
            actionName="ApproveProd",
            result={"summary": "good", "status": "Approved"},
            token=token[0],
        )

    def deployed(self) -> dict[str, str]:
        """Return the model package that each endpoint in service runs."""
        sagemaker = self.client("sagemaker")
        found = {}
        for item in sagemaker.list_endpoints()["Endpoints"]:
            endpoint = sagemaker.describe_endpoint(EndpointName=item["EndpointName"])
            assert endpoint["EndpointStatus"] == "InService"
            config = sagemaker.describe_endpoint_config(
                EndpointConfigName=endpoint["EndpointConfigName"]
            )
            (variant,) = config["ProductionVariants"]
            model = sagemaker.describe_model(ModelName=variant["ModelName"])
            name = item["EndpointName"].removeprefix(f"{GROUP}-")
            found[name] = model["PrimaryContainer"]["ModelPackageName"].rsplit("/", 1)[-1]
        return found


@pytest.fixture
def project(bundle: Bundle) -> Iterator[Project]:
    with LocalAws() as aws:
        yield Project(aws, build_organization(aws), bundle)
        assert aws.bugs == []
        assert aws.background_errors == []


def test_an_approved_model_reaches_prod_through_staging_and_a_person(project: Project) -> None:
    stack = project.launch(SageMakerProjectId="p-0123456789ab")
    assert stack["StackStatus"] == "CREATE_COMPLETE", project.reasons(stack["StackId"])
    # A pipeline starts when it is created; there is nothing to deploy yet, and nothing failed.
    first = project.wait_for_run(1, "Stopped", "Failed", "Succeeded")
    assert first["status"] == "Stopped", project.problems()
    assert "no model of the group is approved yet" in first["stopTrigger"]["reason"]

    package = project.register()
    assert project.aws.settle(timeout=30)
    assert len(project.runs()) == 1, "registering alone deploys nothing"
    project.approve(package)
    second = project.wait_for_run(2, "InProgress", "Failed")
    project.approve_prod(second)
    assert project.wait_for_run(2, "Succeeded", "Failed")["status"] == "Succeeded"
    assert project.deployed() == {"dev": "1", "staging": "1", "prod": "1"}

    # The next version, and the first again by its number: without another approval.
    project.approve(project.register())
    third = project.wait_for_run(3, "InProgress", "Failed")
    project.approve_prod(third)
    assert project.wait_for_run(3, "Succeeded", "Failed")["status"] == "Succeeded"
    assert project.deployed() == {"dev": "2", "staging": "2", "prod": "2"}

    project.client("codepipeline").start_pipeline_execution(
        name=project.pipeline, variables=[{"name": "ModelPackage", "value": "1"}]
    )
    fourth = project.wait_for_run(4, "InProgress", "Failed")
    project.approve_prod(fourth)
    assert project.wait_for_run(4, "Succeeded", "Failed")["status"] == "Succeeded"
    assert project.deployed() == {"dev": "1", "staging": "1", "prod": "1"}
    models = project.client("sagemaker").list_models()["Models"]
    assert len(models) == 3, "replaced models are removed"


def test_without_deployment_there_is_no_pipeline_for_it(project: Project) -> None:
    stack = project.launch(SageMakerProjectId="p-0123456789ab", Deploy="false")

    assert stack["StackStatus"] == "CREATE_COMPLETE", project.reasons(stack["StackId"])
    pipelines = project.client("codepipeline").list_pipelines()["pipelines"]
    assert [pipeline["name"] for pipeline in pipelines] == ["sagemaker-p-0123456789ab-build"]
    assert project.client("events").list_rules(NamePrefix="sagemaker-p-")["Rules"]
    assert not project.client("events").list_rules(NamePrefix=f"{GROUP}-approved")["Rules"]
