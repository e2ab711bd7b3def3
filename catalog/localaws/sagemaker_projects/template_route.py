"""Projects launched from a CloudFormation template in S3, on the caller's behalf."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.sagemaker_projects.model import (
    SERVICE_PRINCIPAL,
    Project,
    validation_error,
)
from catalog.localaws.servicecatalog import templates
from catalog.localaws.servicecatalog.stacks import Outcome, StackRequest, Stacks


class TemplateRoute:
    """Creates, updates and deletes the stack of a project.

    The template is read, and the stack made, with the caller's rights; a `RoleARN` makes
    CloudFormation act as that role, which the caller must be allowed to pass.

    Args:
        call: the request of the caller.
        project: the project it is about.
    """

    def __init__(self, call: Call, project: Project) -> None:
        self._call = call
        self._project = project
        client = call.aws.client_as(
            call.credentials, "cloudformation", region=call.region, via=SERVICE_PRINCIPAL
        )
        self._stacks = Stacks(client, call.aws.pause)

    def prepare(self, provider: dict[str, Any]) -> StackRequest:
        """Read the template and return the stack that the project asks for.

        Raises:
            ServiceError: ValidationException when the template cannot be read or used.
        """
        project = self._project
        try:
            body = templates.read_as_caller(self._call, provider["TemplateURL"])
            template = templates.parse(body)
        except ServiceError as error:
            raise validation_error(error.message) from None
        given = {p["Key"]: p.get("Value", "") for p in provider.get("Parameters", [])}
        kept = {k: v for k, v in project.parameters.items() if k in template.parameters}
        added = {k: v for k, v in project.own_parameters().items() if k in template.parameters}
        project.parameters = {**kept, **given, **added}
        return StackRequest(
            name=f"SP-{project.name}-{project.id}",
            template_url=provider["TemplateURL"],
            parameters=[
                {"ParameterKey": k, "ParameterValue": v} for k, v in project.parameters.items()
            ],
            tags=[
                {"Key": k, "Value": v} for k, v in {**project.tags, **project.own_tags()}.items()
            ],
            role_arn=project.provider.get("RoleARN"),
        )

    def create(self, request: StackRequest) -> Outcome:
        """Create the stack and follow it to its end."""
        self._project.provider["StackDetail"] = _stack(request.name, "CREATE_IN_PROGRESS")
        return self._noted(self._stacks.create(request, on_id=self._remember))

    def update(self, request: StackRequest) -> Outcome:
        """Update the stack and follow it to its end."""
        stack_id = self._project.provider["StackDetail"].get("Id")
        if stack_id is None:
            return Outcome(ok=False, message="The project has no stack to update.")
        return self._noted(self._stacks.update(request, stack_id=stack_id))

    def delete(self) -> Outcome:
        """Delete the stack and follow it to its end."""
        stack_id = self._project.provider.get("StackDetail", {}).get("Id")
        return self._noted(self._stacks.delete(stack_id)) if stack_id else Outcome(ok=True)

    def _remember(self, stack_id: str) -> None:
        self._project.provider["StackDetail"]["Id"] = stack_id

    def _noted(self, outcome: Outcome) -> Outcome:
        detail = self._project.provider["StackDetail"]
        detail["StatusMessage"] = (outcome.message or outcome.status)[:4096]
        return outcome


def _stack(name: str, message: str) -> dict[str, str]:
    return {"Name": name, "StatusMessage": message}
