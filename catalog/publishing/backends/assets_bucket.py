"""Assets buckets: reading and changing them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from catalog.aws import Aws, error_code
from catalog.errors import AwsCallFailed, CatalogError, ForeignResource, Location
from catalog.publishing.assets import (
    ACCOUNTS,
    PRODUCTS,
    SEEDS,
    STUDIO,
    STUDIO_CORS,
    WHEELS,
    canonical,
)
from catalog.publishing.ownership import CATALOG_TAG

# Setting, the call that reads it, and the error that means "never set".
SETTINGS = {
    "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
    "versioning": ("get_bucket_versioning", ""),
    "public-access-block": ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
    "object-ownership": ("get_bucket_ownership_controls", "OwnershipControlsNotFoundError"),
    "policy": ("get_bucket_policy", "NoSuchBucketPolicy"),
    "cors": ("get_bucket_cors", "NoSuchCORSConfiguration"),
    "owner-tag": ("get_bucket_tagging", "NoSuchTagSet"),
}
PREFIXES = (SEEDS, WHEELS, PRODUCTS, STUDIO, ACCOUNTS)
_NO_BUCKET = frozenset({"NoSuchBucket", "404", "NotFound"})
_IN_ORDER = (
    "public-access-block",
    "object-ownership",
    "encryption",
    "versioning",
    "policy",
    "cors",
)
_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket_readers(
    *, aws: Aws, account: str, region: str, bucket: str
) -> dict[str, Callable[[], Any]]:
    """Return the reads that show a bucket: one per setting and one per kind of object."""
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    readers: dict[str, Callable[[], Any]] = {
        setting: partial(call.read, operation, missing)
        for setting, (operation, missing) in SETTINGS.items()
    }
    readers.update({prefix: partial(call.keys, prefix) for prefix in PREFIXES})
    return readers


def bucket_settings(answers: Mapping[str, dict[str, Any] | None]) -> dict[str, str] | None:
    """Return the settings as comparable text, or None when the bucket does not exist.

    Args:
        answers: what the readers of the settings returned.
    """
    if any(answer is None for answer in answers.values()):
        return None
    found = {name: answer or {} for name, answer in answers.items()}
    rules = found["encryption"].get("ServerSideEncryptionConfiguration", {}).get("Rules", [{}])
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    block = found["public-access-block"].get("PublicAccessBlockConfiguration", {})
    owners = found["object-ownership"].get("OwnershipControls", {}).get("Rules", [{}])
    policy = found["policy"].get("Policy")
    cors = found["cors"].get("CORSRules")
    tags = {t["Key"]: t["Value"] for t in found["owner-tag"].get("TagSet", ())}
    return {
        "encryption": default.get("SSEAlgorithm", "none"),
        "versioning": found["versioning"].get("Status", "off"),
        "public-access-block": "all" if all(block.get(k) for k in _BLOCK) else "off",
        "object-ownership": owners[0].get("ObjectOwnership", "none"),
        "policy": canonical(json.loads(policy)) if policy else "none",
        "cors": canonical(cors) if cors else "none",
        "owner-tag": tags.get(CATALOG_TAG, "none"),
    }


def create_bucket(*, aws: Aws, account: str, region: str, bucket: str) -> None:
    """Create a bucket unless this account already has it.

    Raises:
        ForeignResource: another account has a bucket of that name.
    """
    # us-east-1 is the one region that must not be named (S3 API Reference, CreateBucket).
    where = (
        {}
        if region == "us-east-1"
        else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    try:
        aws.call(
            account=account,
            region=region,
            service="s3",
            operation="create_bucket",
            Bucket=bucket,
            ObjectOwnership="BucketOwnerEnforced",
            **where,
        )
    except CatalogError as error:
        if error_code(error) == "BucketAlreadyOwnedByYou":
            return
        if error_code(error) == "BucketAlreadyExists":
            raise ForeignResource(
                f"bucket {bucket} belongs to another account",
                where=Location(account=account, region=region),
                next_step="Choose another assets.bucket_prefix in catalog.yml.",
            ) from error
        raise


def set_bucket(
    *, aws: Aws, account: str, region: str, bucket: str, settings: Mapping[str, str]
) -> None:
    """Apply settings to a bucket, the protective ones first."""
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    for name in _IN_ORDER:
        if name in settings:
            operation, params = _setting(name, settings[name])
            call.change(operation, params)
    if "owner-tag" in settings:
        answer = call.read("get_bucket_tagging", "NoSuchTagSet") or {}
        # PutBucketTagging replaces the whole set: tags that others have put there stay.
        tags = {t["Key"]: t["Value"] for t in answer.get("TagSet", ())}
        tags[CATALOG_TAG] = settings["owner-tag"]
        call.change(
            "put_bucket_tagging",
            {"Tagging": {"TagSet": [{"Key": k, "Value": v} for k, v in sorted(tags.items())]}},
        )


def put_object(
    *,
    aws: Aws,
    account: str,
    region: str,
    bucket: str,
    key: str,
    content: bytes,
    content_type: str,
    tags: Mapping[str, str],
) -> None:
    """Upload an object; S3 itself checks that it received these very bytes."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    more = {"Tagging": urlencode(dict(sorted(tags.items())))} if tags else {}
    aws.call(
        account=account,
        region=region,
        service="s3",
        operation="put_object",
        Bucket=bucket,
        Key=key,
        Body=content,
        ContentType=content_type,
        ChecksumSHA256=digest,
        ExpectedBucketOwner=account,
        **more,
    )


