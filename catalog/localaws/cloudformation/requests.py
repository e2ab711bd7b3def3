"""From a request to what a stack runs with: template, parameters, tags, credentials."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.lookup import read_ssm
from catalog.localaws.cloudformation.model import Settings, Stack
from catalog.localaws.cloudformation.parameters import resolve_parameters
from catalog.localaws.cloudformation.template import Template, parse_template, validation_error
from catalog.localaws.cloudformation.validation import (
    check_capabilities,
    check_template,
    check_values,
)
from catalog.localaws.core.service import Call, ServiceError

BODY_LIMIT = 51_200  # bytes of TemplateBody
URL_LIMIT = 1_000_000  # bytes of a template in S3
_VIA = "cloudformation.amazonaws.com"
_SERVICE = "CloudFormation"
_PATH_HOST = re.compile(r"s3(?:[.-](?:dualstack\.)?(?P<region>[a-z0-9-]+))?\.amazonaws\.com(\.cn)?")
_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>.+?)\.s3(?:[.-](?:dualstack\.)?(?P<region>[a-z0-9-]+))?\.amazonaws\.com(\.cn)?"
)


def template_text(call: Call, *, stack: Stack | None = None) -> str:
    """Return the text of the template that a request names.

    Raises:
        ServiceError: `ValidationError`: none or several given, too long, or not readable with the
            caller's permissions.
    """
    params = call.params
    given = [n for n in ("TemplateBody", "TemplateURL") if params.get(n)]
    if params.get("UsePreviousTemplate"):
        if given:
            raise validation_error(
                "You cannot specify both usePreviousTemplate and Template Body/Template URL."
            )
        if stack is None:
            raise validation_error("Cannot use previous template: the stack has none.")
        return stack.settings.template.body
    if len(given) != 1:
        raise validation_error("Either Template URL or Template Body must be specified.")
    if given == ["TemplateURL"]:
        return _read_url(call, params["TemplateURL"])
    body = str(params["TemplateBody"])
    if len(body.encode()) > BODY_LIMIT:
        raise validation_error(
            f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {BODY_LIMIT}"
        )
    return body


def _read_url(call: Call, url: str) -> str:
    bucket, key, version, region = split_template_url(url, endpoint=call.aws.endpoint_url)
    s3 = call.aws.client_as(call.credentials, "s3", region=region or call.region, via=_VIA)
    extra = {"VersionId": version} if version else {}
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key, **extra)["Body"].read()
    except ClientError as error:
        details = error.response["Error"]
        message = details.get("Message", details.get("Code"))
        if details.get("Code") in ("AccessDenied", "403"):
            message = "Access Denied"
        raise validation_error(
            f"S3 error: {message}\nFor more information check "
            "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        ) from None
    if len(body) > URL_LIMIT:
        raise validation_error(f"Template may not exceed {URL_LIMIT} bytes in size.")
    return body.decode()


def split_template_url(url: str, *, endpoint: str) -> tuple[str, str, str | None, str | None]:
    """Return bucket, key, version and region of a template URL, in any form S3 has.

    Raises:
        ServiceError: `ValidationError`, when it is no URL of an S3 object.
    """
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.unquote(parts.path).lstrip("/")
    version = urllib.parse.parse_qs(parts.query).get("versionId", [None])[0]
    host = parts.hostname or ""
    local = urllib.parse.urlsplit(endpoint)
    bucket, region = "", None
    if parts.scheme == "s3":
        bucket = parts.netloc
    elif parts.port == local.port and host in ("localhost", "127.0.0.1"):
        bucket, _, path = path.partition("/")
    elif parts.port == local.port and host.endswith(".localhost"):
        bucket = host.removesuffix(".localhost").removesuffix(".s3")
    elif parts.scheme == "https" and (match := _PATH_HOST.fullmatch(host)):
        bucket, _, path = path.partition("/")
        region = match["region"]
    elif parts.scheme == "https" and (match := _VIRTUAL_HOST.fullmatch(host)):
        bucket, region = match["bucket"], match["region"]
    if not bucket or not path:
        raise validation_error("TemplateURL must be a supported URL.")
    return bucket, path, version, region if region != "external-1" else None


def checked_template(text: str) -> Template:
    """Return a template that some stack could be made of.

    Raises:
        ServiceError: `ValidationError`.
    """
    template = parse_template(text)
    check_template(template)
    return template


def settings_of(
    call: Call,
    template: Template,
    *,
    stack_name: str,
    stack_id: str,
    stack: Stack | None,
) -> Settings:
    """Return what a create, update or change set would run with, fully validated.

    Raises:
        ServiceError: `ValidationError` or `InsufficientCapabilitiesException`.
    """
    params = call.params
    _refuse_not_emulated(params)
    role = params.get("RoleARN") or (stack.settings.role_arn if stack else None)
    ssm_credentials = credentials_for(call, role)

    def read(name: str) -> str:
        client = call.aws.client_as(ssm_credentials, "ssm", region=call.region, via=_VIA)
        return read_ssm(client, name)

    previous = stack.settings.parameters if stack else None
    parameters = resolve_parameters(
        template, params.get("Parameters", []), previous=previous, read_ssm=read
    )
    notifications = params.get("NotificationARNs")
    if notifications is None:
        notifications = list(stack.settings.notification_arns) if stack else []
    pseudo: Mapping[str, Any] = {
        "AWS::AccountId": call.account,
        "AWS::NotificationARNs": notifications,
        "AWS::Partition": "aws",
        "AWS::Region": call.region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    typed = {name: value.typed for name, value in parameters.items()}
    check_values(template, parameters=typed, pseudo=pseudo)
    capabilities = tuple(params.get("Capabilities", ()))
    check_capabilities(template, capabilities)
    return Settings(
        template=template,
        parameters=parameters,
        tags=_tags(params, stack, via=call.via),
        capabilities=capabilities,
        role_arn=role,
        notification_arns=tuple(notifications),
    )


def _refuse_not_emulated(params: Mapping[str, Any]) -> None:
    """Refuse what would otherwise be accepted and ignored."""
    ignored = [
        name
        for name in (
            "ResourceTypes",
            "StackPolicyBody",
            "StackPolicyDuringUpdateBody",
            "StackPolicyDuringUpdateURL",
            "StackPolicyURL",
        )
        if params.get(name)
    ]
    if params.get("RollbackConfiguration", {}).get("RollbackTriggers"):
        ignored.append("RollbackConfiguration")
    if ignored:
        raise not_emulated(f"{', '.join(ignored)} of {_SERVICE} requests")


def not_emulated(what: str) -> ServiceError:
    """Return the error for something that only real AWS does."""
    return ServiceError("NotEmulated", f"The local AWS does not emulate {what}.", status=501)


def _tags(params: Mapping[str, Any], stack: Stack | None, *, via: str) -> dict[str, str]:
    given = params.get("Tags")
    if given is None:
        return dict(stack.settings.tags) if stack else {}
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) != len(given):
        raise validation_error(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if len(tags) > 50:
        raise validation_error("Number of tags exceeds the limit of 50.")
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved and via != "servicecatalog.amazonaws.com":
        raise validation_error("aws: prefixed tag key names are not allowed for external use.")
    return tags


def credentials_for(call: Call, role_arn: str | None) -> dict[str, str]:
    """Return the credentials a stack runs with: its service role's, or the caller's.

    Raises:
        ServiceError: `ValidationError`, when the role does not let CloudFormation in.
    """
    if role_arn is None:
        return call.credentials
    try:
        return call.aws.assume_as_service(
            role_arn, service_principal=_VIA, session_name="AWSCloudFormation"
        )
    except ServiceError as error:
        if error.code != "AccessDenied":
            raise
        raise validation_error(f"Role {role_arn} is invalid or cannot be assumed") from None
