"""AWS::Lambda::Function and AWS::Lambda::Permission."""

from __future__ import annotations

import io
import zipfile
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
)

_INLINE_LIMIT = 4 * 1024 * 1024  # characters of ZipFile, AWS::Lambda::Function Code


class Function(ResourceHandler):
    """A function; code given inline becomes `index.py`, as in AWS."""

    type = "AWS::Lambda::Function"
    handled: ClassVar[frozenset[str]] = frozenset(
        {
            "Architectures",
            "Code",
            "DeadLetterConfig",
            "Description",
            "Environment",
            "EphemeralStorage",
            "FunctionName",
            "Handler",
            "KmsKeyArn",
            "Layers",
            "LoggingConfig",
            "MemorySize",
            "PackageType",
            "ReservedConcurrentExecutions",
            "Role",
            "Runtime",
            "Tags",
            "Timeout",
            "TracingConfig",
            "VpcConfig",
        }
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the function."""
        client = ctx.client("lambda")
        name = properties.get("FunctionName") or ctx.name(64)
        request = self._configuration(
            client, "CreateFunction", {**properties, "FunctionName": name}
        )
        request["Code"] = _code(client, properties)
        if properties.get("Tags"):
            request["Tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        made = client.create_function(**request)
        ctx.report(name)
        self._concurrency(client, name, {}, properties)
        return _function(name, made["FunctionArn"])

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change configuration, code, concurrency and tags."""
        client, name = ctx.client("lambda"), ctx.physical_id
        arn = ctx.attributes["Arn"]
        request = self._configuration(
            client, "UpdateFunctionConfiguration", {**new, "FunctionName": name}
        )
        if (
            self._configuration(
                client, "UpdateFunctionConfiguration", {**old, "FunctionName": name}
            )
            != request
        ):
            client.update_function_configuration(**request)
        if changed(old, new, "Code", "Architectures"):
            code = _code(client, new)
            client.update_function_code(FunctionName=name, **code)
        self._concurrency(client, name, old, new)
        before = {tag["Key"]: tag["Value"] for tag in old.get("Tags") or ()}
        after = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or ()}
        if after and after != before:
            client.tag_resource(Resource=arn, Tags=after)
        if gone := sorted(before.keys() - after.keys()):
            client.untag_resource(Resource=arn, TagKeys=gone)
        return _function(name, arn)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the function."""
        del properties
        ctx.client("lambda").delete_function(FunctionName=ctx.physical_id)

    def _configuration(self, client: Any, operation: str, properties: Properties) -> dict[str, Any]:
        omit = {"Code", "Tags", "ReservedConcurrentExecutions"}
        if operation == "UpdateFunctionConfiguration":
            omit |= {"Architectures", "PackageType"}
        return to_request(client, operation, properties, omit=omit)

    def _concurrency(self, client: Any, name: str, old: Properties, new: Properties) -> None:
        if not changed(old, new, "ReservedConcurrentExecutions"):
            return
        if "ReservedConcurrentExecutions" in new:
            client.put_function_concurrency(
                FunctionName=name,
                ReservedConcurrentExecutions=new["ReservedConcurrentExecutions"],
            )
        else:
            client.delete_function_concurrency(FunctionName=name)


def _code(client: Any, properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    source = code.get("ZipFile")
    if source is None:
        return to_request(client, "UpdateFunctionCode", code)
    runtime = properties.get("Runtime", "")
    if not runtime.startswith(("python", "nodejs")):
        raise HandlerError(
            "ZipFile can only be used when Runtime is set to either nodejs or python."
        )
    if len(source) > _INLINE_LIMIT:
        raise HandlerError("ZipFile is longer than 4194304 characters.")
    suffix = "py" if runtime.startswith("python") else "js"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"index.{suffix}"), source)
    return {"ZipFile": packed.getvalue()}


def _function(name: str, arn: str) -> Created:
    return Created(physical_id=name, attributes={"Arn": arn})


class Permission(ResourceHandler):
    """One statement of a function's resource policy; every property is fixed."""

    type = "AWS::Lambda::Permission"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Add the statement."""
        client = ctx.client("lambda")
        statement = ctx.name(100)
        request = to_request(client, "AddPermission", {**properties, "StatementId": statement})
        client.add_permission(**request)
        ctx.report(statement)
        return Created(physical_id=statement, attributes={"Id": statement})

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the statement; it may have gone with its function."""
        client = ctx.client("lambda")
        try:
            client.remove_permission(
                FunctionName=properties["FunctionName"], StatementId=ctx.physical_id
            )
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise


HANDLERS = (Function(), Permission())
