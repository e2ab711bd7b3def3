"""The emulated Lambda: Invoke, in the foreground and in the background."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from catalog.localaws.awslambda.functions import Function, find_function, split_name, unpack
from catalog.localaws.awslambda.process import Outcome, run
from catalog.localaws.core.service import Call, Service, ServiceError

_PRINCIPAL = "lambda.amazonaws.com"
_SYNCHRONOUS_LIMIT = 6 * 1024 * 1024  # bytes of a request's payload
_ASYNCHRONOUS_LIMIT = 1024 * 1024
_LOG_TAIL = 4096


def _function_arns(params: dict[str, Any], account: str, region: str) -> list[str]:
    account, region, name, qualifier = split_name(
        params["FunctionName"], account=account, region=region
    )
    qualifier = params.get("Qualifier") or qualifier
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return [f"{arn}:{qualifier}" if qualifier else arn]


class Lambda(Service):
    """AWS Lambda; everything but Invoke is moto's."""

    name = "lambda"
    resources: ClassVar[Mapping[str, Callable[[dict[str, Any], str, str], list[str]]]] = {
        "Invoke": _function_arns
    }
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {"Invoke": ("lambda:InvokeFunction",)}

    def invoke(self, call: Call) -> dict[str, Any]:
        """Invoke: RequestResponse, Event and DryRun."""
        kind = call.params.get("InvocationType", "RequestResponse")
        payload = _payload(call.params.get("Payload"), synchronous=kind != "Event")
        function = find_function(
            self.aws,
            call.params["FunctionName"],
            account=call.account,
            region=call.region,
            qualifier=call.params.get("Qualifier"),
        )
        self._check(function)
        if kind == "DryRun":
            return {"StatusCode": 204, "Payload": b""}
        if kind == "Event":
            self.start(function, payload)
            return {"StatusCode": 202, "Payload": b""}
        outcome = self.run(function, payload, request_id=str(uuid.uuid4()))
        answer: dict[str, Any] = {
            "StatusCode": 200,
            "Payload": outcome.payload,
            "ExecutedVersion": function.version,
        }
        if outcome.failed:
            answer["FunctionError"] = "Unhandled"
        if call.params.get("LogType") == "Tail":
            answer["LogResult"] = base64.b64encode(outcome.log[-_LOG_TAIL:]).decode()
        return answer

    def _check(self, function: Function) -> None:
        if not re.fullmatch(r"python3(\.\d+)?", function.runtime):
            raise ServiceError(
                "NotEmulated",
                f"The local AWS runs Python functions only; {function.name} has the runtime "
                f"{function.runtime or 'of a container image'}.",
                status=501,
            )
        if function.concurrency == 0:
            raise ServiceError("TooManyRequestsException", "Rate Exceeded.", status=429)

    def start(self, function: Function, payload: bytes) -> None:
        """Run a function in the background, again after a failure, as Lambda does for events.

        Lambda waits one and two minutes before it tries again; here the pause is the one of every
        state transition.
        """
        request_id = str(uuid.uuid4())

        def attempts() -> None:
            why: object = ""
            for _ in range(1 + function.retries):
                try:
                    outcome = self.run(function, payload, request_id=request_id)
                except ServiceError as error:
                    why = error.message
                else:
                    if not outcome.failed:
                        return
                    why = outcome.payload
                if not self.aws.pause():
                    return
            self.aws.log.warning("%s failed for good: %s", function.arn, why)

        self.aws.spawn(f"lambda {function.name}", attempts)

    def run(self, function: Function, payload: bytes, *, request_id: str) -> Outcome:
        """Run a function once, as its role.

        Raises:
            ServiceError: `AccessDeniedException`, when Lambda may not assume the role.
        """
        try:
            credentials = self.aws.assume_as_service(
                function.role,
                service_principal=_PRINCIPAL,
                session_name=function.name,
                source_account=function.account,
                source_arn=function.arn,
            )
        except ServiceError as error:
            raise ServiceError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                status=403,
            ) from error
        moment = datetime.now(tz=UTC)
        stream = f"{moment:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        folder = self.aws.work_dir / "lambda"
        outcome = run(
            handler=function.handler,
            code=unpack(function, folder),
            event=payload,
            environment={
                **function.variables,
                **credentials,
                "AWS_ENDPOINT_URL": self.aws.endpoint_url,
                "AWS_REGION": function.region,
                "AWS_DEFAULT_REGION": function.region,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
                "AWS_LAMBDA_FUNCTION_NAME": function.name,
                "AWS_LAMBDA_FUNCTION_VERSION": function.version,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
                "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
                "AWS_LAMBDA_LOG_STREAM_NAME": stream,
                "LANG": "en_US.UTF-8",
                "TZ": ":UTC",
                "HOME": str(folder),
            },
            request_id=request_id,
            function_arn=function.arn,
            timeout=float(function.timeout),
            log_file=folder
            / f"{function.account}-{function.region}-{function.name}"
            / f"{request_id}.{uuid.uuid4().hex[:6]}.log",
            stopping=self.aws.stopping.is_set,
        )
        self._deliver_log(function, credentials, stream, request_id, outcome)
        return outcome

    def _deliver_log(
        self,
        function: Function,
        credentials: dict[str, str],
        stream: str,
        request_id: str,
        outcome: Outcome,
    ) -> None:
        """Write the log to CloudWatch Logs, as far as the function's role may."""
        client = self.aws.client_as(credentials, "logs", region=function.region, via=_PRINCIPAL)
        group = function.log_group
        end = f"Duration: {1000 * outcome.seconds:.2f} ms\tMemory Size: {function.memory} MB"
        lines = [
            f"START RequestId: {request_id} Version: {function.version}",
            *outcome.log.decode(errors="replace").splitlines(),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\t{end}",
        ]
        timestamp = int(datetime.now(tz=UTC).timestamp() * 1000)
        events = [{"timestamp": timestamp, "message": line} for line in lines if line]
        try:
            _create_group(client, group)
            client.create_log_stream(logGroupName=group, logStreamName=stream)
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except ClientError as error:
            # A role without log permissions loses its log on AWS, too; the file in work_dir stays.
            self.aws.log.info("no log of %s: %s", function.arn, error)


def _create_group(client: Any, group: str) -> None:
    try:
        client.create_log_group(logGroupName=group)
    except ClientError as error:
        # Often the template made the group, and the role may only write to it.
        code = error.response["Error"]["Code"]
        if code != "ResourceAlreadyExistsException" and "AccessDenied" not in code:
            raise


def _payload(given: Any, *, synchronous: bool) -> bytes:
    """Return the event as JSON text.

    Raises:
        ServiceError: `InvalidRequestContentException` or `RequestTooLargeException`.
    """
    raw = given.read() if hasattr(given, "read") else given
    data = raw.encode() if isinstance(raw, str) else bytes(raw or b"{}")
    limit = _SYNCHRONOUS_LIMIT if synchronous else _ASYNCHRONOUS_LIMIT
    if len(data) > limit:
        raise ServiceError(
            "RequestTooLargeException",
            f"{len(data)} byte payload is too large for the operation (limit {limit} bytes)",
            status=413,
        )
    try:
        json.loads(data)
    except ValueError as error:
        raise ServiceError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from None
    return data
