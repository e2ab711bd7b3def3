"""Model packages: moto's, with the events that a registration or an approval sends."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.exceptions import ServiceException as MotoServiceError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from catalog.localaws.core.service import Call, Service, ServiceError

EVENT = "SageMaker Model Package State Change"

_UPDATES = {
    "AdditionalInferenceSpecificationsToAdd",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "CustomerMetadataPropertiesToRemove",
    "ModelApprovalStatus",
    "ModelPackageArn",
}


class ModelPackages(Service):
    """CreateModelPackage and UpdateModelPackage; reading and deleting them is moto's."""

    def create_model_package(self, call: Call) -> dict[str, Any]:
        """CreateModelPackage; sends the event."""
        given = call.params
        backend = _backend(call)
        arn = _asked(
            backend.create_model_package,
            model_package_name=given.get("ModelPackageName"),
            model_package_group_name=given.get("ModelPackageGroupName"),
            model_package_description=given.get("ModelPackageDescription"),
            inference_specification=given.get("InferenceSpecification"),
            validation_specification=given.get("ValidationSpecification"),
            source_algorithm_specification=given.get("SourceAlgorithmSpecification"),
            certify_for_marketplace=bool(given.get("CertifyForMarketplace")),
            tags=given.get("Tags"),
            model_approval_status=given.get("ModelApprovalStatus"),
            metadata_properties=given.get("MetadataProperties"),
            model_metrics=given.get("ModelMetrics"),
            client_token=given.get("ClientToken"),
            customer_metadata_properties=given.get("CustomerMetadataProperties"),
            drift_check_baselines=given.get("DriftCheckBaselines"),
            domain=given.get("Domain"),
            task=given.get("Task"),
            sample_payload_url=given.get("SamplePayloadUrl"),
            additional_inference_specifications=given.get("AdditionalInferenceSpecifications"),
        )
        self._tell(call, _found(backend, arn))
        return {"ModelPackageArn": arn}

    def update_model_package(self, call: Call) -> dict[str, Any]:
        """UpdateModelPackage; sends the event when the approval changes."""
        given = call.params
        if unknown := sorted(set(given) - _UPDATES):
            raise ServiceError(
                "NotEmulated", f"UpdateModelPackage with {unknown} is not emulated.", status=501
            )
        backend = _backend(call)
        package = _found(backend, given["ModelPackageArn"])
        before = package.model_approval_status
        arn = _asked(
            backend.update_model_package,
            model_package_arn=package.arn,
            # What a request leaves out stays; moto would forget it.
            model_approval_status=given.get("ModelApprovalStatus", before),
            approval_description=given.get("ApprovalDescription", package.approval_description),
            customer_metadata_properties=given.get(
                "CustomerMetadataProperties", package.customer_metadata_properties
            ),
            customer_metadata_properties_to_remove=given.get(
                "CustomerMetadataPropertiesToRemove", []
            ),
            additional_inference_specifications_to_add=given.get(
                "AdditionalInferenceSpecificationsToAdd"
            ),
        )
        if package.model_approval_status != before:
            self._tell(call, package)
        return {"ModelPackageArn": arn}

    def _tell(self, call: Call, package: Any) -> None:
        # docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        detail = {
            "ModelPackageName": package.model_package_name,
            "ModelPackageGroupName": package.model_package_group_name,
            "ModelPackageVersion": package.model_package_version,
            "ModelPackageArn": package.arn,
            "ModelPackageDescription": package.model_package_description,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": package.model_approval_status,
            "CreationTime": int(package.creation_time.timestamp() * 1000),
        }
        self.aws.emit(
            account=call.account,
            region=call.region,
            source="aws.sagemaker",
            detail_type=EVENT,
            detail={name: value for name, value in detail.items() if value is not None},
            resources=[package.arn],
        )


def _backend(call: Call) -> SageMakerModelBackend:
    backend: SageMakerModelBackend = sagemaker_backends[call.account][call.region]
    return backend


def _found(backend: SageMakerModelBackend, arn: str) -> Any:
    package = backend.model_packages.get(backend.model_package_name_mapping.get(arn, arn))
    if package is None:
        raise ServiceError("ValidationException", f"ModelPackage {arn} does not exist.")
    return package


def _asked(operation: Any, **arguments: Any) -> str:
    try:
        return str(operation(**arguments))
    except (JsonRESTError, MotoServiceError) as error:
        raise ServiceError("ValidationException", str(getattr(error, "message", error))) from None
