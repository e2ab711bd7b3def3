"""AWS::S3::Bucket and AWS::S3::BucketPolicy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from catalog.localaws.cloudformation.resources.api import policy_text
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
)


class Bucket(ResourceHandler):
    """A bucket; every setting is a call of its own, as in the S3 API."""

    type = "AWS::S3::Bucket"
    handled: ClassVar[frozenset[str]] = frozenset(
        {
            "BucketEncryption",
            "BucketName",
            "CorsConfiguration",
            "LifecycleConfiguration",
            "LoggingConfiguration",
            "NotificationConfiguration",
            "OwnershipControls",
            "PublicAccessBlockConfiguration",
            "Tags",
            "VersioningConfiguration",
        }
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the bucket, then apply its settings."""
        name = properties.get("BucketName") or ctx.name(63, lower=True)
        s3 = ctx.client("s3")
        location = {}
        if ctx.region != "us-east-1":
            location = {"CreateBucketConfiguration": {"LocationConstraint": ctx.region}}
        if ctx.region == "us-east-1" and _owned(s3, name):
            # S3 answers 200 there to whoever already owns the bucket; CloudFormation does not.
            raise HandlerError(f"{name} already exists")
        s3.create_bucket(Bucket=name, **location)
        ctx.report(name)
        self._apply(s3, name, {}, properties)
        return _bucket(ctx, name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Apply the settings that differ."""
        self._apply(ctx.client("s3"), ctx.physical_id, old, new)
        return _bucket(ctx, ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the bucket; S3 refuses one that holds objects."""
        del properties
        ctx.client("s3").delete_bucket(Bucket=ctx.physical_id)

    def _apply(self, s3: Any, name: str, old: Properties, new: Properties) -> None:
        for key, (put, clear) in _SETTINGS.items():
            if not changed(old, new, key):
                continue
            if new.get(key):
                put(s3, name, new[key])
            elif key in old:
                clear(s3, name)


def _owned(s3: Any, name: str) -> bool:
    return any(bucket["Name"] == name for bucket in s3.list_buckets()["Buckets"])


def _bucket(ctx: Context, name: str) -> Created:
    host = f"{name}.s3.amazonaws.com"
    return Created(
        physical_id=name,
        attributes={
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": host,
            "RegionalDomainName": f"{name}.s3.{ctx.region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{ctx.region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{ctx.region}.amazonaws.com",
        },
    )


def _put_encryption(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        entry = {}
        if "ServerSideEncryptionByDefault" in rule:
            entry["ApplyServerSideEncryptionByDefault"] = rule["ServerSideEncryptionByDefault"]
        if "BucketKeyEnabled" in rule:
            entry["BucketKeyEnabled"] = rule["BucketKeyEnabled"]
        rules.append(entry)
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})


