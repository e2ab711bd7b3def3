"""Templates of artifacts: fetched once as the caller, then kept in a bucket of the service.

Source: "Launch constraints" in the Service Catalog administrator guide: the template is read when
an artifact is created; the launch role reads the service's own copy at launch, an object tagged
`servicecatalog:provisioning=true`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.parameters import check_definitions
from catalog.localaws.cloudformation.template import Template, parse_template
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.servicecatalog import errors

SERVICE_ACCOUNT = "000000000000"
"""The account in which the emulated services keep what is theirs."""

_VIRTUAL = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3(?:[.-](?:dualstack\.)?(?P<region>[a-z0-9-]+))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|localhost)"
)
_PATH_STYLE = re.compile(
    r"(?:s3(?:[.-](?:dualstack\.)?(?P<region>[a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?"
    r"|localhost|127\.0\.0\.1)"
)


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """An object that a template URL names; `region` is None when the URL does not say."""

    bucket: str
    key: str
    region: str | None


def parse_s3_url(url: str) -> S3Location | None:
    """Return the S3 object behind a virtual-hosted or path-style URL, or None for another URL."""
    parts = urlsplit(url)
    host, path = (parts.hostname or ""), unquote(parts.path).lstrip("/")
    if parts.scheme not in {"http", "https"}:
        return None
    virtual = _VIRTUAL.fullmatch(host)
    if virtual:
        bucket, key, region = virtual["bucket"], path, virtual["region"]
    elif path_style := _PATH_STYLE.fullmatch(host):
        bucket, _, key = path.partition("/")
        region = path_style["region"]
    else:
        return None
    return S3Location(bucket=bucket, key=key, region=region) if bucket and key else None


def read_as_caller(call: Call, url: str) -> str:
    """Return the text behind a template URL, read with the caller's credentials.

    Raises:
        ServiceError: InvalidParametersException for a URL that is not S3's, a missing object or a
            refused read, in CloudFormation's words.
    """
    location = parse_s3_url(url)
    if location is None:
        raise errors.invalid(f"The template URL must be a supported Amazon S3 URL: {url}")
    s3 = call.aws.client_as(call.credentials, "s3", region=location.region or call.region)
    try:
        body: bytes = s3.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()
    except ClientError as error:
        reason = error.response["Error"].get("Message", "")
        raise errors.invalid(
            f"S3 error: {reason}\nFor more information check "
            "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        ) from None
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise errors.invalid("Invalid templateBody. The template is not UTF-8 text.") from None


def parse(body: str) -> Template:
    """Return the parsed template.

    Raises:
        ServiceError: InvalidParametersException with what CloudFormation says about it.
    """
    try:
        template = parse_template(body)
        check_definitions(template)
    except ServiceError as error:
        raise errors.invalid(
            f"Invalid templateBody. Please make sure that your template is valid: {error.message}"
        ) from None
    return template


def store(aws: LocalAws, *, region: str, body: str) -> str:
    """Keep a template in the service's own bucket of `region` and return its URL."""
    bucket = f"sc-{hashlib.sha256(region.encode()).hexdigest()[:12]}-{region}"
    key = f"out/{hashlib.sha256(body.encode()).hexdigest()}.template"
    s3 = aws.client_as(aws.credentials(account=SERVICE_ACCOUNT), "s3", region=region)
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        _make_bucket(s3, bucket=bucket, region=region)
    s3.put_object(
        Bucket=bucket, Key=key, Body=body.encode(), Tagging="servicecatalog%3Aprovisioning=true"
    )
    return f"https://{bucket}.s3.{region}.amazonaws.com/{key}"


def _make_bucket(s3: Any, *, bucket: str, region: str) -> None:
    where = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    try:
        s3.create_bucket(Bucket=bucket, **where)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return
    # The reading role's own policy decides: AWS demands s3:GetObject of every launch role.
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
    }
    s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )


def describe_parameters(template: Template) -> list[dict[str, Any]]:
    """Return ProvisioningArtifactParameters."""
    return [_parameter(name, spec) for name, spec in template.parameters.items()]


def describe_outputs(template: Template) -> list[dict[str, str]]:
    """Return ProvisioningArtifactOutputs."""
    return [
        {"Key": key, "Description": str(spec.get("Description", ""))}
        for key, spec in template.outputs.items()
    ]


def _parameter(name: str, spec: Any) -> dict[str, Any]:
    limits: dict[str, Any] = {
        key: str(spec[key])
        for key in (
            "AllowedPattern",
            "ConstraintDescription",
            "MaxLength",
            "MinLength",
            "MaxValue",
            "MinValue",
        )
        if key in spec
    }
    limits["AllowedValues"] = [_text(v) for v in spec.get("AllowedValues", [])]
    described = {
        "ParameterKey": name,
        "ParameterType": spec["Type"],
        "IsNoEcho": _text(spec.get("NoEcho", "false")) == "true",
        "ParameterConstraints": limits,
    }
    if "Default" in spec:
        described["DefaultValue"] = _text(spec["Default"])
    if "Description" in spec:
        described["Description"] = spec["Description"]
    return described


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
