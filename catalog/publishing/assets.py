"""The assets bucket of a region: its name, its settings and where objects are in it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

SEEDS, WHEELS, PRODUCTS = "seeds/", "wheels/", "products/"
# Service Catalog Administrator Guide, "Launch constraints": the launch role may be limited to
# objects with this tag, which Service Catalog puts on its own copies too.
TEMPLATE_OBJECT_TAGS = {"servicecatalog:provisioning": "true"}


def bucket_name(*, prefix: str, region: str) -> str:
    """Return the name of a region's assets bucket."""
    return f"{prefix}-{region}"


def template_key(*, template: str, version: str, release: str, digest: str, sha256: str) -> str:
    """Return where a published template lies; its content never changes under a key."""
    return f"{PRODUCTS}{template}/{version}/{release}/{digest}-{sha256[:12]}.yaml"


def digest_of_template_url(url: str, *, template: str, version: str) -> tuple[str, str] | None:
    """Return (digest, release) of a template URL that this catalog made, else None."""
    head = f"/{PRODUCTS}{template}/{quote(version)}/"
    _, found, rest = url.partition(head)
    release, slash, name = rest.rpartition("/")
    digest, dash, _ = name.partition("-")
    if not (found and slash and dash) or len(digest) != 64:
        return None
    return digest, release


def template_url(*, bucket: str, region: str, key: str, partition: str = "aws") -> str:
    """Return the HTTPS URL that Service Catalog reads a template from."""
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix}/{quote(key)}"


def bucket_policy(*, bucket: str, organization: str, partition: str = "aws") -> dict[str, Any]:
    """Return the bucket's policy: TLS only, read by the organization's accounts.

    A principal of `*` limited by aws:PrincipalOrgID is not public to S3, so Block Public Access
    stays on. Only assets are opened, and only for reading.
    """
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "OrganizationReadsAssets",
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject", "s3:GetObjectTagging"],
                "Resource": [f"{arn}/{part}*" for part in (SEEDS, WHEELS, PRODUCTS)],
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}},
            },
        ],
    }


def bucket_settings(
    *, bucket: str, organization: str, catalog: str, partition: str = "aws"
) -> dict[str, str]:
    """Return every setting of the bucket as comparable text, by name."""
    policy = bucket_policy(bucket=bucket, organization=organization, partition=partition)
    return {
        "encryption": "AES256",
        "versioning": "Enabled",
        "public-access-block": "all",
        "object-ownership": "BucketOwnerEnforced",
        "policy": canonical(policy),
        "owner-tag": catalog,
    }


def canonical(policy: object) -> str:
    """Return JSON text that is equal for policies that AWS deems equal.

    AWS hands a policy back with single-element lists unwrapped and in its own key order.
    """
    return json.dumps(_normal(policy), sort_keys=True, separators=(",", ":"))


def _normal(value: object) -> object:
    if isinstance(value, dict):
        return {k: _normal(v) for k, v in value.items()}
    if isinstance(value, list):
        items = [_normal(v) for v in value]
        if all(isinstance(item, str) for item in items):
            items = sorted(items, key=str)
        return items[0] if len(items) == 1 else items
    return value
