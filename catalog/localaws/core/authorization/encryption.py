"""KMS keys behind requests: the one a KMS request names, and those S3 uses for its caller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from catalog.localaws.core.authorization.stored import StoredPolicies
from catalog.localaws.core.wire import Target

_KEY_ID_LENGTH = 36  # moto starts a ciphertext with the id of its key


@dataclass(frozen=True, kw_only=True)
class KeyUse:
    """An action on a key that a request needs besides its own."""

    action: str
    key_arn: str
    region: str


def requested_key(
    stored: StoredPolicies, params: dict[str, Any], *, account: str, region: str
) -> str:
    """Return the ARN of the key a KMS request is about; `*` when it is about none."""
    named = params.get("KeyId") or params.get("TargetKeyId") or params.get("SourceKeyId")
    blob = params.get("CiphertextBlob")
    if not named and isinstance(blob, bytes):
        named = blob[:_KEY_ID_LENGTH].decode(errors="replace")
    if not named:
        return "*"
    found = stored.kms_key(str(named), account=account, region=region)
    if found:
        return found[0]
    return (
        str(named)
        if str(named).startswith("arn:")
        else f"arn:aws:kms:{region}:{account}:key/{named}"
    )


def key_uses(
    stored: StoredPolicies, target: Target, params: dict[str, Any], *, account: str
) -> Iterator[KeyUse]:
    """Yield the keys that S3 uses with its caller's permissions.

    Keys that AWS manages (`aws/s3`) need none.
    """
    if target.service != "s3" or "Bucket" not in params:
        return
    bucket = stored.bucket(str(params["Bucket"]))
    operation = target.operation.name
    if bucket is None:
        return
    if operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        sse = params.get("ServerSideEncryption")
        key = str(params.get("SSEKMSKeyId", "")) if sse else bucket.default_key
        action = "kms:GenerateDataKey"
    elif operation == "GetObject":
        key, _ = stored.object_details(str(params["Bucket"]), str(params.get("Key", "")))
        action = "kms:Decrypt"
    else:
        return
    if not key or key.startswith("alias/aws/"):
        return
    owner = bucket.account if not params.get("SSEKMSKeyId") else account
    found = stored.kms_key(key, account=owner, region=target.region)
    arn = found[0] if found else key
    yield KeyUse(
        action=action, key_arn=arn, region=arn.split(":")[3] if ":" in arn else target.region
    )
