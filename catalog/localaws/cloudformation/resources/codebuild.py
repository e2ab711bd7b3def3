"""AWS::CodeBuild::Project."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)


class Project(ResourceHandler):
    """A build project."""

    type = "AWS::CodeBuild::Project"
    handled: ClassVar[frozenset[str]] = frozenset(
        {
            "Artifacts",
            "BadgeEnabled",
            "Cache",
            "ConcurrentBuildLimit",
            "Description",
            "EncryptionKey",
            "Environment",
            "LogsConfig",
            "Name",
            "QueuedTimeoutInMinutes",
            "SecondaryArtifacts",
            "SecondarySourceVersions",
            "SecondarySources",
            "ServiceRole",
            "Source",
            "SourceVersion",
            "Tags",
            "TimeoutInMinutes",
            "Triggers",
            "VpcConfig",
        }
    )

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the project."""
        client = ctx.client("codebuild")
        name = properties.get("Name") or ctx.name(255)
        request = self._request(client, "CreateProject", {**properties, "Name": name})
        project = client.create_project(**request)["project"]
        ctx.report(name)
        return _project(name, project)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Replace every setting of the project."""
        del old
        client = ctx.client("codebuild")
        request = self._request(client, "UpdateProject", {**new, "Name": ctx.physical_id})
        return _project(ctx.physical_id, client.update_project(**request)["project"])

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the project."""
        del properties
        ctx.client("codebuild").delete_project(name=ctx.physical_id)

    def _request(self, client: Any, operation: str, properties: Properties) -> dict[str, Any]:
        if properties.get("Triggers", {}).get("Webhook"):
            raise HandlerError("Webhooks of CodeBuild projects are not emulated.")
        return to_request(client, operation, properties, omit={"Triggers"})


def _project(name: str, project: dict[str, Any]) -> Created:
    return Created(physical_id=name, attributes={"Arn": project["arn"], "Id": name})


HANDLERS = (Project(),)
