"""Pipelines run their stages for real: source, build, approval, deploy."""

from __future__ import annotations

import io
import json
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

VARIABLES = [{"name": "stage", "defaultValue": "dev"}]


def action(category, provider, *, name, configuration, inputs=("Code",), **more):
    return {
        "name": name,
        "actionTypeId": {
            "category": category,
            "owner": "AWS",
            "provider": provider,
            "version": "1",
        },
        "configuration": configuration,
        "inputArtifacts": [{"name": one} for one in inputs],
        **more,
    }


def artifact(lab, identifier, name):
    place = lab.action(identifier, name)["output"]["outputArtifacts"][0]["s3location"]
    body = lab.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"]
    return zipfile.ZipFile(io.BytesIO(body.read()))


def test_a_pipeline_comes_back_as_it_was_given(lab, build_action):
    lab.commit(number="1")
    lab.create(
        build_action,
        variables=VARIABLES,
        executionMode="QUEUED",
        triggers=[
            {
                "providerType": "CodeStarSourceConnection",
                "gitConfiguration": {
                    "sourceActionName": "Code",
                    "push": [{"branches": {"includes": ["main"]}}],
                },
            }
        ],
    )
    answer = lab.client("codepipeline").get_pipeline(name="line")
    shown = answer["pipeline"]
    assert shown["variables"] == VARIABLES
    assert shown["executionMode"] == "QUEUED"
    assert shown["triggers"][0]["gitConfiguration"]["push"] == [
        {"branches": {"includes": ["main"]}}
    ]
    assert shown["stages"][1]["actions"][0]["configuration"] == build_action["configuration"]
    assert shown["version"] == 1
    assert answer["metadata"]["pipelineArn"] == "arn:aws:codepipeline:eu-west-1:111111111111:line"
    lab.wait(lab.first())


def test_creating_a_pipeline_runs_it_and_the_build_gets_the_source(lab, build_action):
    commit = lab.commit(number="7")
    lab.create(build_action, variables=VARIABLES)
    execution = lab.wait(lab.first())

    assert execution["status"] == "Succeeded"
    assert execution["trigger"]["triggerType"] == "CreatePipeline"
    assert execution["artifactRevisions"][0]["revisionId"] == commit
    assert execution["variables"] == [{"name": "stage", "resolvedValue": "dev"}]
    assert artifact(lab, execution["pipelineExecutionId"], "Build").read("result") == (
        b"built 7 for dev\n"
    )
    build = lab.action(execution["pipelineExecutionId"], "Build")
    assert build["output"]["outputVariables"]["VERSION"] == "v7"
    assert lab.state("Build")["latestExecution"]["status"] == "Succeeded"


def test_variables_of_one_execution(lab, build_action):
    lab.commit(number="1")
    lab.create(build_action, variables=VARIABLES)
    lab.wait(lab.first())
    identifier = lab.start(variables=[{"name": "stage", "value": "prod"}])
    lab.wait(identifier)
    assert artifact(lab, identifier, "Build").read("result") == b"built 1 for prod\n"


