"""The emulated SageMaker Projects: organisation templates from Service Catalog and from S3."""

from catalog.localaws.sagemaker_projects.service import SageMaker

__all__ = ["SageMaker"]
