"""AWS::CodeCommit::Repository."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    Properties,
    ResourceHandler,
    changed,
)


class Repository(ResourceHandler):
    """A Git repository."""

    type = "AWS::CodeCommit::Repository"
    handled: ClassVar[frozenset[str]] = frozenset(
        {"KmsKeyId", "RepositoryDescription", "RepositoryName", "Tags"}
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make an empty repository."""
        request: dict[str, Any] = {"repositoryName": properties["RepositoryName"]}
        if properties.get("RepositoryDescription"):
            request["repositoryDescription"] = properties["RepositoryDescription"]
        if properties.get("KmsKeyId"):
            request["kmsKeyId"] = properties["KmsKeyId"]
        if properties.get("Tags"):
            request["tags"] = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
        made = ctx.client("codecommit").create_repository(**request)["repositoryMetadata"]
        ctx.report(made["repositoryId"])
        return _repository(made)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Rename or describe the repository."""
        client = ctx.client("codecommit")
        name = new["RepositoryName"]
        if changed(old, new, "RepositoryName"):
            client.update_repository_name(oldName=old["RepositoryName"], newName=name)
        if changed(old, new, "RepositoryDescription"):
            client.update_repository_description(
                repositoryName=name, repositoryDescription=new.get("RepositoryDescription", "")
            )
        before = {tag["Key"]: tag["Value"] for tag in old.get("Tags") or ()}
        after = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or ()}
        arn = ctx.attributes["Arn"]
        if before != after and after:
            client.tag_resource(resourceArn=arn, tags=after)
        if gone := sorted(before.keys() - after.keys()):
            client.untag_resource(resourceArn=arn, tagKeys=gone)
        return _repository(client.get_repository(repositoryName=name)["repositoryMetadata"])

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the repository and its history."""
        ctx.client("codecommit").delete_repository(repositoryName=properties["RepositoryName"])


def _repository(metadata: dict[str, Any]) -> Created:
    return Created(
        physical_id=metadata["repositoryId"],
        attributes={
            "Arn": metadata["Arn"],
            "CloneUrlHttp": metadata.get("cloneUrlHttp", ""),
            "CloneUrlSsh": metadata.get("cloneUrlSsh", ""),
            "Name": metadata["repositoryName"],
            "Id": metadata["repositoryId"],
            "RepositoryId": metadata["repositoryId"],
        },
    )


HANDLERS = (Repository(),)