def test_a_failed_build_fails_the_stage_and_a_retry_goes_on(lab, build_action):
    lab.commit(other="x")
    lab.create(build_action, variables=VARIABLES)
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Failed"
    details = lab.action(identifier, "Build")["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "JobFailed"
    assert "COMMAND_EXECUTION_ERROR" in details["message"]

    client = lab.client("codebuild")
    fixed = "version: 0.2\nphases: {build: {commands: [echo ok >r]}}\nartifacts: {files: [r]}"
    client.update_project(name="build", source={"type": "CODEPIPELINE", "buildspec": fixed})
    lab.client("codepipeline").retry_stage_execution(
        pipelineName="line",
        stageName="Build",
        pipelineExecutionId=identifier,
        retryMode="FAILED_ACTIONS",
    )
    assert lab.wait(identifier)["status"] == "Succeeded"


def test_a_source_without_the_branch_fails_with_the_reason(lab, build_action):
    lab.create(build_action, variables=VARIABLES)
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Failed"
    details = lab.action(identifier, "Code")["output"]["executionResult"]["errorDetails"]
    assert "BranchDoesNotExistException" in details["message"]


@pytest.mark.parametrize(("decision", "end"), [("Approved", "Succeeded"), ("Rejected", "Failed")])
def test_an_approval_waits_for_its_decision(lab, approval, decision, end):
    lab.commit(number="1")
    lab.create(approval)
    identifier = lab.first()
    client = lab.client("codepipeline")

    def token():
        latest = lab.state("Approve")["actionStates"][0].get("latestExecution", {})
        return latest.get("token")

    assert lab.aws.wait(lambda: token() is not None, 20)
    given = token()
    result = {"status": decision, "summary": "looked at it"}
    place = {"pipelineName": "line", "stageName": "Approve", "actionName": "Approve"}
    with pytest.raises(client.exceptions.InvalidApprovalTokenException):
        client.put_approval_result(**place, result=result, token=str(uuid.uuid4()))
    client.put_approval_result(**place, result=result, token=given)
    assert lab.wait(identifier)["status"] == end
    with pytest.raises(client.exceptions.InvalidApprovalTokenException):
        client.put_approval_result(**place, result=result, token=given)


def test_an_approval_that_nobody_gives_times_out(lab, approval):
    lab.aws.service("codepipeline").minute_seconds = 0.02
    lab.commit(number="1")
    lab.create({**approval, "timeoutInMinutes": 5})
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Failed"
    details = lab.action(identifier, "Approve")["output"]["executionResult"]["errorDetails"]
    assert details["message"] == "The approval has timed out"


def test_stopping_and_abandoning(lab, approval):
    lab.commit(number="1")
    lab.create(approval)
    identifier = lab.first()
    assert lab.aws.wait(lambda: "latestExecution" in lab.state("Approve"), 20)
    client = lab.client("codepipeline")
    client.stop_pipeline_execution(pipelineName="line", pipelineExecutionId=identifier)
    assert lab.execution(identifier)["status"] == "Stopping"
    client.stop_pipeline_execution(
        pipelineName="line", pipelineExecutionId=identifier, abandon=True, reason="enough"
    )
    assert lab.wait(identifier)["status"] == "Stopped"
    assert lab.action(identifier, "Approve")["status"] == "Abandoned"
    assert lab.executions()[0]["stopTrigger"] == {"reason": "enough"}


def test_of_waiting_executions_the_newest_supersedes_the_others(lab, approval):
    lab.commit(number="1")
    lab.create(approval)
    first = lab.first()
    assert lab.aws.wait(lambda: "latestExecution" in lab.state("Approve"), 20)
    second = lab.start()
    assert lab.aws.wait(lambda: lab.execution(second)["artifactRevisions"] != [], 20)
    third = lab.start()
    assert lab.wait(second)["status"] == "Superseded"
    assert lab.execution(first)["status"] == "InProgress"
    assert lab.execution(third)["status"] == "InProgress"


def test_queued_executions_wait_for_each_other(lab, approval):
    lab.commit(number="1")
    lab.create(approval, executionMode="QUEUED")
    first = lab.first()
    second = lab.start()
    assert lab.aws.wait(lambda: "latestExecution" in lab.state("Approve"), 20)
    assert lab.execution(second)["artifactRevisions"] == []
    lab.client("codepipeline").stop_pipeline_execution(
        pipelineName="line", pipelineExecutionId=first, abandon=True
    )
    assert lab.aws.wait(lambda: lab.execution(second)["artifactRevisions"] != [], 20)


def test_a_stack_is_deployed_from_an_artifact_with_outputs_and_overrides(lab):
    template = {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "Made": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/made", "Type": "String", "Value": {"Ref": "Value"}},
            }
        },
        "Outputs": {"Name": {"Value": {"Ref": "Made"}}},
    }
    commit = lab.commit(template__json=json.dumps(template))
    lab.create(
        action(
            "Deploy",
            "CloudFormation",
            name="Deploy",
            configuration={
                "ActionMode": "CREATE_UPDATE",
                "StackName": "made",
                "TemplatePath": "Code::template.json",
                "ParameterOverrides": json.dumps({"Value": "#{Source.CommitId}"}),
            },
        )
    )
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Succeeded", lab.action(identifier, "Deploy")
    assert lab.client("ssm").get_parameter(Name="/made")["Parameter"]["Value"] == commit
    assert lab.action(identifier, "Deploy")["output"]["outputVariables"] == {"Name": "/made"}


def test_files_are_deployed_to_a_bucket(lab):
    lab.commit(number="5")
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="site", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    configuration = {"BucketName": "site", "Extract": "true", "ObjectKey": "files"}
    lab.create(action("Deploy", "S3", name="Deploy", configuration=configuration))
    assert lab.wait(lab.first())["status"] == "Succeeded"
    assert s3.get_object(Bucket="site", Key="files/number")["Body"].read() == b"5"


