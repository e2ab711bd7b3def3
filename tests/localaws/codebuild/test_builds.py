"""Builds really run their buildspec, and their phases and logs are CodeBuild's."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

ALL_PHASES = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
]


def test_a_build_goes_through_all_phases_and_its_log_is_in_cloudwatch(lab, phases):
    build = lab.run(lab.project("version: 0.2\nphases: {build: {commands: [echo hello]}}"))

    assert build["buildStatus"] == "SUCCEEDED"
    assert build["buildComplete"] is True
    assert list(phases(build)) == ALL_PHASES
    events = lab.client("logs").get_log_events(
        logGroupName="/aws/codebuild/lab", logStreamName=build["id"].split(":")[1]
    )["events"]
    assert "hello\n" in [event["message"] for event in events]


def test_directory_variables_and_functions_last_from_command_to_command(lab):
    build = lab.run(
        lab.project(
            """
version: 0.2
phases:
  install:
    commands:
      - mkdir -p deep/er && cd deep/er
      - tag=v1
      - export SHARED=yes
      - greet() { echo "greet $1"; }
  build:
    commands:
      - basename $(pwd)
      - echo $tag $SHARED
      - greet you
      - |
        for word in a b; do
          echo $word
        done
"""
        )
    )
    output = lab.output(build)
    assert output[:3] == ["er", "v1 yes", "greet you"]
    assert output[-2:] == ["a", "b"]


def test_a_command_that_exits_fails_alone_and_the_shell_state_survives(lab, failure):
    build = lab.run(
        lab.project(
            """
version: 0.2
phases:
  build:
    commands:
      - export KEPT=here && mkdir sub && cd sub
      - exit 7
      - echo never
    finally:
      - echo finally $KEPT $(basename $(pwd))
  post_build:
    commands:
      - echo succeeding=$CODEBUILD_BUILD_SUCCEEDING
"""
        )
    )
    assert lab.output(build) == ["finally here sub", "succeeding=0"]
    assert build["buildStatus"] == "FAILED"
    assert failure(build) == (
        "BUILD",
        "COMMAND_EXECUTION_ERROR",
        "Error while executing command: exit 7. Reason: exit status 7",
    )


@pytest.mark.parametrize(
    ("failing", "rule", "reached"),
    [
        ("install", "", ["FINALIZING", "COMPLETED"]),
        ("pre_build", "", ["FINALIZING", "COMPLETED"]),
        ("build", "", ["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"]),
        ("build", "ABORT", ["FINALIZING", "COMPLETED"]),
        (
            "pre_build",
            "CONTINUE",
            ["BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED"],
        ),
        ("post_build", "", ["FINALIZING", "COMPLETED"]),
    ],
)
def test_what_follows_a_failed_phase(lab, phases, failing, rule, reached):
    on_failure = f"on-failure: {rule}" if rule else ""
    build = lab.run(
        lab.project(
            f"version: 0.2\nphases:\n  {failing}:\n    commands: ['false']\n    {on_failure}\n"
        )
    )
    seen = list(phases(build))
    assert seen[seen.index(failing.upper()) + 1 :] == reached
    assert build["buildStatus"] == "FAILED"


def test_a_build_sees_its_own_environment_and_not_the_users(lab, monkeypatch):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "mine")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "me")
    build = lab.run(
        lab.project(
            """
version: 0.2
env: {variables: {FROM_SPEC: spec, BOTH: spec}}
phases:
  build:
    commands:
      - echo "$FROM_SPEC $BOTH $GIVEN"
      - echo "[$AWS_SHARED_CREDENTIALS_FILE] [$GIT_AUTHOR_NAME] $AWS_REGION $(ls -A $HOME | wc -l)"
      - echo "$CODEBUILD_BUILD_ID $CODEBUILD_INITIATOR $CODEBUILD_BUILD_NUMBER"
      - test "$(pwd)" = "$CODEBUILD_SRC_DIR"
      - python3 -c 'import sys; print(sys.version_info >= (3, 11))'
      - aws sts get-caller-identity --query Arn --output text
