"""The assets bucket of a region: its name, its settings and where objects are in it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

SEEDS, WHEELS, PRODUCTS, STUDIO = "seeds/", "wheels/", "products/", "studio/"
# One empty object per account whose Studio domains point here: how a run finds those to let go.
ACCOUNTS = "studio-accounts/"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
# Service Catalog Administrator Guide, "Launch constraints": the launch role may be limited to
# objects with this tag, which Service Catalog puts on its own copies too.
TEMPLATE_OBJECT_TAGS = {"servicecatalog:provisioning": "true"}
# SageMaker Developer Guide, "Create Custom Project Templates": Studio lists the objects with it.
STUDIO_OBJECT_TAGS = {"sagemaker:studio-visibility": "true"}
# The browser reads templates itself.
STUDIO_CORS = [
    {
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedOrigins": ["https://*.sagemaker.aws"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }
]
_STUDIO_NAME = re.compile(r"([^/_]+)_([^/_]+)_([0-9a-f]{16})_([0-9a-f]{12})\.yaml")


@dataclass(frozen=True, kw_only=True)
class StudioName:
    """What the name of a template in a Studio folder says; neither part holds an underscore.

    Attributes:
        digest: first 16 digits of the bundle's.
        sha256: first 12 digits of the content's.
    """

    template: str
    version: str
    digest: str
    sha256: str

    def key(self, *, folder: str) -> str:
        """Return the key in a folder; its content never changes under a key."""
        return f"{folder}{self.template}_{self.version}_{self.digest}_{self.sha256}.yaml"


def read_studio_key(key: str) -> tuple[str, StudioName] | None:
    """Return (folder, name) of a key that this catalog made, else None."""
    folder, _, name = key.rpartition("/")
    found = _STUDIO_NAME.fullmatch(name)
    if found is None:
        return None
    template, version, digest, sha256 = found.groups()
    return f"{folder}/", StudioName(
        template=template, version=version, digest=digest, sha256=sha256
    )


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


def bucket_policy(
    *, bucket: str, organization: str, partition: str = "aws", studio: bool = False
) -> dict[str, Any]:
    """Return the bucket's policy: TLS only, read by the organization's accounts.

    With `studio`, the organization may also list and read the folders of Studio's templates, their
    tags included: Studio asks for both as the user's execution role.

    A principal of `*` limited by aws:PrincipalOrgID is not public to S3, so Block Public Access
    stays on. Only assets are opened, and only for reading.
    """
    arn = f"arn:{partition}:s3:::{bucket}"
    parts = (SEEDS, WHEELS, PRODUCTS, *([STUDIO] if studio else ()))
    members = {"aws:PrincipalOrgID": organization}
    listing = {
        "Sid": "OrganizationListsStudioTemplates",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:ListBucket"],
        "Resource": [arn],
        "Condition": {"StringEquals": members, "StringLike": {"s3:prefix": f"{STUDIO}*"}},
    }
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
                "Resource": [f"{arn}/{part}*" for part in parts],
                "Condition": {"StringEquals": members},
            },
            *([listing] if studio else ()),
        ],
    }


def bucket_settings(
    *,
    bucket: str,
    organization: str,
    catalog: str,
    partition: str = "aws",
    studio: bool = False,
) -> dict[str, str]:
    """Return every setting of the bucket as comparable text, by name.

    Args:
        bucket: its name.
        organization: id of the organization whose accounts may read.
        catalog: the owner.
        partition: AWS partition.
        studio: whether Studio reads templates from it.
    """
    policy = bucket_policy(
        bucket=bucket, organization=organization, partition=partition, studio=studio
    )
    return {
        "encryption": "AES256",
        "versioning": "Enabled",
        "public-access-block": "all",
        "object-ownership": "BucketOwnerEnforced",
        "policy": canonical(policy),
        "cors": canonical(STUDIO_CORS) if studio else "none",
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
