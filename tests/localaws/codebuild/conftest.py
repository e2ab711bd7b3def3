"""A build lab: a project from a buildspec, a build run to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from catalog.localaws import LocalAws

ACCOUNT = "111111111111"
REGION = "eu-west-1"
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/codebuild/*",
}


@dataclass
class Lab:
    aws: LocalAws
    make_role: Callable[..., str]

    def client(self, service: str) -> Any:
        return self.aws.session(account=ACCOUNT, region=REGION).client(service)

    def project(self, buildspec: str, *statements: dict[str, object], **changes: Any) -> str:
        role = self.make_role(ACCOUNT, "codebuild.amazonaws.com", LOGS, *statements)
        settings: dict[str, Any] = {
            "name": "lab",
            "source": {"type": "NO_SOURCE", "buildspec": buildspec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": role,
            **changes,
        }
        self.client("codebuild").create_project(**settings)
        return str(settings["name"])

    def run(self, project: str, **overrides: Any) -> dict[str, Any]:
        client = self.client("codebuild")
        started = client.start_build(projectName=project, **overrides)["build"]
        return self.ended(started["id"])

    def ended(self, build_id: str) -> dict[str, Any]:
        assert self.record(build_id).finished.wait(60)
        found: dict[str, Any] = self.client("codebuild").batch_get_builds(ids=[build_id])
        build: dict[str, Any] = found["builds"][0]
        return build

    def record(self, build_id: str) -> Any:
        service: Any = self.aws.service("codebuild")
        return service.build(account=ACCOUNT, region=REGION, build_id=build_id)

    def output(self, build: dict[str, Any]) -> list[str]:
        lines = self.record(build["id"]).log_file.read_text().splitlines()
        return [line for line in lines if not line.startswith("[Container]")]

    def log(self, build: dict[str, Any]) -> str:
        return str(self.record(build["id"]).log_file.read_text())


def phases(build: dict[str, Any]) -> dict[str, str]:
    return {p["phaseType"]: p.get("phaseStatus", "") for p in build["phases"]}


def failure(build: dict[str, Any]) -> tuple[str, str, str]:
    for phase in build["phases"]:
        if phase.get("phaseStatus", "SUCCEEDED") != "SUCCEEDED":
            context = phase["contexts"][0]
            return phase["phaseType"], context["statusCode"], context["message"]
    raise AssertionError("no phase failed")


@pytest.fixture
def lab(aws: LocalAws, make_role: Callable[..., str]) -> Lab:
    return Lab(aws=aws, make_role=make_role)


@pytest.fixture(name="phases")
def _phases() -> Callable[[dict[str, Any]], dict[str, str]]:
    return phases


@pytest.fixture(name="failure")
def _failure() -> Callable[[dict[str, Any]], tuple[str, str, str]]:
    return failure