def _put_versioning(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": value["Status"]})


def _put_tags(s3: Any, name: str, value: list[dict[str, str]]) -> None:
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": value})


def _put_lifecycle(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    s3.put_bucket_lifecycle_configuration(
        Bucket=name,
        LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]},
    )


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lifecycle rule in the API's nesting."""
    known = {
        "AbortIncompleteMultipartUpload",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "NoncurrentVersionTransitions",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
        "Prefix",
        "Status",
        "TagFilters",
        "Transitions",
    }
    lost = sorted(set(rule) - known)
    if lost:
        raise HandlerError(f"Lifecycle rule keys {lost} are not emulated.")
    result: dict[str, Any] = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        result["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        result["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "ExpiredObjectDeleteMarker" in rule:
        result["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    if "NoncurrentVersionExpirationInDays" in rule:
        result["NoncurrentVersionExpiration"] = {
            "NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]
        }
    for key in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if key in rule:
            result[key] = rule[key]
    if "Transitions" in rule:
        result["Transitions"] = [
            {"Days": t["TransitionInDays"], "StorageClass": t["StorageClass"]}
            for t in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        result["NoncurrentVersionTransitions"] = [
            {"NoncurrentDays": t["TransitionInDays"], "StorageClass": t["StorageClass"]}
            for t in rule["NoncurrentVersionTransitions"]
        ]
    return result


def _lifecycle_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if "Prefix" in rule:
        parts["Prefix"] = rule["Prefix"]
    for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if key in rule:
            parts[key] = int(rule[key])
    tags = rule.get("TagFilters", [])
    if not parts and not tags:
        return {"Prefix": ""}
    if len(parts) + len(tags) == 1:
        return {"Tag": tags[0]} if tags else parts
    return {"And": {**parts, **({"Tags": tags} if tags else {})}}


def _put_ownership(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": value["Rules"]})


def _put_logging(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    status = {
        "LoggingEnabled": {
            "TargetBucket": value.get("DestinationBucketName", name),
            "TargetPrefix": value.get("LogFilePrefix", ""),
        }
    }
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=status)


def _put_notification(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    result: dict[str, Any] = {}
    if value.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", False):
        raise HandlerError("Bucket notifications to EventBridge are not emulated.")
    for source, target, arn, key in (
        ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
        ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
    ):
        entries = []
        for item in value.get(source, []):
            entry = {key: item[arn], "Events": [item["Event"]]}
            if "Filter" in item:
                rules = item["Filter"]["S3Key"]["Rules"]
                entry["Filter"] = {"Key": {"FilterRules": rules}}
            entries.append(entry)
        if entries:
            result[target] = entries
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=result)


def _put_cors(s3: Any, name: str, value: Mapping[str, Any]) -> None:
    names = {
        "AllowedHeaders": "AllowedHeaders",
        "AllowedMethods": "AllowedMethods",
        "AllowedOrigins": "AllowedOrigins",
        "ExposedHeaders": "ExposeHeaders",
        "Id": "ID",
        "MaxAge": "MaxAgeSeconds",
    }
    rules = [{names[key]: item for key, item in rule.items()} for rule in value["CorsRules"]]
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


_SETTINGS: Mapping[str, tuple[Callable[[Any, str, Any], None], Callable[[Any, str], None]]] = {
    "BucketEncryption": (_put_encryption, lambda s3, b: s3.delete_bucket_encryption(Bucket=b)),
    "VersioningConfiguration": (
        _put_versioning,
        lambda s3, b: _put_versioning(s3, b, {"Status": "Suspended"}),
    ),
    "PublicAccessBlockConfiguration": (
        lambda s3, b, v: s3.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration=v),
        lambda s3, b: s3.delete_public_access_block(Bucket=b),
    ),
    "Tags": (_put_tags, lambda s3, b: s3.delete_bucket_tagging(Bucket=b)),
    "LifecycleConfiguration": (_put_lifecycle, lambda s3, b: s3.delete_bucket_lifecycle(Bucket=b)),
    "OwnershipControls": (
        _put_ownership,
        lambda s3, b: s3.delete_bucket_ownership_controls(Bucket=b),
    ),
    "LoggingConfiguration": (
        _put_logging,
        lambda s3, b: s3.put_bucket_logging(Bucket=b, BucketLoggingStatus={}),
    ),
    "NotificationConfiguration": (
        _put_notification,
        lambda s3, b: _put_notification(s3, b, {}),
    ),
    "CorsConfiguration": (_put_cors, lambda s3, b: s3.delete_bucket_cors(Bucket=b)),
}


class BucketPolicy(ResourceHandler):
    """The policy of a bucket."""

    type = "AWS::S3::BucketPolicy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Put the policy; one that exists is not overwritten."""
        s3 = ctx.client("s3")
        bucket = properties["Bucket"]
        self._put(s3, properties)
        ctx.report(bucket)
        return Created(physical_id=bucket)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Put the new policy."""
        del old
        self._put(ctx.client("s3"), new)
        return Created(physical_id=new["Bucket"])

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the policy."""
        ctx.client("s3").delete_bucket_policy(Bucket=properties["Bucket"])

    def _put(self, s3: Any, properties: Properties) -> None:
        s3.put_bucket_policy(
            Bucket=properties["Bucket"], Policy=policy_text(properties["PolicyDocument"])
        )


HANDLERS = (Bucket(), BucketPolicy())
