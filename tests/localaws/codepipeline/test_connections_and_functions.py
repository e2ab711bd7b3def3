"""Pipelines that start from a provider's repository, and that invoke functions."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile

import pytest
from botocore.exceptions import ClientError

from catalog.localaws.git.http import Change
from catalog.localaws.git.repository import NULL

ACCOUNT = "111111111111"


@pytest.fixture
def connection(lab):
    service = lab.aws.service("codeconnections")
    arn = lab.client("codeconnections").create_connection(
        ConnectionName="github", ProviderType="GitHub"
    )["ConnectionArn"]
    service.complete_handshake(arn)
    return arn


def from_github(lab, connection, approval, **more):
    """Create the pipeline `line` with a source at the provider."""
    source = {
        "name": "Code",
        "actionTypeId": {
            "category": "Source",
            "owner": "AWS",
            "provider": "CodeStarSourceConnection",
            "version": "1",
        },
        "configuration": {
            "ConnectionArn": connection,
            "FullRepositoryId": "acme/churn",
            "BranchName": "main",
        },
        "outputArtifacts": [{"name": "Code"}],
        "namespace": "Source",
    }
    return {
        "name": "line",
        "roleArn": lab.role,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "Approve", "actions": [approval]},
        ],
        "pipelineType": "V2",
        "executionMode": "PARALLEL",
        **more,
    }


def push(lab, connection, tmp_path, branch="main"):
    """Push a commit through the connection, as a build does; return its id."""
    folder = tmp_path / branch
    repository = lab.aws.service("codeconnections").providers.find("acme/churn", provider="GitHub")
    subprocess.run(["git", "clone", "-q", str(repository.git.path), str(folder)], check=True)
    own = ["-c", "user.name=Jo", "-c", "user.email=jo@example.com"]
    subprocess.run(
        ["git", *own, "commit", "-q", "--allow-empty", "-m", "more"], cwd=folder, check=True
    )
    subprocess.run(["git", "push", "-q", "origin", f"HEAD:{branch}"], cwd=folder, check=True)
    commit = repository.git.branches()[branch]
    lab.aws.service("codepipeline").provider_pushed(
        provider="GitHub",
        repository="acme/churn",
        changes=[Change(reference=f"refs/heads/{branch}", old=NULL, new=commit)],
    )
    return commit


def test_a_source_at_a_provider(lab, connection, approval):
    repository = lab.aws.service("codeconnections").providers.add_repository(
        "acme/churn", files={"readme": b"hello"}
    )
    lab.client("codepipeline").create_pipeline(pipeline=from_github(lab, connection, approval))
    identifier = lab.first()
    assert lab.aws.wait(lambda: lab.execution(identifier)["artifactRevisions"] != [], 20)
    source = lab.action(identifier, "Code")["output"]
    variables = source["outputVariables"]
    assert variables["FullRepositoryName"] == "acme/churn"
    assert variables["CommitId"] == repository.git.branches()["main"]
    assert variables["AuthorDate"].endswith("Z")
    place = source["outputArtifacts"][0]["s3location"]
    body = lab.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).read("readme") == b"hello"


@pytest.mark.parametrize(
    ("branch", "triggers", "starts"),
    [
        ("main", None, True),
        ("other", None, False),
        ("feature/x", [{"branches": {"includes": ["feature/*"]}}], True),
        ("main", [{"branches": {"includes": ["feature/*"]}}], False),
        ("feature/wip", [{"branches": {"includes": ["feature/*"], "excludes": ["*wip"]}}], False),
    ],
)
def test_which_pushes_start_it(lab, connection, approval, tmp_path, branch, triggers, starts):
    lab.aws.service("codeconnections").providers.add_repository("acme/churn", files={"a": b""})
    more = {}
    if triggers:
        configuration = {"sourceActionName": "Code", "push": triggers}
        more["triggers"] = [
            {"providerType": "CodeStarSourceConnection", "gitConfiguration": configuration}
        ]
    lab.client("codepipeline").create_pipeline(
        pipeline=from_github(lab, connection, approval, **more)
    )
    push(lab, connection, tmp_path, branch=branch)
    triggered = [one["trigger"]["triggerType"] for one in lab.executions()]
    assert ("WebhookV2" in triggered) is starts


def test_a_pending_connection_fails_the_source(lab, approval):
    pending = lab.client("codeconnections").create_connection(
        ConnectionName="github", ProviderType="GitHub"
    )["ConnectionArn"]
    lab.client("codepipeline").create_pipeline(pipeline=from_github(lab, pending, approval))
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Failed"
    details = lab.action(identifier, "Code")["output"]["executionResult"]["errorDetails"]
    assert "it is PENDING" in details["message"]


def test_the_creator_must_be_allowed_to_pass_the_connection(lab, connection, approval, make_role):
    creator = make_role(
        ACCOUNT,
        "servicecatalog.amazonaws.com",
        {"Effect": "Allow", "Action": ["codepipeline:*", "iam:PassRole"], "Resource": "*"},
    )
    session = lab.aws.session(account=ACCOUNT, region="eu-west-1", role_arn=creator)
    with pytest.raises(ClientError) as caught:
        session.client("codepipeline").create_pipeline(
            pipeline=from_github(lab, connection, approval)
        )
    assert "codeconnections:PassConnection" in str(caught.value)


FUNCTION = """
import boto3, json
def handler(event, context):
    job = event["CodePipeline.job"]
    given = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    client = boto3.client("codepipeline")
    if given == "good":
        client.put_job_success_result(jobId=job["id"], outputVariables={"Answer": "42"})
    else:
        client.put_job_failure_result(
            jobId=job["id"], failureDetails={"type": "JobFailed", "message": "did not like it"}
        )
"""


@pytest.mark.parametrize(("given", "end"), [("good", "Succeeded"), ("bad", "Failed")])
def test_a_function_answers_for_its_action(lab, make_role, given, end):
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = make_role(ACCOUNT, "lambda.amazonaws.com", everything)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    lab.client("lambda").create_function(
        FunctionName="check",
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": buffer.getvalue()},
    )
    lab.commit(number="1")
    kind = {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"}
    lab.create(
        {
            "name": "Check",
            "actionTypeId": kind,
            "configuration": {"FunctionName": "check", "UserParameters": given},
        }
    )
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == end
    output = lab.action(identifier, "Check")["output"]
    if given == "good":
        assert output["outputVariables"] == {"Answer": "42"}
    else:
        assert output["executionResult"]["errorDetails"]["message"] == "did not like it"
    assert json.dumps(lab.aws.bugs) == "[]"
