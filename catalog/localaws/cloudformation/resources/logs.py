"""AWS::Logs::LogGroup."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
    changed,
)


class LogGroup(ResourceHandler):
    """A log group."""

    type = "AWS::Logs::LogGroup"
    handled: ClassVar[frozenset[str]] = frozenset(
        {"KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"}
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the group, then set its retention."""
        logs = ctx.client("logs")
        name = properties.get("LogGroupName") or ctx.name(512)
        request: dict[str, Any] = {"logGroupName": name}
        if properties.get("KmsKeyId"):
            request["kmsKeyId"] = properties["KmsKeyId"]
        if properties.get("LogGroupClass"):
            request["logGroupClass"] = properties["LogGroupClass"]
        if properties.get("Tags"):
            request["tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        logs.create_log_group(**request)
        ctx.report(name)
        if properties.get("RetentionInDays"):
            logs.put_retention_policy(
                logGroupName=name, retentionInDays=properties["RetentionInDays"]
            )
        return self._group(ctx, name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change retention, key and tags."""
        logs, name = ctx.client("logs"), ctx.physical_id
        if changed(old, new, "RetentionInDays"):
            if new.get("RetentionInDays"):
                logs.put_retention_policy(logGroupName=name, retentionInDays=new["RetentionInDays"])
            else:
                logs.delete_retention_policy(logGroupName=name)
        if changed(old, new, "KmsKeyId"):
            if new.get("KmsKeyId"):
                logs.associate_kms_key(logGroupName=name, kmsKeyId=new["KmsKeyId"])
            else:
                logs.disassociate_kms_key(logGroupName=name)
        before = {tag["Key"]: tag["Value"] for tag in old.get("Tags") or ()}
        after = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or ()}
        arn = ctx.arn("logs", f"log-group:{name}")
        if after and after != before:
            logs.tag_resource(resourceArn=arn, tags=after)
        if gone := sorted(before.keys() - after.keys()):
            logs.untag_resource(resourceArn=arn, tagKeys=gone)
        return self._group(ctx, name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the group."""
        del properties
        ctx.client("logs").delete_log_group(logGroupName=ctx.physical_id)

    def _group(self, ctx: Context, name: str) -> Created:
        arn = ctx.arn("logs", f"log-group:{name}:*")
        return Created(physical_id=name, attributes={"Arn": arn})


HANDLERS = (LogGroup(),)
