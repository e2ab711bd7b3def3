"""SageMaker Projects: the operations, and how a project moves from state to state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Principal, ServiceError, paginate
from catalog.localaws.sagemaker_projects.catalog_route import CatalogRoute
from catalog.localaws.sagemaker_projects.model import (
    Project,
    State,
    conflict,
    now,
    validation_error,
)
from catalog.localaws.sagemaker_projects.tags import Tags
from catalog.localaws.sagemaker_projects.template_route import TemplateRoute
from catalog.localaws.sagemaker_resources.service import SageMakerResources
from catalog.localaws.servicecatalog import ids
from catalog.localaws.servicecatalog.stacks import Outcome, StoppedError

_CATALOG = "ServiceCatalogProvisioningDetails"
_CATALOG_UPDATE = "ServiceCatalogProvisioningUpdateDetails"
_PAGE = 10


def _project_arn(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [f"arn:aws:sagemaker:{region}:{account}:project/{params['ProjectName']}"]


def _resource_arn(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["ResourceArn"]]


class SageMaker(Tags, SageMakerResources):
    """SageMaker's project operations; all its other operations are moto's or inherited.

    Attributes:
        project_quota: projects per account and region. AWS's own number is not documented.
    """

    name = "sagemaker"
    resources: ClassVar[Mapping[str, Callable[[dict[str, Any], str, str], list[str]]]] = {
        **dict.fromkeys(
            ("CreateProject", "DeleteProject", "DescribeProject", "UpdateProject"), _project_arn
        ),
        **SageMakerResources.resources,
        **dict.fromkeys(("AddTags", "DeleteTags", "ListTags"), _resource_arn),
    }

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.project_quota = 500
        self._lock = threading.RLock()

    def new_state(self, account: str, region: str) -> State:  # noqa: ARG002
        """Return the empty state of one account and region."""
        return State()

    def create_project(self, call: Call) -> dict[str, Any]:
        """Launch a project from a Service Catalog product or from a template in S3."""
        params = call.params
        if (_CATALOG in params) == ("TemplateProviders" in params):
            raise validation_error(f"Specify either {_CATALOG} or TemplateProviders.")
        project = self._reserve(call)
        try:
            if _CATALOG in params:
                catalog_route = CatalogRoute(call, project)
                record_id = catalog_route.create(params[_CATALOG])
                self._follow_record(call, project, catalog_route, record_id, "Create")
            else:
                self._create_from_template(call, project)
        except ServiceError:
            del self._state(call).projects[project.name]
            raise
        return {"ProjectArn": project.arn, "ProjectId": project.id}

    def describe_project(self, call: Call) -> dict[str, Any]:
        """Return a project and how its launch stands."""
        project = self._project(call)
        answer: dict[str, Any] = {
            **_summary(project),
            "CreatedBy": _user(project.created_by),
            "LastModifiedTime": project.modified,
            "LastModifiedBy": _user(project.modified_by),
        }
        if project.catalog:
            answer[_CATALOG] = project.catalog
        if project.provisioned_id:
            answer["ServiceCatalogProvisionedProductDetails"] = {
                "ProvisionedProductId": project.provisioned_id,
                **(
                    {"ProvisionedProductStatusMessage": project.status_message}
                    if project.status_message
                    else {}
                ),
            }
        if project.provider:
            answer["TemplateProviderDetails"] = [{"CfnTemplateProviderDetail": project.provider}]
        return answer

    def list_projects(self, call: Call) -> dict[str, Any]:
        """List projects."""
        params = call.params
        after, before = (params.get(f"CreationTime{end}") for end in ("After", "Before"))
        found = [
            p
            for p in self._state(call).projects.values()
            if p.status != "DeleteCompleted"
            and params.get("NameContains", "") in p.name
            and (after is None or p.created > after)
            and (before is None or p.created < before)
        ]
        by_name = params.get("SortBy") == "Name"
        found.sort(
            key=lambda p: p.name if by_name else p.created.isoformat(),
            reverse=params.get("SortOrder") == "Descending",
        )
        size = params.get("MaxResults", _PAGE)
        page, token = paginate(
            found,
            token=params.get("NextToken"),
            size=size,
            default=size,
            error=lambda: validation_error("Invalid pagination token."),
        )
        return {
            "ProjectSummaryList": [_summary(p) for p in page],
            **({"NextToken": token} if token else {}),
        }

    def update_project(self, call: Call) -> dict[str, Any]:
        """Change a project's description, tags, version or parameters."""
        params = call.params
        project = self._project(call)
        launches = _CATALOG_UPDATE in params or "TemplateProvidersToUpdate" in params
        with self._lock:
            if project.in_progress:
                raise conflict(project)
            before = project.status
            if launches:
                project.move("UpdateInProgress", by=call.principal)
        try:
            if launches:
                self._update_launch(call, project)
        except ServiceError:
            project.move(before)
            raise
        project.description = params.get("ProjectDescription", project.description)
        project.tags |= {t["Key"]: t["Value"] for t in params.get("Tags", [])}
        return {"ProjectArn": project.arn}

    def delete_project(self, call: Call) -> dict[str, Any]:
        """Delete a project and what it launched."""
        project = self._project(call)
        with self._lock:
            if project.in_progress:
                raise conflict(project)
            before = project.status
            project.move("DeleteInProgress", by=call.principal)
        if project.provider:
            stack_route = TemplateRoute(call, project)
            self._follow_stack(call, project, stack_route.delete, "Delete")
            return {}
        route = CatalogRoute(call, project)
        try:
            record_id = route.delete()
        except ServiceError:
            project.move(before)
            raise
        if record_id is None:
            project.move("DeleteCompleted")
        else:
            self._follow_record(call, project, route, record_id, "Delete")
        return {}

    def enable_sagemaker_servicecatalog_portfolio(self, call: Call) -> dict[str, Any]:
        """Note that AWS's own portfolio is wanted; it has no products here."""
        self._state(call).portfolio_enabled = True
        return {}

    def disable_sagemaker_servicecatalog_portfolio(self, call: Call) -> dict[str, Any]:
        """Note that AWS's own portfolio is not wanted."""
        self._state(call).portfolio_enabled = False
        return {}

    def get_sagemaker_servicecatalog_portfolio_status(self, call: Call) -> dict[str, Any]:
        """Return whether AWS's own portfolio is enabled."""
        return {"Status": "Enabled" if self._state(call).portfolio_enabled else "Disabled"}

    def _reserve(self, call: Call) -> Project:
        state, name = self._state(call), call.params["ProjectName"]
        with self._lock:
            existing = state.projects.get(name)
            living = [p for p in state.projects.values() if p.status != "DeleteCompleted"]
            if existing is not None and existing.status != "DeleteCompleted":
                raise validation_error(f"Project already exists: {existing.arn}")
            if len(living) >= self.project_quota:
                raise ServiceError(
                    "ResourceLimitExceeded",
                    f"The account-level limit of {self.project_quota} projects is reached.",
                )
            project = Project(
                name=name,
                id=ids.new_id("p", length=12),
                arn=_project_arn(call.params, call.account, call.region)[0],
                description=call.params.get("ProjectDescription"),
                tags={t["Key"]: t["Value"] for t in call.params.get("Tags", [])},
                created_by=call.principal,
                modified_by=call.principal,
                created=now(),
                modified=now(),
            )
            state.projects[name] = project
        return project

    def _create_from_template(self, call: Call, project: Project) -> None:
        provider = call.params["TemplateProviders"][0].get("CfnTemplateProvider")
        if provider is None:
            raise validation_error("TemplateProviders must hold a CfnTemplateProvider.")
        project.provider = {**provider}
        route = TemplateRoute(call, project)
        request = route.prepare(provider)
        self._follow_stack(call, project, lambda: route.create(request), "Create")

    def _update_launch(self, call: Call, project: Project) -> None:
        params = call.params
        if (_CATALOG_UPDATE in params) != bool(project.catalog):
            raise validation_error(
                f"Project {project.name} was not created from the kind of template to update."
            )
        if project.catalog:
            catalog_route = CatalogRoute(call, project)
            tags = (
                {**project.tags, **{t["Key"]: t["Value"] for t in params["Tags"]}}
                if "Tags" in params
                else None
            )
            record_id = catalog_route.update(params[_CATALOG_UPDATE], tags=tags)
            self._follow_record(call, project, catalog_route, record_id, "Update")
            return
        update = params["TemplateProvidersToUpdate"][0].get("CfnTemplateProvider", {})
        if (
            update.get("TemplateName", project.provider["TemplateName"])
            != (project.provider["TemplateName"])
        ):
            raise validation_error("TemplateName is not that of the project's template.")
        provider = {**project.provider, **update}
        route = TemplateRoute(call, project)
        request = route.prepare(provider)
        project.provider = provider
        self._follow_stack(call, project, lambda: route.update(request), "Update")

    def _follow_record(
        self, call: Call, project: Project, route: CatalogRoute, record_id: str, what: str
    ) -> None:
        def done(reason: str | None) -> None:
            project.status_message = (
                f"Provisioning failed with error: {reason}" if reason is not None else ""
            )
            project.move(f"{what}{'Failed' if reason is not None else 'Completed'}")

        call.aws.spawn(
            f"{what} project {project.name} in {call.account}",
            lambda: route.follow(record_id, done=done),
        )

    def _follow_stack(
        self, call: Call, project: Project, work: Callable[[], Outcome], what: str
    ) -> None:
        def run() -> None:
            try:
                outcome = work()
            except StoppedError:
                return
            except Exception:
                project.move(f"{what}Failed")
                raise
            project.move(f"{what}{'Completed' if outcome.ok else 'Failed'}")

        if what == "Create":
            project.provider["StackDetail"] = {
                "Name": f"SP-{project.name}-{project.id}",
                "StatusMessage": "CREATE_IN_PROGRESS",
            }
        call.aws.spawn(f"{what} project {project.name} in {call.account}", run)

    def _state(self, call: Call) -> State:
        state: State = self.state(call)
        return state

    def _project(self, call: Call) -> Project:
        project = self._state(call).projects.get(call.params["ProjectName"])
        if project is None:
            raise validation_error(f"Project {call.params['ProjectName']} does not exist.")
        return project


def _summary(project: Project) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "ProjectName": project.name,
        "ProjectArn": project.arn,
        "ProjectId": project.id,
        "CreationTime": project.created,
        "ProjectStatus": project.status,
    }
    if project.description is None:
        return summary
    return {**summary, "ProjectDescription": project.description}


def _user(principal: Principal) -> dict[str, Any]:
    return {"IamIdentity": {"Arn": principal.arn, "PrincipalId": principal.unique_id}}
