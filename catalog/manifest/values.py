"""The scalar values manifests are made of, each with what is right and what to do when it is not.

Patterns come from botocore's service models (Organizations, Service Catalog, IAM) where not said
otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit

import botocore.session
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

# https://semver.org, its own suggested expression.
SEMVER = (
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
)
_KEY = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"
_ROLE_NAME = r"^[A-Za-z0-9_+=,.@-]{1,64}$"
# Service Catalog: `IAM_PATTERN` allows `*` and `?` in the resource id, not in the resource type,
# and no account id, so that one pattern holds in every account it is shared to.
_PRINCIPAL_PATTERN = r"^arn:aws(?:-[a-z]+)*:iam:::(?:role|user|group)/[A-Za-z0-9_+=,.@/*?-]{1,512}$"


def _matching(pattern: str, message: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        # fullmatch: `$` alone would let a trailing line break through.
        if compiled.fullmatch(value) is None:
            raise ValueError(message)
        return value

    return AfterValidator(check)


@cache
def known_regions() -> dict[str, str]:
    """Return every region botocore knows, with its partition."""
    session = botocore.session.Session()
    return {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition_name=partition)
    }


def _region(value: str) -> str:
    if value not in known_regions():
        raise ValueError("is not an AWS region")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", value):
        raise ValueError("is not an http(s) URL")
    return value


def _git_url(value: str) -> str:
    if re.fullmatch(r"(https?|ssh|file)://[^\s]+|[\w.-]+@[\w.-]+:[^\s]+", value) is None:
        raise ValueError("is not a URL that git can clone")
    if re.search(r"//[^/\s@]*:[^/\s@]*@", value):
        raise ValueError("must not carry a password: it is recorded in every generated repository")
    return value


def _bucket_prefix(value: str) -> str:
    # S3 bucket names: 3-63 characters; "-ap-southeast-1" is the longest suffix of usual regions.
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{1,43}[a-z0-9]", value) is None or "--" in value:
        raise ValueError(
            "must be 3 to 45 lower-case letters, digits and single hyphens (part of a bucket name)"
        )
    return value


def _tag_text(limit: int, *, spaces: bool) -> Callable[[str], str]:
    allowed = re.compile(r"[\w.:/=+\-@ ]*" if spaces else r"[\w.:/=+\-@]+")

    def check(value: str) -> str:
        if len(value) > limit or allowed.fullmatch(value) is None:
            raise ValueError(f"must be at most {limit} letters, digits and any of _.:/=+-@")
        if value.lower().startswith("aws:"):
            raise ValueError("must not start with 'aws:', which AWS keeps for itself")
        return value

    return check


def _tag_key(value: str) -> str:
    value = _tag_text(128, spaces=False)(value)
    if value.startswith(("sagemaker-catalog:", "servicecatalog:")) or value == (
        "sagemaker:studio-visibility"
    ):
        raise ValueError("is set by the catalog itself")
    return value


def _readable(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    if any(ord(c) < 32 and c not in "\n\t" for c in value):
        raise ValueError("must not contain control characters")
    return value


AccountId = Annotated[
    str,
    _matching(r"^\d{12}$", "must be a 12-digit account id in quotes"),
    WithJsonSchema({"type": "string", "pattern": r"^\d{12}$", "examples": ["111122223333"]}),
]
OrganizationId = Annotated[
    str,
    _matching(r"^o-[a-z0-9]{10,32}$", "must be an organization id such as o-a1b2c3d4e5"),
    WithJsonSchema({"type": "string", "pattern": "^o-[a-z0-9]{10,32}$"}),
]
OrganizationalUnitId = Annotated[
    str,
    _matching(
        r"^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$",
        "must be an organizational unit id such as ou-ab12-c3d4e5f6",
    ),
    WithJsonSchema({"type": "string", "pattern": "^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$"}),
]
Key = Annotated[
    str,
    StringConstraints(max_length=48),
    _matching(_KEY, "must be lower-case words joined by single hyphens, starting with a letter"),
    WithJsonSchema({"type": "string", "pattern": _KEY, "maxLength": 48}),
]
RoleName = Annotated[
    str,
    _matching(_ROLE_NAME, "must be an IAM role name, without path or ARN"),
    WithJsonSchema({"type": "string", "pattern": _ROLE_NAME}),
]
PrincipalPattern = Annotated[
    str,
    _matching(
        _PRINCIPAL_PATTERN,
        "must be an ARN pattern without account id, such as arn:aws:iam:::role/*sagemaker*",
    ),
    WithJsonSchema({"type": "string", "pattern": _PRINCIPAL_PATTERN}),
]
SemVer = Annotated[
    str,
    StringConstraints(max_length=64),
    _matching(SEMVER, "must be a semantic version such as 1.2.0"),
    WithJsonSchema({"type": "string", "pattern": SEMVER}),
]
Region = Annotated[str, AfterValidator(_region)]
Url = Annotated[str, StringConstraints(max_length=2083), AfterValidator(_url)]
GitUrl = Annotated[str, StringConstraints(max_length=512), AfterValidator(_git_url)]
BucketPrefix = Annotated[str, AfterValidator(_bucket_prefix)]
Email = Annotated[
    str,
    StringConstraints(max_length=254),
    _matching(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "must be an e-mail address"),
]
TagKey = Annotated[str, AfterValidator(_tag_key)]
TagValue = Annotated[str, Field(min_length=1), AfterValidator(_tag_text(256, spaces=True))]

# Service Catalog's limits: portfolio name 100, provider 50, description 2000; product texts 8191.
Text50 = Annotated[str, StringConstraints(max_length=50), AfterValidator(_readable)]
Text100 = Annotated[str, StringConstraints(max_length=100), AfterValidator(_readable)]
Text1500 = Annotated[str, StringConstraints(max_length=1500), AfterValidator(_readable)]