def test_the_pipelines_role_is_what_limits_it(lab, build_action, make_role):
    lab.commit(number="1")
    poor = make_role(
        "111111111111",
        "codepipeline.amazonaws.com",
        {"Effect": "Allow", "Action": ["codecommit:Get*", "s3:*"], "Resource": "*"},
    )
    lab.create(build_action, variables=VARIABLES, roleArn=poor)
    identifier = lab.first()
    assert lab.wait(identifier)["status"] == "Failed"
    details = lab.action(identifier, "Code")["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "PermissionError"
    assert "codecommit:UploadArchive" in details["message"]


def test_a_push_starts_a_pipeline_that_polls(lab, build_action):
    lab.commit(number="1")
    build_action["configuration"]["EnvironmentVariables"] = "[]"
    lab.create(build_action)
    client = lab.client("codepipeline")
    pipeline = client.get_pipeline(name="line")["pipeline"]
    pipeline["stages"][0]["actions"][0]["configuration"]["PollForSourceChanges"] = "true"
    assert client.update_pipeline(pipeline=pipeline)["pipeline"]["version"] == 2
    lab.wait(lab.first())
    commit = lab.commit(number="2")
    assert lab.aws.wait(lambda: len(lab.executions()) == 2, 20)
    newest = lab.executions()[0]
    assert newest["trigger"]["triggerType"] == "PollForSourceChanges"
    ended = lab.wait(newest["pipelineExecutionId"])
    assert ended["artifactRevisions"][0]["revisionId"] == commit


def test_an_execution_is_told_by_events(lab, approval):
    seen = []
    lab.aws.publish = seen.append
    lab.commit(number="1")
    lab.create(approval)
    assert lab.aws.wait(lambda: "latestExecution" in lab.state("Approve"), 20)
    lab.client("codepipeline").stop_pipeline_execution(
        pipelineName="line", pipelineExecutionId=lab.first(), abandon=True
    )
    lab.wait(lab.first())
    assert lab.aws.settle()
    told = [
        e["detail"]["state"]
        for e in seen
        if e["detail-type"] == "CodePipeline Pipeline Execution State Change"
    ]
    assert told == ["STARTED", "STOPPED"]
    stages = [
        (e["detail"]["stage"], e["detail"]["state"])
        for e in seen
        if e["detail-type"] == "CodePipeline Stage Execution State Change"
    ]
    assert ("Source", "SUCCEEDED") in stages


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda p: p["stages"].pop(), "InvalidStructureException"),
        (lambda p: p["stages"][1].update(name="Source"), "InvalidStageDeclarationException"),
        (
            lambda p: p["stages"][1]["actions"][0].update(inputArtifacts=[{"name": "Nope"}]),
            "InvalidActionDeclarationException",
        ),
        (lambda p: p.update(pipelineType="V1", variables=VARIABLES), "InvalidStructureException"),
        (
            lambda p: p["stages"][1]["actions"][0]["actionTypeId"].update(provider="Jenkins"),
            "NotEmulated",
        ),
        (
            lambda p: p.update(roleArn="arn:aws:iam::111111111111:role/none"),
            "InvalidStructureException",
        ),
    ],
)
def test_what_create_pipeline_refuses(lab, build_action, spoil, code):
    lab.commit(number="1")
    lab.create(build_action, variables=VARIABLES)
    client = lab.client("codepipeline")
    pipeline = client.get_pipeline(name="line")["pipeline"]
    spoil(pipeline)
    with pytest.raises(ClientError) as caught:
        client.update_pipeline(pipeline=pipeline)
    assert caught.value.response["Error"]["Code"] == code
    lab.wait(lab.first())


def test_tags_and_deletion(lab, approval):
    lab.commit(number="1")
    lab.create(approval)
    client = lab.client("codepipeline")
    arn = "arn:aws:codepipeline:eu-west-1:111111111111:line"
    client.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "ml"}])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "team", "value": "ml"}
    ]
    client.delete_pipeline(name="line")
    with pytest.raises(client.exceptions.PipelineNotFoundException):
        client.get_pipeline(name="line")
    assert client.list_pipelines()["pipelines"] == []
    assert lab.aws.settle(timeout=10)
