"""Projects launched from Service Catalog, on the caller's behalf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.sagemaker_projects.model import (
    SERVICE_PRINCIPAL,
    Project,
    validation_error,
)

_IN_PROGRESS = ("CREATED", "IN_PROGRESS", "IN_PROGRESS_IN_ERROR")


class CatalogRoute:
    """Launches, updates and terminates the provisioned product of a project.

    Every request is made with the caller's rights, so a data scientist needs a launch path.

    Args:
        call: the request of the caller.
        project: the project it is about.
    """

    def __init__(self, call: Call, project: Project) -> None:
        self._call = call
        self._project = project
        self._as_caller = call.aws.client_as(
            call.credentials, "servicecatalog", region=call.region, via=SERVICE_PRINCIPAL
        )

    def create(self, details: dict[str, Any]) -> str:
        """Launch the product; returns the record's id.

        Raises:
            ServiceError: ValidationException with what Service Catalog says, or
                AccessDeniedException.
        """
        project = self._project
        details = {**details, **self._artifact(details["ProductId"], details)}
        given = {p["Key"]: p["Value"] for p in details.get("ProvisioningParameters", [])}
        project.catalog = details
        project.parameters = {**given, **self._added(details)}
        record = self._ask(
            "provision_product",
            ProductId=details["ProductId"],
            ProvisioningArtifactId=details["ProvisioningArtifactId"],
            **({"PathId": details["PathId"]} if "PathId" in details else {}),
            ProvisionedProductName=f"{project.name}-{project.id}",
            ProvisioningParameters=_parameters(project.parameters),
            Tags=_tags({**project.tags, **project.own_tags()}),
            ProvisionToken=project.id,
        )
        project.provisioned_id = record["ProvisionedProductId"]
        return str(record["RecordId"])

    def update(self, details: dict[str, Any], *, tags: dict[str, str] | None) -> str:
        """Bring the product to a version (the latest by default); returns the record's id.

        Parameters that are not given keep their values where the new version still has them.

        Raises:
            ServiceError: as `create`.
        """
        project = self._project
        before = project.catalog
        wanted = {**before, **details, **self._artifact(before["ProductId"], details)}
        given = {p["Key"]: p["Value"] for p in details.get("ProvisioningParameters", [])}
        known = self._parameter_names(wanted)
        kept = {k: v for k, v in project.parameters.items() if k in known}
        parameters = {**kept, **given, **self._added(wanted)}
        record = self._ask(
            "update_provisioned_product",
            ProvisionedProductId=project.provisioned_id,
            ProductId=wanted["ProductId"],
            ProvisioningArtifactId=wanted["ProvisioningArtifactId"],
            ProvisioningParameters=_parameters(parameters),
            **({"Tags": _tags({**tags, **project.own_tags()})} if tags is not None else {}),
        )
        project.catalog, project.parameters = wanted, parameters
        return str(record["RecordId"])

    def delete(self) -> str | None:
        """Terminate the provisioned product; None when there is none any more.

        Raises:
            ServiceError: as `create`.
        """
        try:
            answer = self._as_caller.terminate_provisioned_product(
                ProvisionedProductId=self._project.provisioned_id
            )
        except self._as_caller.exceptions.ResourceNotFoundException:
            return None
        except ClientError as error:
            raise _passed_on(error) from None
        return str(answer["RecordDetail"]["RecordId"])

    def follow(self, record_id: str, *, done: Callable[[str | None], None]) -> None:
        """Watch a record to its end and call `done` with the reason it failed for, or None."""
        # SageMaker sees its own launches; the caller needs no servicecatalog:DescribeRecord.
        aws, call = self._call.aws, self._call
        watcher = aws.client_as(
            aws.credentials(account=call.account),
            "servicecatalog",
            region=call.region,
            via=SERVICE_PRINCIPAL,
        )
        while aws.pause():
            record = watcher.describe_record(Id=record_id)["RecordDetail"]
            if record["Status"] not in _IN_PROGRESS:
                reasons = "; ".join(e["Description"] for e in record["RecordErrors"])
                done(None if record["Status"] == "SUCCEEDED" else reasons)
                return

    def _artifact(self, product_id: str, details: dict[str, Any]) -> dict[str, str]:
        if artifact_id := details.get("ProvisioningArtifactId"):
            return {"ProvisioningArtifactId": artifact_id}
        try:
            product = self._as_caller.describe_product(Id=product_id)
        except ClientError as error:
            raise _passed_on(error) from None
        artifacts = product["ProvisioningArtifacts"]
        if not artifacts:
            raise validation_error(f"Product {product_id} has no active provisioning artifact.")
        latest = max(artifacts, key=lambda a: a["CreatedTime"])
        return {"ProvisioningArtifactId": latest["Id"]}

    def _added(self, details: dict[str, Any]) -> dict[str, str]:
        known = self._parameter_names(details)
        return {k: v for k, v in self._project.own_parameters().items() if k in known}

    def _parameter_names(self, details: dict[str, Any]) -> set[str]:
        wanted = {
            k: details[k] for k in ("ProductId", "ProvisioningArtifactId", "PathId") if k in details
        }
        try:
            answer = self._as_caller.describe_provisioning_parameters(**wanted)
        except ClientError as error:
            raise _passed_on(error) from None
        return {p["ParameterKey"] for p in answer["ProvisioningArtifactParameters"]}

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            record: dict[str, Any] = getattr(self._as_caller, operation)(**arguments)[
                "RecordDetail"
            ]
        except ClientError as error:
            raise _passed_on(error) from None
        return record


def _passed_on(error: ClientError) -> ServiceError:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    return ServiceError(code, message) if "AccessDenied" in code else validation_error(message)


def _parameters(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def _tags(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]
