"""Policies as moto's backends store them: of roles and users, of buckets and keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.localaws.core.authorization.decision import Policy
from catalog.localaws.core.authorization.policy import parse_policy
from catalog.localaws.core.moto_bridge import MotoBridge


@dataclass(frozen=True, kw_only=True)
class Holder:
    """What a role or user may do, and its tags."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    boundary_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredRole:
    """What STS asks about a role."""

    arn: str
    unique_id: str
    trust_policy: str
    max_session_seconds: int
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StoredBucket:
    """What authorisation asks about a bucket."""

    account: str
    policy: Policy | None
    default_key: str


class StoredPolicies:
    """Reads policies; every method takes moto's lock for as long as it reads."""

    def __init__(self, moto: MotoBridge) -> None:
        self._moto = moto

    def role(self, role_arn: str) -> StoredRole | None:
        """Return a role, or None when there is none of that ARN."""
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        with self._moto.lock:
            role = self._find_role(account, name)
            if role is None or role.arn != role_arn:
                return None
            return StoredRole(
                arn=role.arn,
                unique_id=role.id,
                trust_policy=role.assume_role_policy_document,
                max_session_seconds=int(role.max_session_duration or 3600),
                tags=_tags(role.tags),
            )

    def know_managed_policies(self, params: Mapping[str, Any], *, account: str) -> None:
        """Make the AWS managed policies that a request names known in the account."""
        self._moto.know_managed_policies(params, account=account)

    def has_oidc_provider(self, arn: str) -> bool:
        """Tell whether an account knows an OpenID Connect provider."""
        with self._moto.lock:
            return arn in _iam(arn.split(":")[4]).open_id_providers

    def role_arn(self, account: str, name: str) -> str | None:
        """Return the ARN, with its path, of a role given by name; None when there is none."""
        with self._moto.lock:
            role = self._find_role(account, name)
            return str(role.arn) if role else None

    def role_holder(self, role_arn: str) -> Holder | None:
        """Return what a role may do, or None when it has been deleted."""
        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        with self._moto.lock:
            role = self._find_role(account, name)
            if role is None or role.arn != role_arn:
                return None
            documents = [*role.policies.values(), *_managed(role)]
            boundary_arn = role.permissions_boundary_arn or ""
            boundary = self._boundary(account, boundary_arn)
            tags = _tags(role.tags)
        return Holder(
            identity=tuple(parse_policy(d) for d in documents),
            boundary=parse_policy(boundary) if boundary else None,
            boundary_arn=boundary_arn,
            tags=tags,
        )

    def user_holder(self, user_arn: str) -> Holder | None:
        """Return what a user may do by itself and through groups, or None when deleted."""
        account, name = user_arn.split(":")[4], user_arn.rsplit("/", 1)[-1]
        with self._moto.lock:
            backend = _iam(account)
            user = backend.users.get(name)
            if user is None:
                return None
            documents = [*user.policies.values(), *_managed(user)]
            for group in backend.groups.values():
                if user in group.users:
                    documents += [*group.policies.values(), *_managed(group)]
            tags = _tags(backend.tagger.list_tags_for_resource(user.arn).get("Tags", []))
        return Holder(identity=tuple(parse_policy(d) for d in documents), tags=tags)

    def bucket(self, name: str) -> StoredBucket | None:
        """Return a bucket's owner, policy and default KMS key, or None when there is none."""
        from moto.s3.models import s3_backends  # noqa: PLC0415 - first use

        with self._moto.lock:
            owner = s3_backends.bucket_accounts.get(name)
            if owner is None:
                return None
            bucket = s3_backends[owner[1]]["aws"].buckets.get(name)
            if bucket is None:
                return None
            policy = bucket.policy.decode() if bucket.policy else ""
            return StoredBucket(
                account=owner[1],
                policy=parse_policy(policy) if policy else None,
                default_key=_default_key(bucket.encryption),
            )

    def object_details(self, bucket: str, key: str) -> tuple[str, Mapping[str, str]]:
        """Return an object's KMS key ("" for none) and its tags."""
        from moto.s3.models import FakeDeleteMarker, s3_backends  # noqa: PLC0415 - first use

        with self._moto.lock:
            owner = s3_backends.bucket_accounts.get(bucket)
            stored = owner and s3_backends[owner[1]]["aws"].buckets.get(bucket)
            found = stored.keys.get(key) if stored else None
            # A delete marker is no object: S3 answers as if there were nothing under the key.
            if found is None or isinstance(found, FakeDeleteMarker):
                return "", {}
            tags = _tags(
                s3_backends[owner[1]]["aws"]
                .tagger.list_tags_for_resource(found.arn)
                .get("Tags", [])
            )
            return str(found.kms_key_id or ""), tags

    def kms_key(self, key_id: str, *, account: str, region: str) -> tuple[str, Policy] | None:
        """Return ARN and policy of a key given by id, ARN or alias; None when there is none."""
        from moto.kms.models import kms_backends  # noqa: PLC0415 - first use

        if key_id.startswith("arn:"):
            _, _, _, region, account, key_id = key_id.split(":", 5)
            key_id = key_id.removeprefix("key/")
        with self._moto.lock:
            for key in kms_backends[account][region].keys.values():
                if key_id == key.id or key_id in key.aliases:
                    return key.arn, parse_policy(key.policy)
        return None

    @staticmethod
    def key_tags(arn: str) -> Mapping[str, str]:
        """Return the tags of a KMS key."""
        from moto.kms.models import kms_backends  # noqa: PLC0415 - first use

        if arn.count(":") < 5 or ":key/" not in arn:
            return {}
        _, _, _, region, account, name = arn.split(":", 5)
        backend = kms_backends[account][region]
        key_id = name.removeprefix("key/")
        if key_id not in backend.keys:
            return {}
        tags = backend.list_resource_tags(key_id).get("Tags", [])
        return {str(tag["TagKey"]): str(tag["TagValue"]) for tag in tags}

    @staticmethod
    def _find_role(account: str, name: str) -> Any | None:
        return next((r for r in _iam(account).roles.values() if r.name == name), None)

    @staticmethod
    def _boundary(account: str, arn: str) -> str:
        if not arn:
            return ""
        policy = _iam(account).managed_policies.get(arn)
        # A boundary whose policy is gone allows nothing.
        return str(_document(policy)) if policy else '{"Statement": []}'


def _iam(account: str) -> Any:
    from moto.iam.models import iam_backends  # noqa: PLC0415 - first use

    return iam_backends[account]["aws"]


def _managed(holder: Any) -> Iterable[str]:
    return [_document(policy) for policy in holder.managed_policies.values()]


def _document(policy: Any) -> str:
    versions = {v.version_id: v.document for v in policy.versions}
    return str(versions[policy.default_version_id])


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return {key: tag["Value"] if isinstance(tag, Mapping) else tag for key, tag in tags.items()}
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def _default_key(encryption: Any) -> str:
    rules = (encryption or {}).get("Rule", {})
    rule = rules[0] if isinstance(rules, list) else rules
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    return (
        str(default.get("KMSMasterKeyID", "") or "")
        if "kms" in default.get("SSEAlgorithm", "")
        else ""
    )
