"""Tags of projects; those of every other SageMaker resource are moto's."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.exceptions import ServiceException as MotoServiceError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from catalog.localaws.core.service import Call, Service, paginate
from catalog.localaws.sagemaker_projects.model import Project, validation_error

_MOST_TAGS = 50


class Tags(Service):
    """AddTags, ListTags and DeleteTags."""

    def add_tags(self, call: Call) -> dict[str, Any]:
        """Add or change tags."""
        given = {t["Key"]: t["Value"] for t in call.params["Tags"]}
        project = self._project_of(call)
        if project is None:
            # moto appends a tag that exists already; AWS replaces its value.
            self._moto(call, "delete_tags", list(given))
            return {"Tags": self._moto(call, "add_tags", _listed(given))}
        tags = {**project.tags, **given}
        if len(tags) > _MOST_TAGS:
            raise validation_error(f"A resource can have at most {_MOST_TAGS} tags.")
        project.tags = tags
        return {"Tags": _listed(tags)}

    def list_tags(self, call: Call) -> dict[str, Any]:
        """List tags."""
        project = self._project_of(call)
        tags = _listed(project.tags) if project else self._moto(call, "list_tags")[0]
        page, token = paginate(
            tags,
            token=call.params.get("NextToken"),
            size=call.params.get("MaxResults"),
            default=_MOST_TAGS,
            error=lambda: validation_error("Invalid pagination token."),
        )
        return {"Tags": page, **({"NextToken": token} if token else {})}

    def delete_tags(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        project = self._project_of(call)
        if project is None:
            self._moto(call, "delete_tags", call.params["TagKeys"])
        else:
            gone = set(call.params["TagKeys"])
            project.tags = {k: v for k, v in project.tags.items() if k not in gone}
        return {}

    def _project_of(self, call: Call) -> Project | None:
        arn = call.params["ResourceArn"]
        if ":project/" not in arn:
            return None
        projects: dict[str, Project] = self.state(call).projects
        project = projects.get(arn.rpartition("/")[2])
        if project is None or project.arn != arn or project.status == "DeleteCompleted":
            raise validation_error(f"Resource {arn} does not exist.")
        return project

    def _moto(self, call: Call, operation: str, *arguments: Any) -> Any:
        backend: SageMakerModelBackend = sagemaker_backends[call.account][call.region]
        try:
            resource = backend._get_resource_from_arn(call.params["ResourceArn"])  # noqa: SLF001
            # moto keeps None for some resources that were made without tags.
            resource.tags = resource.tags or []
            return getattr(backend, operation)(call.params["ResourceArn"], *arguments)
        except (JsonRESTError, MotoServiceError) as error:
            raise validation_error(str(getattr(error, "message", error))) from None


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
