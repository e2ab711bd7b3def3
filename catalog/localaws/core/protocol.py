"""Between the wire and Python: parse inputs, serialise outputs and errors, by botocore's models."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from botocore.utils import parse_timestamp
from moto.core import errors as moto_errors
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import determine_request_protocol
from moto.core.serialize import (
    DefaultAttributePicker,
    SerializationContext,
    get_serializer_class,
)

from catalog.localaws.core.service import ServiceError
from catalog.localaws.core.wire import HttpRequest, HttpResponse, Target

# moto warns of codes that no model declares; these are answered for every service.
moto_errors.COMMON_ERROR_CODES.extend(
    [
        "AccessDenied",
        "AccessDeniedException",
        "EmulatorFault",
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalFailure",
        "InvalidClientTokenId",
        "NotEmulated",
        "SerializationException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "UnrecognizedClientException",
    ]
)


def parse_input(target: Target) -> dict[str, Any]:
    """Decode a request into the parameters that boto3 would take.

    Raises:
        ServiceError: `SerializationException` when the body is not what the model says.
    """
    request = target.request
    try:
        parser = PROTOCOL_PARSERS[_protocol(target)](target.operation, timestamp_parser=_moment)
        parsed = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": target.uri_params,
            }
        )
    except ServiceError:
        raise
    except Exception as error:
        raise ServiceError(
            "SerializationException", f"The request body cannot be read: {error}"
        ) from error
    return {name: value for name, value in (parsed or {}).items() if value is not None}


def _moment(value: str) -> datetime:
    """Read a timestamp; one that names no zone is in UTC, as the wire formats say."""
    moment = parse_timestamp(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def serialise(target: Target, result: dict[str, Any] | ServiceError) -> HttpResponse:
    """Encode a service's answer, or its error, as AWS would."""
    protocol = _protocol(target)
    request_id = str(uuid.uuid4())
    serialiser = get_serializer_class(target.service, protocol)(
        operation_model=target.operation,
        context=SerializationContext(request_id),
        value_picker=DefaultAttributePicker(),
    )
    answer = serialiser.serialize(_with_members(result))
    status = int(answer["status_code"])
    if isinstance(result, ServiceError) and result.status != ServiceError.default_status:
        status = result.status
    elif isinstance(result, dict):
        status = _status_member(target, result) or status
    headers = {name: str(value) for name, value in answer["headers"].items()}
    headers["x-amzn-RequestId"] = request_id
    if protocol == "json":
        version = target.model.metadata.get("jsonVersion", "1.1")
        headers["Content-Type"] = f"application/x-amz-json-{version}"
    body = answer["body"]
    return HttpResponse(
        status=status,
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _status_member(target: Target, result: dict[str, Any]) -> int | None:
    """Return the HTTP status that an output carries as a member (`lambda:Invoke`'s StatusCode)."""
    shape = target.operation.output_shape
    for name, member in shape.members.items() if shape else ():
        if member.serialization.get("location") == "statusCode" and name in result:
            return int(result[name])
    return None


def plain_error(error: ServiceError, request: HttpRequest) -> HttpResponse:
    """Encode an error of a request whose operation is unknown, as its client will read it."""
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-ErrorType": error.code}
    if request.header("X-Amz-Target") or "json" in request.header("Content-Type"):
        headers["Content-Type"] = "application/x-amz-json-1.1"
        body = json.dumps({"__type": error.code, "message": error.message})
    else:
        headers["Content-Type"] = "text/xml"
        body = (
            f"<ErrorResponse><Error><Code>{error.code}</Code>"
            f"<Message>{escape(error.message)}</Message></Error></ErrorResponse>"
        )
    return HttpResponse(status=error.status, headers=headers, body=body.encode())


def _protocol(target: Target) -> str:
    return str(determine_request_protocol(target.model, target.request.content_type))


def _with_members(result: dict[str, Any] | ServiceError) -> dict[str, Any] | ServiceError:
    if isinstance(result, ServiceError):
        for name, value in result.fields.items():
            setattr(result, name, value)
    return result
