"""The model registry, read by jobs: which version counts, and what belongs to it."""

from pathlib import Path
from typing import Any

from .data import DataError

APPROVED, NEWEST, NONE = "latest-approved", "latest-approved-or-newest", "none"


def find(sagemaker: Any, *, group: str, which: str) -> dict[str, Any] | None:
    """Return the description of a model package, or None.

    Args:
        sagemaker: boto3 client.
        group: model package group.
        which: `latest-approved`, `latest-approved-or-newest`, `none`, or an ARN.

    Raises:
        DataError: the ARN names no model package of the group.
    """
    if which == NONE:
        return None
    if which in (APPROVED, NEWEST):
        arn = _newest(sagemaker, group=group, ModelApprovalStatus="Approved")
        if not arn and which == NEWEST:
            arn = _newest(sagemaker, group=group)
        if not arn:
            return None
    else:
        arn = which
        if f"model-package/{group}/" not in arn:
            raise DataError(
                f"{arn}: not a model package of the group {group}",
                next_step=f"give an ARN of that group, {APPROVED} or {NONE}",
            )
    package: dict[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
    return package


def _newest(sagemaker: Any, *, group: str, **filters: str) -> str | None:
    listed = sagemaker.list_model_packages(
        ModelPackageGroupName=group,
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
        **filters,
    )["ModelPackageSummaryList"]
    return str(listed[0]["ModelPackageArn"]) if listed else None


def model_uri(package: dict[str, Any]) -> str:
    """Return where the model archive of a package is."""
    container = package["InferenceSpecification"]["Containers"][0]
    return str(container["ModelDataUrl"])


def statistics_uri(package: dict[str, Any]) -> str | None:
    """Return where the statistics of its training data are, if it was registered with any."""
    quality = package.get("ModelMetrics", {}).get("ModelDataQuality", {})
    uri = quality.get("Statistics", {}).get("S3Uri")
    return str(uri) if uri else None


def download(s3: Any, uri: str, target: Path) -> None:
    """Copy the object at `uri` to the file `target`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    with target.open("wb") as stream:
        for part in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
            stream.write(part)
