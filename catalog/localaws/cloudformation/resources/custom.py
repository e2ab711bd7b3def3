"""AWS::CloudFormation::CustomResource and Custom::*: resources made by a Lambda function.

Source: "Custom resource request and response reference" in the CloudFormation User Guide.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)

if TYPE_CHECKING:
    from catalog.localaws.cloudformation.service import CloudFormation


class CustomResource(ResourceHandler):
    """Sends events to the ServiceToken's function and waits for its answer at the ResponseURL."""

    type = "AWS::CloudFormation::CustomResource"
    volatile = True
    published_schema: ClassVar[bool] = False  # AWS's allows any property, and nothing is to derive

    def problems(self, properties: Properties) -> list[str]:
        """Return what is wrong: a missing ServiceToken, a timeout out of bounds."""
        found = []
        if "ServiceToken" not in properties:
            found.append("#: required key [ServiceToken] not found")
        timeout = properties.get("ServiceTimeout", 3600)
        if isinstance(timeout, (str, int)) and not (
            str(timeout).isdigit() and 1 <= int(timeout) <= 3600
        ):
            found.append("#/ServiceTimeout: must be a number of seconds from 1 to 3600")
        return found

    def has_attribute(self, attribute: str) -> bool:
        """Return True: the attributes are whatever the function answers."""
        del attribute
        return True

    def effective(self, properties: Properties, tags: Mapping[str, str]) -> dict[str, Any]:
        """Return the properties as functions get them: scalars as strings, no stack tags."""
        del tags
        return {key: _stringify(value) for key, value in properties.items()}

    def replacement(self, old: Properties, new: Properties) -> str:
        """Return "Conditional": the function decides, by the physical id it answers."""
        del old, new
        return "Conditional"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Send Create."""
        return self._send(ctx, "Create", properties)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Send Update; another physical id in the answer has the old one deleted afterwards."""
        if old["ServiceToken"] != new["ServiceToken"]:
            raise HandlerError("Modifying service token is not allowed.")
        return self._send(ctx, "Update", new, old=old)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Send Delete."""
        self._send(ctx, "Delete", properties)

    def _send(
        self, ctx: Context, kind: str, properties: Properties, *, old: Properties | None = None
    ) -> Created:
        service = cast("CloudFormation", ctx.aws.service("cloudformation"))
        box = service.responses.open()
        request_id = str(uuid.uuid4())
        event: dict[str, Any] = {
            "RequestType": kind,
            "ServiceToken": properties["ServiceToken"],
            "ResponseURL": service.responses.url(ctx.aws.endpoint_url, box),
            "StackId": ctx.stack.id,
            "RequestId": request_id,
            "LogicalResourceId": ctx.logical_id,
            "ResourceType": ctx.stack.resources[ctx.logical_id].type
            if ctx.logical_id in ctx.stack.resources
            else self.type,
            "ResourceProperties": dict(properties),
        }
        if kind != "Create":
            event["PhysicalResourceId"] = ctx.physical_id
        if old is not None:
            event["OldResourceProperties"] = dict(old)
        try:
            self._invoke(ctx, properties["ServiceToken"], event)
            if kind == "Create":
                ctx.report(ctx.name(255))
            ctx.wait(
                lambda: bool(box.messages),
                seconds=float(properties.get("ServiceTimeout", 3600)),
                what="CloudFormation did not receive a response from your Custom Resource. "
                f"Please check your logs for requestId [{request_id}].",
            )
            return self._read(ctx, kind, event, box.messages[0])
        finally:
            service.responses.close(box.token)

    def _invoke(self, ctx: Context, token: str, event: dict[str, Any]) -> None:
        if ":lambda:" not in token:
            raise HandlerError(
                f"Invalid service token {token}: the local CloudFormation calls Lambda functions."
            )
        ctx.client("lambda").invoke(
            FunctionName=token, InvocationType="Event", Payload=json.dumps(event).encode()
        )

    def _read(
        self, ctx: Context, kind: str, event: dict[str, Any], answer: dict[str, Any]
    ) -> Created:
        physical = answer.get("PhysicalResourceId") or ctx.physical_id
        if kind == "Create" and physical:
            ctx.report(str(physical))
        request_id = event["RequestId"]
        if answer.get("Status") == "FAILED":
            raise HandlerError(
                "Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', '')} (RequestId: {request_id})"
            )
        if answer.get("Status") != "SUCCESS":
            raise HandlerError(
                "Invalid Response object: Value of property Status must be SUCCESS or FAILED"
            )
        for name in ("RequestId", "StackId", "LogicalResourceId"):
            if answer.get(name) != event[name]:
                raise HandlerError(
                    f"Invalid Response object: Value of property {name} must match the request"
                )
        if not physical:
            raise HandlerError("Invalid PhysicalResourceId")
        data = answer.get("Data") or {}
        if not isinstance(data, dict):
            raise HandlerError("Invalid Response object: Value of property Data must be an object")
        return Created(physical_id=str(physical), attributes=data)


def _stringify(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stringify(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_stringify(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return value


HANDLERS = (CustomResource(),)
