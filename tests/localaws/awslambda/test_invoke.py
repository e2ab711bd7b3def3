"""Functions run for real, as their role, and end as they do on AWS."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws

ACCOUNT, REGION = "111122223333", "eu-west-1"
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


class Functions:
    """Makes and calls functions of one account."""

    def __init__(self, aws: LocalAws, make_role: Callable[..., str]) -> None:
        self.aws = aws
        self.make_role = make_role
        self.session = aws.session(account=ACCOUNT, region=REGION)
        self.client = self.session.client("lambda")

    def make(
        self,
        source: str,
        *,
        name: str = "f",
        statements: tuple[dict[str, object], ...] = (),
        role: str | None = None,
        **settings: Any,
    ) -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", source)
        request = {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Timeout": 30,
            "Role": role or self.make_role(ACCOUNT, "lambda.amazonaws.com", *statements),
            "Code": {"ZipFile": packed.getvalue()},
            **settings,
        }
        made = self.client.create_function(FunctionName=name, **request)
        return str(made["FunctionArn"])

    def call(
        self, event: Any = None, *, name: str = "f", **more: Any
    ) -> tuple[Any, dict[str, Any]]:
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        payload = answer["Payload"].read()
        return json.loads(payload) if payload else None, answer


@pytest.fixture
def functions(aws: LocalAws, make_role: Callable[..., str]) -> Functions:
    return Functions(aws, make_role)


def test_the_handler_gets_event_context_and_environment(functions: Functions) -> None:
    arn = functions.make(
        "import os\n"
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [event, os.environ['STAGE'], os.environ['AWS_REGION'], context.function_name,"
        " context.invoked_function_arn, len(context.aws_request_id), 0 < left <= 30000]\n",
        Environment={"Variables": {"STAGE": "test"}},
    )
    result, answer = functions.call({"a": [1, None]})
    assert result == [{"a": [1, None]}, "test", REGION, "f", arn, 36, True]
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    assert answer["ExecutedVersion"] == "$LATEST"


def test_calls_are_made_as_the_functions_role(functions: Functions) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/open",
    }
    ssm = functions.session.client("ssm")
    ssm.put_parameter(Name="/open", Value="hello", Type="String")
    ssm.put_parameter(Name="/closed", Value="secret", Type="String")
    functions.make(
        "import boto3\n"
        "def handler(event, context):\n"
        "    ssm = boto3.client('ssm')\n"
        "    return ssm.get_parameter(Name=event)['Parameter']['Value']\n",
        statements=(allowed,),
    )
    assert functions.call("/open")[0] == "hello"
    result, answer = functions.call("/closed")
    assert answer["FunctionError"] == "Unhandled"
    assert "AccessDeniedException" in result["errorMessage"]


def test_an_exception_is_the_payload(functions: Functions) -> None:
    functions.make("def handler(event, context):\n    raise ValueError('no such flight')\n")
    result, answer = functions.call()
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert result["errorType"] == "ValueError"
    assert result["errorMessage"] == "no such flight"
    assert "index.py" in result["stackTrace"][-1]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import missing_module\ndef handler(e, c): pass", "Runtime.ImportModuleError"),
        ("def other(e, c): pass", "Runtime.HandlerNotFound"),
        ("def handler(e, c:", "Runtime.UserCodeSyntaxError"),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError"),
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError"),
    ],
)
def test_ends_that_are_no_result(functions: Functions, source: str, kind: str) -> None:
    functions.make(source)
    result, answer = functions.call()
    assert (answer["FunctionError"], result["errorType"]) == ("Unhandled", kind)


def test_the_timeout_stops_a_function(functions: Functions) -> None:
    functions.make("import time\ndef handler(event, context):\n    time.sleep(600)\n", Timeout=1)
    result, _ = functions.call()
    assert result["errorType"] == "Sandbox.Timedout"
    assert result["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_what_it_prints_goes_to_the_answer_and_the_log(functions: Functions) -> None:
    functions.make("def handler(event, context): print('from inside')", statements=(LOGS,))
    _, answer = functions.call(LogType="Tail")
    assert b"from inside" in base64.b64decode(answer["LogResult"])
    logs = functions.session.client("logs")
    [stream] = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
    events = logs.get_log_events(
        logGroupName="/aws/lambda/f", logStreamName=stream["logStreamName"]
    )["events"]
    lines = [event["message"] for event in events]
    assert "from inside" in lines
    assert lines[0].startswith("START RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")


def test_events_are_answered_at_once_and_tried_again(functions: Functions) -> None:
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    sqs = functions.session.client("sqs")
    url = sqs.create_queue(QueueName="runs")["QueueUrl"]
    functions.make(
        "import boto3\n"
        "def handler(event, context):\n"
        "    boto3.client('sqs').send_message(QueueUrl=event, MessageBody=context.aws_request_id)\n"
        "    raise RuntimeError('again')\n",
        statements=(allowed,),
    )
    result, answer = functions.call(url, InvocationType="Event")
    assert (result, answer["StatusCode"]) == (None, 202)
    assert functions.aws.settle(timeout=60)
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert len(received) == 3
    assert len({message["Body"] for message in received}) == 1


def test_a_role_that_lambda_may_not_assume(functions: Functions) -> None:
    role = functions.make_role(ACCOUNT, "codebuild.amazonaws.com")
    functions.make("def handler(event, context): pass", role=role)
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        functions.call()


def test_what_cannot_run_is_refused(functions: Functions) -> None:
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda"):
        functions.call(name="none")
    functions.make("", name="js", Runtime="nodejs22.x")
    with pytest.raises(ClientError, match="runs Python functions only"):
        functions.call(name="js")
    with pytest.raises(ClientError, match="Could not parse request body"):
        functions.client.invoke(FunctionName="none", Payload=b"{")


def test_dry_run_runs_nothing(functions: Functions) -> None:
    functions.make("raise SystemExit")
    assert functions.call(InvocationType="DryRun")[1]["StatusCode"] == 204


def test_new_code_is_run(functions: Functions) -> None:
    functions.make("def handler(event, context): return 1")
    assert functions.call()[0] == 1
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 2")
    functions.client.update_function_code(FunctionName="f", ZipFile=packed.getvalue())
    assert functions.call()[0] == 2
