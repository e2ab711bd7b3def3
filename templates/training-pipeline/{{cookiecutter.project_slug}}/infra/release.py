"""Chooses the model package to deploy: the newest approved one, or the version asked for.

Run by the deployment pipeline, see release.buildspec.yml. Asking the registry, rather than taking
what an event says, makes repeated and late events harmless: whatever started the pipeline, the same
approvals lead to the same deployment.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEWEST = "newest-approved"
NONE_YET = "no model of the group is approved yet"
EXPORTS = Path("release.env")


class ReleaseError(Exception):
    """What stands in the way, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """An approved model package."""

    arn: str
    version: int


def choose(sagemaker: Any, *, group: str, wanted: str = NEWEST) -> Package | None:
    """Return the model package to deploy; None when nothing is approved yet.

    Args:
        sagemaker: boto3 client.
        group: name of the model package group.
        wanted: a version number, or `NEWEST`.

    Raises:
        ReleaseError: the version asked for is not approved, or not a number.
    """
    if wanted != NEWEST and not wanted.isdecimal():
        raise ReleaseError(f"ModelPackageVersion is {wanted!r}: expected {NEWEST} or a number")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )
    approved = {
        item["ModelPackageVersion"]: item["ModelPackageArn"]
        for page in pages
        for item in page["ModelPackageSummaryList"]
        if item["ModelPackageStatus"] == "Completed"
    }
    if wanted == NEWEST:
        version = max(approved, default=0)
        return Package(arn=approved[version], version=version) if approved else None
    if int(wanted) not in approved:
        shown = ", ".join(str(version) for version in sorted(approved)) or "none"
        raise ReleaseError(f"version {wanted} of {group} is not approved (approved: {shown})")
    return Package(arn=approved[int(wanted)], version=int(wanted))


def release(environment: Mapping[str, str], *, sagemaker: Any, codepipeline: Any) -> str:
    """Return the variables that the next stages read, as shell assignments.

    A new project has nothing to deploy: then the run of the deployment pipeline is stopped, which
    is not a failure.

    Args:
        environment: variables of the build: MODEL_PACKAGE_GROUP, and from the deployment pipeline
            MODEL_PACKAGE, DEPLOY_PIPELINE and PIPELINE_EXECUTION_ID.
        sagemaker: boto3 client.
        codepipeline: boto3 client.

    Raises:
        ReleaseError: a variable is missing, or the version asked for is not approved.
    """
    group = environment.get("MODEL_PACKAGE_GROUP")
    if not group:
        raise ReleaseError("set MODEL_PACKAGE_GROUP (name of the model package group)")
    wanted = environment.get("MODEL_PACKAGE") or NEWEST
    package = choose(sagemaker, group=group, wanted=wanted)
    if package is None:
        print(f"{group}: {NONE_YET}; approving one starts the deployment", file=sys.stderr)
        if environment.get("PIPELINE_EXECUTION_ID"):
            codepipeline.stop_pipeline_execution(
                pipelineName=environment["DEPLOY_PIPELINE"],
                pipelineExecutionId=environment["PIPELINE_EXECUTION_ID"],
                reason=NONE_YET,
            )
        return _exports(arn="none", version="0")
    print(f"{group}: version {package.version}", file=sys.stderr)
    return _exports(arn=package.arn, version=str(package.version))


def _exports(*, arn: str, version: str) -> str:
    return f"export MODEL_PACKAGE_ARN='{arn}'\nexport MODEL_PACKAGE_VERSION='{version}'\n"


def main() -> int:
    """Write `EXPORTS` and return the exit code."""
    import boto3

    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    try:
        text = release(
            os.environ,
            sagemaker=session.client("sagemaker"),
            codepipeline=session.client("codepipeline"),
        )
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    EXPORTS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
