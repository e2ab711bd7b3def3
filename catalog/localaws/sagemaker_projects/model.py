"""What the emulated SageMaker Projects remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.core.service import Principal, ServiceError

SERVICE_PRINCIPAL = "sagemaker.amazonaws.com"


@dataclass(kw_only=True)
class Project:
    """A SageMaker project.

    Attributes:
        catalog: ServiceCatalogProvisioningDetails, for a project of that route.
        provider: CfnTemplateProviderDetail, for a project of the other route.
        parameters: every parameter in force, those that SageMaker adds included.
    """

    name: str
    id: str
    arn: str
    description: str | None
    tags: dict[str, str]
    created_by: Principal
    created: datetime
    modified: datetime
    modified_by: Principal
    status: str = "CreateInProgress"
    catalog: dict[str, Any] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    provisioned_id: str = ""
    status_message: str = ""

    @property
    def in_progress(self) -> bool:
        """Whether something is under way."""
        return self.status.endswith("InProgress")

    def own_tags(self) -> dict[str, str]:
        """Return the tags that SageMaker puts on what it launches."""
        return {"sagemaker:project-name": self.name, "sagemaker:project-id": self.id}

    def own_parameters(self) -> dict[str, str]:
        """Return the parameters that SageMaker fills in where a template has them."""
        return {"SageMakerProjectName": self.name, "SageMakerProjectId": self.id}

    def move(self, status: str, *, by: Principal | None = None) -> None:
        """Change the status."""
        self.status, self.modified = status, now()
        self.modified_by = by or self.modified_by


@dataclass(kw_only=True)
class State:
    """One account and region."""

    projects: dict[str, Project] = field(default_factory=dict)
    portfolio_enabled: bool = False


def now() -> datetime:
    """Return the time as AWS reports it."""
    return datetime.now(UTC)


def validation_error(message: str) -> ServiceError:
    """Return ValidationException."""
    return ServiceError("ValidationException", message)


def conflict(project: Project) -> ServiceError:
    """Return ConflictException for a project that something is under way on."""
    return ServiceError(
        "ConflictException", f"Project {project.name} is {project.status}. Try again later."
    )
