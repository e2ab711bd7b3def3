"""The condition keys of a request.

Global keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html.
Keys are in lower case, since IAM compares them so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from catalog.localaws.core.service import Principal
from catalog.localaws.organizations.model import OrganizationView

INTERNAL = "local-aws.internal"


def principal_keys(
    principal: Principal, *, tags: Mapping[str, str], organizations: OrganizationView
) -> dict[str, str | tuple[str, ...]]:
    """Return the keys that describe who asks."""
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:principalarn": principal.role_arn or principal.arn,
        "aws:principalaccount": principal.account,
        "aws:principaltype": _type(principal),
        "aws:userid": principal.unique_id,
    }
    if ":user/" in principal.arn:
        keys["aws:username"] = principal.arn.rsplit("/", 1)[-1]
    organization = organizations.organization_id(principal.account)
    if organization:
        keys["aws:principalorgid"] = organization
        keys["aws:principalorgpaths"] = ("/".join(organizations.path(principal.account)) + "/",)
    for key, value in {**tags, **principal.session_tags}.items():
        keys[f"aws:principaltag/{key}".lower()] = value
    return keys


def _type(principal: Principal) -> str:
    if principal.role_arn:
        return "AssumedRole"
    return "Account" if principal.is_administrator else "User"


def request_keys(
    params: Mapping[str, Any], *, region: str, via: str
) -> dict[str, str | tuple[str, ...]]:
    """Return the keys that describe the request, whatever its service."""
    now = time.time()
    keys: dict[str, str | tuple[str, ...]] = {
        "aws:requestedregion": region,
        # What AWS serves is TLS always; the loopback port stands for it.
        "aws:securetransport": "true",
        "aws:currenttime": datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:epochtime": str(int(now)),
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "false",
    }
    if via and via != INTERNAL:
        keys |= {
            "aws:viaawsservice": "true",
            "aws:calledvia": (via,),
            "aws:calledviafirst": via,
            "aws:calledvialast": via,
        }
    tags = request_tags(params)
    for key, value in tags.items():
        keys[f"aws:requesttag/{key}".lower()] = value
    named = tuple(tags) or tuple(params.get("TagKeys") or params.get("tagKeys") or ())
    if named:
        keys["aws:tagkeys"] = named
    return keys


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags a request carries, in whichever of AWS's shapes."""
    for member in ("Tags", "tags", "TagList", "AddTags", "Tagging"):
        given = params.get(member)
        if isinstance(given, str):
            return dict(parse_qsl(given))
        if isinstance(given, Mapping) and "TagSet" in given:
            given = given["TagSet"]
        if isinstance(given, Mapping):
            return {str(key): str(value) for key, value in given.items()}
        if isinstance(given, list):
            return dict(_tag(tag) for tag in given if isinstance(tag, Mapping))
    return {}


def _tag(tag: Mapping[str, Any]) -> tuple[str, str]:
    # KMS says TagKey and TagValue; some services write their members in lower case.
    key = next((tag[k] for k in ("Key", "key", "TagKey") if k in tag), "")
    value = next((tag[v] for v in ("Value", "value", "TagValue") if v in tag), "")
    return str(key), str(value)


def s3_keys(params: Mapping[str, Any]) -> dict[str, str]:
    """Return S3's own keys."""
    sources = {
        "s3:prefix": params.get("Prefix", ""),
        "s3:delimiter": params.get("Delimiter"),
        "s3:max-keys": params.get("MaxKeys"),
        "s3:x-amz-acl": params.get("ACL"),
        "s3:x-amz-server-side-encryption": params.get("ServerSideEncryption"),
        "s3:x-amz-server-side-encryption-aws-kms-key-id": params.get("SSEKMSKeyId"),
        "s3:x-amz-storage-class": params.get("StorageClass"),
        "s3:locationconstraint": (params.get("CreateBucketConfiguration") or {}).get(
            "LocationConstraint"
        ),
    }
    keys = {key: str(value) for key, value in sources.items() if value is not None}
    keys["s3:tlsversion"] = "1.3"
    for key, value in request_tags(params).items():
        keys[f"s3:requestobjecttag/{key}".lower()] = value
    return keys


def kms_keys(params: Mapping[str, Any], *, account: str) -> dict[str, str | tuple[str, ...]]:
    """Return KMS's own keys."""
    keys: dict[str, str | tuple[str, ...]] = {"kms:calleraccount": account}
    context = params.get("EncryptionContext") or {}
    for key, value in context.items():
        keys[f"kms:encryptioncontext:{key}".lower()] = str(value)
    if context:
        keys["kms:encryptioncontextkeys"] = tuple(context)
    if str(params.get("KeyId", "")).startswith("alias/"):
        keys["kms:requestalias"] = str(params["KeyId"])
    return keys


def autoscaling_keys(params: Mapping[str, Any]) -> dict[str, str]:
    """Return Application Auto Scaling's own keys."""
    members = (
        ("ServiceNamespace", "service-namespace"),
        ("ScalableDimension", "scalable-dimension"),
    )
    return {
        f"application-autoscaling:{key}": str(params[member])
        for member, key in members
        if member in params
    }


def iam_keys(params: Mapping[str, Any], *, boundary: str) -> dict[str, str]:
    """Return IAM's own keys; `boundary` is that of the role or user the request is about."""
    keys = {}
    stated = params.get("PermissionsBoundary") or boundary
    if stated:
        keys["iam:permissionsboundary"] = str(stated)
    if "PolicyArn" in params:
        keys["iam:policyarn"] = str(params["PolicyArn"])
    if "AWSServiceName" in params:
        keys["iam:awsservicename"] = str(params["AWSServiceName"])
    return keys