"""
        ),
        environmentVariablesOverride=[
            {"name": "BOTH", "value": "override", "type": "PLAINTEXT"},
            {"name": "GIVEN", "value": "given"},
        ],
    )
    own = f"{build['id']} root 1"
    role = build["serviceRole"].rsplit("/", 1)[-1]
    session = f"AWSCodeBuild-{build['id'].split(':')[1]}"
    assert lab.output(build) == [
        "spec override given",
        "[] [] eu-west-1 0",
        own,
        "True",
        f"arn:aws:sts::111111111111:assumed-role/{role}/{session}",
    ]


def test_variables_from_the_parameter_store(lab):
    lab.client("ssm").put_parameter(Name="/team/token", Value="s3cret", Type="SecureString")
    allowed = {
        "Effect": "Allow",
        "Action": "ssm:GetParameters",
        "Resource": "arn:aws:ssm:eu-west-1:111111111111:parameter/team/*",
    }
    spec = "version: 0.2\nenv: {parameter-store: {TOKEN: /team/token}}\n"
    build = lab.run(lab.project(spec + "phases: {build: {commands: [echo $TOKEN]}}", allowed))
    assert lab.output(build) == ["s3cret"]


def test_a_parameter_that_may_not_be_read_fails_the_download_phase(lab, failure):
    lab.client("ssm").put_parameter(Name="/team/token", Value="s3cret", Type="String")
    spec = "version: 0.2\nenv: {parameter-store: {TOKEN: /team/token}}\nphases: {build: {}}"
    build = lab.run(lab.project(spec))
    phase, code, message = failure(build)
    assert (phase, code) == ("DOWNLOAD_SOURCE", "Decrypted Variables Error")
    assert "is not authorized to perform: ssm:GetParameters" in message


def test_secrets_manager_is_refused_clearly(lab, failure):
    project = lab.project("version: 0.2\nphases: {build: {}}")
    secret = {"name": "TOKEN", "value": "team:token", "type": "SECRETS_MANAGER"}
    build = lab.run(project, environmentVariablesOverride=[secret])
    assert "not emulated by the local AWS: TOKEN" in failure(build)[2]


def test_a_role_that_may_not_write_logs_fails_the_build_at_once(lab, failure):
    nothing = lab.make_role("111111111111", "codebuild.amazonaws.com")
    project = lab.project("version: 0.2\nphases: {build: {}}", serviceRole=nothing)
    phase, code, message = failure(lab.run(project))
    assert (phase, code) == ("SUBMITTED", "ACCESS_DENIED")
    assert message.startswith(f"Service role {nothing} does not allow AWS CodeBuild to create")
    assert "logs:CreateLogStream" in message


def test_the_roles_permissions_hold_inside_the_build(lab):
    lab.client("s3").create_bucket(
        Bucket="data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    project = lab.project(
        "version: 0.2\nphases: {build: {commands: ['aws s3api list-objects-v2 --bucket data']}}"
    )
    build = lab.run(project)
    assert build["buildStatus"] == "FAILED"
    assert "AccessDenied" in "\n".join(lab.output(build))


def test_exported_variables(lab):
    build = lab.run(
        lab.project(
            "version: 0.2\nenv: {exported-variables: [TAG]}\n"
            "phases: {build: {commands: ['TAG=\"v 1\"']}}"
        )
    )
    assert build["exportedEnvironmentVariables"] == [{"name": "TAG", "value": "v 1"}]


def test_stop_build_ends_what_runs(lab, phases, tmp_path):
    mark = tmp_path / "mark"
    project = lab.project(
        "version: 0.2\nphases:\n  build:\n    commands:\n"
        f"      - touch {mark}; sleep 300\n    finally: [rm {mark}]\n"
    )
    client = lab.client("codebuild")
    build_id = client.start_build(projectName=project)["build"]["id"]
    assert lab.aws.wait(mark.exists, 20)
    client.stop_build(id=build_id)
    build = lab.ended(build_id)
    assert build["buildStatus"] == "STOPPED"
    assert phases(build)["BUILD"] == "STOPPED"
    assert "POST_BUILD" not in phases(build)
    assert mark.exists()


def test_a_build_that_takes_too_long_times_out(lab, phases, failure):
    lab.aws.service("codebuild").settings.minute_seconds = 0.05
    project = lab.project(
        "version: 0.2\nphases: {build: {commands: [sleep 300]}}", timeoutInMinutes=5
    )
    build = lab.run(project)
    assert build["buildStatus"] == "TIMED_OUT"
    assert phases(build)["BUILD"] == "TIMED_OUT"
    assert failure(build)[1] == "BUILD_TIMED_OUT"


def test_a_build_that_never_starts_times_out_in_the_queue(lab, phases):
    settings = lab.aws.service("codebuild").settings
    settings.never_start, settings.minute_seconds = True, 0.02
    project = lab.project("version: 0.2\nphases: {build: {}}", queuedTimeoutInMinutes=5)
    build = lab.run(project)
    assert build["buildStatus"] == "TIMED_OUT"
    assert list(phases(build)) == ["SUBMITTED", "QUEUED", "COMPLETED"]


def test_a_refused_start(lab):
    lab.aws.service("codebuild").settings.refuse_start = "Cannot have more than 0 builds in queue"
    project = lab.project("version: 0.2\nphases: {build: {}}")
    with pytest.raises(ClientError) as caught:
        lab.client("codebuild").start_build(projectName=project)
    assert caught.value.response["Error"]["Code"] == "AccountLimitExceededException"


def test_stopping_the_local_aws_ends_running_builds(lab, tmp_path):
    mark = tmp_path / "mark"
    project = lab.project(
        f"version: 0.2\nphases: {{build: {{commands: ['touch {mark}; sleep 300']}}}}"
    )
    build_id = lab.client("codebuild").start_build(projectName=project)["build"]["id"]
    record = lab.record(build_id)
    assert lab.aws.wait(mark.exists, 20)
    lab.aws.stop()
    assert record.status == "STOPPED"


def test_idempotency_token_retry_and_lists(lab):
    project = lab.project("version: 0.2\nphases: {build: {}}")
    client = lab.client("codebuild")
    first = client.start_build(projectName=project, idempotencyToken="t")["build"]["id"]
    again = client.start_build(projectName=project, idempotencyToken="t")["build"]["id"]
    assert first == again
    lab.ended(first)
    second = client.retry_build(id=first)["build"]["id"]
    assert lab.ended(second)["buildNumber"] == 2
    assert client.list_builds_for_project(projectName=project)["ids"] == [second, first]
    assert client.list_builds(sortOrder="ASCENDING")["ids"] == [first, second]
    missing = client.batch_get_builds(ids=["lab:none"])
    assert missing["buildsNotFound"] == ["lab:none"]


def test_every_end_of_a_build_is_told_by_an_event(lab):
    seen = []
    lab.aws.publish = seen.append
    build = lab.run(
        lab.project("version: 0.2\nphases: {build: {commands: ['false']}}"),
        environmentVariablesOverride=[{"name": "WHO", "value": "me"}],
    )
    changes = [e for e in seen if e["detail-type"] == "CodeBuild Build State Change"]
    assert [e["detail"]["build-status"] for e in changes] == ["IN_PROGRESS", "FAILED"]
    last = changes[-1]
    assert last["source"] == "aws.codebuild"
    assert last["resources"] == [build["arn"]]
    detail = last["detail"]
    assert detail["build-id"] == build["arn"]
    assert detail["project-name"] == "lab"
    assert detail["current-phase"] == "COMPLETED"
    information = detail["additional-information"]
    assert information["environment"]["environment-variables"] == [
        {"name": "WHO", "value": "me", "type": "PLAINTEXT"}
    ]
    assert information["logs"]["group-name"] == "/aws/codebuild/lab"
    failed = [p for p in information["phases"] if p.get("phase-status") == "FAILED"]
    assert failed[0]["phase-type"] == "BUILD"
    assert failed[0]["phase-context"] == [
        "COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1"
    ]
    ended = [e for e in seen if e["detail-type"] == "CodeBuild Build Phase Change"]
    assert [e["detail"]["completed-phase"] for e in ended][-1] == "COMPLETED"


def test_background_processes_end_with_the_build(lab, tmp_path):
    beat = tmp_path / "beat"
    project = lab.project(
        "version: 0.2\nphases:\n  build:\n    commands:\n"
        f"      - (while true; do date +%N >{beat}; sleep 0.05; done) &\n"
        f"      - until [ -s {beat} ]; do sleep 0.05; done\n"
    )
    assert lab.run(project)["buildStatus"] == "SUCCEEDED"
    last = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == last
