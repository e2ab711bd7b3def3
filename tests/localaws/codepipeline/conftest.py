"""A pipeline lab: repository, build project, bucket, roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.localaws import LocalAws

ACCOUNT = "111111111111"
REGION = "eu-west-1"
BUILDSPEC = """
version: 0.2
env: {exported-variables: [VERSION]}
phases:
  build:
    commands:
      - VERSION=v$(cat number)
      - mkdir out && echo "built $(cat number) for $STAGE" >out/result
artifacts:
  base-directory: out
  files: ['**/*']
"""


@dataclass
class Lab:
    aws: LocalAws
    role: str
    build_role: str

    def client(self, service: str) -> Any:
        return self.aws.session(account=ACCOUNT, region=REGION).client(service)

    def commit(self, **files: str) -> str:
        """Commit files to the repository `code`; names get their dots from double underscores."""
        client = self.client("codecommit")
        branches = client.list_branches(repositoryName="code")["branches"]
        parent = {}
        if branches:
            branch = client.get_branch(repositoryName="code", branchName="main")["branch"]
            parent = {"parentCommitId": branch["commitId"]}
        answer = client.create_commit(
            repositoryName="code",
            branchName="main",
            commitMessage="change",
            putFiles=[
                {"filePath": name.replace("__", "."), "fileContent": text.encode()}
                for name, text in files.items()
            ],
            **parent,
        )
        return str(answer["commitId"])

    def create(self, *later: dict[str, Any], **changes: Any) -> None:
        """Create the pipeline `line`: source from `code`, then stages of one action each."""
        stages = [{"name": "Source", "actions": [source()]}]
        stages += [{"name": action["name"], "actions": [action]} for action in later]
        pipeline = {
            "name": "line",
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": stages,
            "pipelineType": "V2",
            **changes,
        }
        self.client("codepipeline").create_pipeline(pipeline=pipeline)

    def executions(self) -> list[dict[str, Any]]:
        found = self.client("codepipeline").list_pipeline_executions(pipelineName="line")
        summaries: list[dict[str, Any]] = found["pipelineExecutionSummaries"]
        return summaries

    def start(self, **arguments: Any) -> str:
        answer = self.client("codepipeline").start_pipeline_execution(name="line", **arguments)
        return str(answer["pipelineExecutionId"])

    def execution(self, identifier: str) -> dict[str, Any]:
        found = self.client("codepipeline").get_pipeline_execution(
            pipelineName="line", pipelineExecutionId=identifier
        )
        execution: dict[str, Any] = found["pipelineExecution"]
        return execution

    def wait(self, identifier: str, *states: str) -> dict[str, Any]:
        wanted = states or ("Succeeded", "Failed", "Stopped", "Superseded")
        assert self.aws.wait(lambda: self.execution(identifier)["status"] in wanted, 60), (
            self.execution(identifier)
        )
        return self.execution(identifier)

    def first(self) -> str:
        """Return the execution that creating the pipeline has started."""
        return str(self.executions()[-1]["pipelineExecutionId"])

    def action(self, identifier: str, name: str) -> dict[str, Any]:
        found = self.client("codepipeline").list_action_executions(
            pipelineName="line", filter={"pipelineExecutionId": identifier}
        )["actionExecutionDetails"]
        return next(one for one in found if one["actionName"] == name)

    def state(self, stage: str) -> dict[str, Any]:
        found = self.client("codepipeline").get_pipeline_state(name="line")["stageStates"]
        return next(one for one in found if one["stageName"] == stage)


def source(**configuration: str) -> dict[str, Any]:
    return {
        "name": "Code",
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeCommit",
            "version": "1",
        },
        "configuration": {
            "RepositoryName": "code",
            "BranchName": "main",
            "PollForSourceChanges": "false",
            **configuration,
        },
        "outputArtifacts": [{"name": "Code"}],
        "namespace": "Source",
    }


@pytest.fixture
def lab(aws: LocalAws, make_role: Callable[..., str]) -> Lab:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    built = Lab(
        aws=aws,
        role=make_role(ACCOUNT, "codepipeline.amazonaws.com", everything),
        build_role=make_role(ACCOUNT, "codebuild.amazonaws.com", everything),
    )
    built.client("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    built.client("codecommit").create_repository(repositoryName="code")
    built.client("codebuild").create_project(
        name="build",
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC},
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=built.build_role,
    )
    return built


@pytest.fixture
def build_action() -> dict[str, Any]:
    variables = [{"name": "STAGE", "value": "#{variables.stage}", "type": "PLAINTEXT"}]
    return {
        "name": "Build",
        "actionTypeId": {
            "category": "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "version": "1",
        },
        "configuration": {"ProjectName": "build", "EnvironmentVariables": json.dumps(variables)},
        "inputArtifacts": [{"name": "Code"}],
        "outputArtifacts": [{"name": "Built"}],
        "namespace": "Build",
    }


@pytest.fixture
def approval() -> dict[str, Any]:
    return {
        "name": "Approve",
        "actionTypeId": {
            "category": "Approval",
            "owner": "AWS",
            "provider": "Manual",
            "version": "1",
        },
    }