def delete_bucket(*, aws: Aws, account: str, region: str, bucket: str) -> None:
    """Delete a bucket with every version of every object; that it is gone already is as good."""
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    try:
        while True:
            # The first page again and again: what was listed is deleted before the next look.
            page = call.change("list_object_versions", {})
            versions = [
                {"Key": item["Key"], "VersionId": item["VersionId"]}
                for kind in ("Versions", "DeleteMarkers")
                for item in page.get(kind) or ()
            ]
            if not versions:
                break
            answer = call.change("delete_objects", {"Delete": {"Objects": versions, "Quiet": True}})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise AwsCallFailed(
                    f"{bucket}: {first.get('Key')} cannot be deleted: {first.get('Message')}",
                    where=Location(account=account, region=region),
                )
        call.change("delete_bucket", {})
    except CatalogError as error:
        if error_code(error) not in _NO_BUCKET:
            raise


def object_tags(*, aws: Aws, account: str, region: str, bucket: str, key: str) -> dict[str, str]:
    """Return the tags of an object."""
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    answer = call.change("get_object_tagging", {"Key": key})
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def set_object_tags(
    *, aws: Aws, account: str, region: str, bucket: str, key: str, tags: Mapping[str, str]
) -> None:
    """Give an object exactly these tags."""
    pairs = [{"Key": k, "Value": tags[k]} for k in sorted(tags)]
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    if pairs:
        call.change("put_object_tagging", {"Key": key, "Tagging": {"TagSet": pairs}})
    else:
        call.change("delete_object_tagging", {"Key": key})


def delete_object(*, aws: Aws, account: str, region: str, bucket: str, key: str) -> None:
    """Delete an object; that there is none is as good."""
    call = _Bucket(aws=aws, account=account, region=region, bucket=bucket)
    call.change("delete_object", {"Key": key})


def _setting(name: str, value: str) -> tuple[str, dict[str, Any]]:
    if name == "public-access-block":
        return "put_public_access_block", {
            "PublicAccessBlockConfiguration": dict.fromkeys(_BLOCK, True)
        }
    if name == "object-ownership":
        return "put_bucket_ownership_controls", {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": value}]}
        }
    if name == "encryption":
        default = {"SSEAlgorithm": value}
        return "put_bucket_encryption", {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            }
        }
    if name == "versioning":
        return "put_bucket_versioning", {"VersioningConfiguration": {"Status": value}}
    if name == "cors":
        # The comparable text is not what S3 takes; there is one configuration only.
        wanted = {"CORSConfiguration": {"CORSRules": STUDIO_CORS}}
        return ("delete_bucket_cors", {}) if value == "none" else ("put_bucket_cors", wanted)
    return "put_bucket_policy", {"Policy": value}


class _Bucket:
    def __init__(self, *, aws: Aws, account: str, region: str, bucket: str) -> None:
        self._aws = aws
        self._account = account
        self._region = region
        self._bucket = bucket

    def read(self, operation: str, missing: str) -> dict[str, Any] | None:
        """Return the answer, {} when never set, None when there is no bucket."""
        try:
            return self.change(operation, {})
        except CatalogError as error:
            code = error_code(error)
            if code in _NO_BUCKET:
                return None
            if missing and code == missing:
                return {}
            raise

    def keys(self, prefix: str) -> frozenset[str]:
        """Return the keys under a prefix; none when there is no bucket."""
        found: set[str] = set()
        more: dict[str, Any] = {}
        while True:
            try:
                page = self.change("list_objects_v2", {"Prefix": prefix, **more})
            except CatalogError as error:
                if error_code(error) in _NO_BUCKET:
                    return frozenset()
                raise
            found.update(item["Key"] for item in page.get("Contents") or ())
            if not page.get("IsTruncated"):
                return frozenset(found)
            if not page.get("NextContinuationToken"):
                raise AwsCallFailed(
                    f"listing {self._bucket} stopped half-way",
                    where=Location(account=self._account, region=self._region),
                )
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def change(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return self._aws.call(
            account=self._account,
            region=self._region,
            service="s3",
            operation=operation,
            Bucket=self._bucket,
            # Never talk to a bucket of that name that somebody else has made.
            ExpectedBucketOwner=self._account,
            **params,
        )
