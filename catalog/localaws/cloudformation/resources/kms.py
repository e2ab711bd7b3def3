"""AWS::KMS::Key and AWS::KMS::Alias."""

from __future__ import annotations

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.resources.api import policy_text
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)


class Key(ResourceHandler):
    """A key; deleting it schedules its deletion."""

    type = "AWS::KMS::Key"
    handled: ClassVar[frozenset[str]] = frozenset(
        {
            "BypassPolicyLockoutSafetyCheck",
            "Description",
            "EnableKeyRotation",
            "Enabled",
            "KeyPolicy",
            "KeySpec",
            "KeyUsage",
            "MultiRegion",
            "Origin",
            "PendingWindowInDays",
            "RotationPeriodInDays",
            "Tags",
        }
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the key."""
        kms = ctx.client("kms")
        request: dict[str, Any] = {
            name: properties[name]
            for name in ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin")
            if name in properties
        }
        if "KeyPolicy" in properties:
            request["Policy"] = policy_text(properties["KeyPolicy"])
        if properties.get("Tags"):
            request["Tags"] = _tags(properties["Tags"])
        key = kms.create_key(**request)["KeyMetadata"]
        ctx.report(key["KeyId"])
        self._apply(kms, key["KeyId"], {}, properties)
        return Created(
            physical_id=key["KeyId"], attributes={"Arn": key["Arn"], "KeyId": key["KeyId"]}
        )

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change policy, description, rotation, state and tags."""
        kms, key = ctx.client("kms"), ctx.physical_id
        if changed(old, new, "KeyPolicy") and "KeyPolicy" in new:
            kms.put_key_policy(
                KeyId=key, PolicyName="default", Policy=policy_text(new["KeyPolicy"])
            )
        if changed(old, new, "Description"):
            kms.update_key_description(KeyId=key, Description=new.get("Description", ""))
        upsert, removed = tag_changes(old, new)
        if upsert:
            kms.tag_resource(KeyId=key, Tags=_tags(upsert))
        if removed:
            kms.untag_resource(KeyId=key, TagKeys=removed)
        self._apply(kms, key, old, new)
        return Created(physical_id=key, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Schedule the deletion."""
        kms = ctx.client("kms")
        try:
            kms.schedule_key_deletion(
                KeyId=ctx.physical_id,
                PendingWindowInDays=int(properties.get("PendingWindowInDays", 30)),
            )
        except ClientError as error:
            if "pending deletion" not in str(error):
                raise

    def _apply(self, kms: Any, key: str, old: Properties, new: Properties) -> None:
        if changed(old, new, "EnableKeyRotation", "RotationPeriodInDays"):
            if new.get("EnableKeyRotation"):
                period = new.get("RotationPeriodInDays")
                extra = {"RotationPeriodInDays": period} if period else {}
                kms.enable_key_rotation(KeyId=key, **extra)
            elif old.get("EnableKeyRotation"):
                kms.disable_key_rotation(KeyId=key)
        if changed(old, new, "Enabled"):
            if new.get("Enabled", True) and not old.get("Enabled", True):
                kms.enable_key(KeyId=key)
            elif not new.get("Enabled", True):
                kms.disable_key(KeyId=key)


def _tags(tags: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]


class Alias(ResourceHandler):
    """Another name of a key."""

    type = "AWS::KMS::Alias"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the alias."""
        name = properties["AliasName"]
        if not name.startswith("alias/"):
            raise HandlerError('Alias must start with the prefix "alias/".')
        ctx.client("kms").create_alias(AliasName=name, TargetKeyId=_key_id(properties))
        ctx.report(name)
        return Created(physical_id=name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Point the alias at another key."""
        del old
        ctx.client("kms").update_alias(AliasName=ctx.physical_id, TargetKeyId=_key_id(new))
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the alias."""
        del properties
        ctx.client("kms").delete_alias(AliasName=ctx.physical_id)


def _key_id(properties: Properties) -> str:
    return str(properties["TargetKeyId"])


HANDLERS = (Key(), Alias())
