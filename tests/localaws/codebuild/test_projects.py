"""A build project comes back with the properties it was created with."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

FULL = {
    "name": "full",
    "description": "Seeds a repository",
    "source": {
        "type": "S3",
        "location": "seeds/seed.zip",
        "buildspec": "version: 0.2\nphases: {}\n",
        "insecureSsl": False,
    },
    "secondarySources": [
        {
            "type": "S3",
            "location": "seeds/wheels.zip",
            "sourceIdentifier": "wheels",
            "insecureSsl": False,
        }
    ],
    "secondarySourceVersions": [{"sourceIdentifier": "wheels", "sourceVersion": "v1"}],
    "artifacts": {"type": "NO_ARTIFACTS"},
    "cache": {"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"]},
    "environment": {
        "type": "LINUX_CONTAINER",
        "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "imagePullCredentialsType": "CODEBUILD",
        "privilegedMode": False,
        "environmentVariables": [{"name": "A", "value": "1", "type": "PLAINTEXT"}],
    },
    "timeoutInMinutes": 15,
    "queuedTimeoutInMinutes": 5,
    "encryptionKey": "arn:aws:kms:eu-west-1:111111111111:key/abc",
    "tags": [{"key": "team", "value": "ml"}],
    "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "/team/builds"}},
    "concurrentBuildLimit": 1,
}


@pytest.fixture
def full(lab):
    role = lab.make_role("111111111111", "codebuild.amazonaws.com")
    return {**FULL, "serviceRole": role}


def test_every_property_comes_back(lab, full):
    client = lab.client("codebuild")
    client.create_project(**full)
    found = client.batch_get_projects(names=["full", "none"])
    assert found["projectsNotFound"] == ["none"]
    shown = found["projects"][0]
    assert {key: shown[key] for key in full} == full
    assert shown["arn"] == "arn:aws:codebuild:eu-west-1:111111111111:project/full"


def test_an_update_changes_what_it_names(lab, full):
    client = lab.client("codebuild")
    client.create_project(**full)
    changed = client.update_project(name="full", timeoutInMinutes=30, tags=[])["project"]
    assert changed["timeoutInMinutes"] == 30
    assert changed["tags"] == []
    assert changed["source"] == full["source"]


def test_deletion_is_idempotent_and_forgets_the_builds(lab):
    project = lab.project("version: 0.2\nphases: {build: {}}")
    build = lab.run(project)
    client = lab.client("codebuild")
    assert client.list_projects()["projects"] == [project]
    client.delete_project(name=project)
    client.delete_project(name=project)
    assert client.list_projects()["projects"] == []
    assert client.batch_get_builds(ids=[build["id"]])["buildsNotFound"] == [build["id"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "-bad"}, "InvalidInputException"),
        ({"timeoutInMinutes": 2161}, "InvalidInputException"),
        ({"queuedTimeoutInMinutes": 481}, "InvalidInputException"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "buildspec.yml"}}, "InvalidInputException"),
        ({"source": {"type": "S3"}}, "InvalidInputException"),
        ({"artifacts": {"type": "CODEPIPELINE"}}, "InvalidInputException"),
        ({"artifacts": {"type": "S3"}}, "InvalidInputException"),
        ({"serviceRole": "arn:aws:iam::111111111111:role/none"}, "InvalidInputException"),
        ({"serviceRole": "arn:aws:iam::222222222222:role/full"}, "InvalidInputException"),
    ],
)
def test_what_create_project_refuses(lab, full, change, code):
    with pytest.raises(ClientError) as caught:
        lab.client("codebuild").create_project(**{**full, **change})
    assert caught.value.response["Error"]["Code"] == code


def test_the_role_must_trust_codebuild(lab, full):
    other = lab.make_role("111111111111", "lambda.amazonaws.com")
    with pytest.raises(ClientError) as caught:
        lab.client("codebuild").create_project(**{**full, "serviceRole": other})
    assert "not authorized to perform: sts:AssumeRole" in str(caught.value)


def test_handing_over_a_role_needs_pass_role(lab, full):
    create = {"Effect": "Allow", "Action": "codebuild:CreateProject", "Resource": "*"}
    poor = lab.make_role("111111111111", "servicecatalog.amazonaws.com", create)
    session = lab.aws.session(account="111111111111", region="eu-west-1", role_arn=poor)
    with pytest.raises(ClientError) as caught:
        session.client("codebuild").create_project(**full)
    assert "iam:PassRole" in str(caught.value)


def test_a_codepipeline_project_is_started_by_codepipeline_only(lab):
    project = lab.project("", source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"})
    with pytest.raises(ClientError) as caught:
        lab.client("codebuild").start_build(projectName=project)
    assert caught.value.response["Error"]["Code"] == "InvalidInputException"


def test_a_second_project_of_the_same_name(lab, full):
    client = lab.client("codebuild")
    client.create_project(**full)
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException):
        client.create_project(**full)
