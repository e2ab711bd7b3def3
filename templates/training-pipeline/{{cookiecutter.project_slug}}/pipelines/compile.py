"""Compiles both pipelines with the SageMaker SDK, without network and without an account."""

import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

from . import recorded

REGION = "us-east-1"
# Stand-ins of the right shape, since the SDK looks at them; symbols replace them afterwards.
ROLE = "arn:aws:iam::111122223333:role/symbol"
BUCKET = "symbol-bucket"
GROUP = "symbol-group"
CODE = "s3://symbol-code/sourcedir.tar.gz"
NO_TELEMETRY = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}


def compile_definitions() -> dict[str, dict[str, Any]]:
    """Return the definitions by file, with symbols where they depend on the account."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="none",
        AWS_SECRET_ACCESS_KEY="none",
        AWS_DEFAULT_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
        # Otherwise the SDK asks IAM about the role.
        SAGEMAKER_VALIDATE_ROLE="false",
    )
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import boto3
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    from . import drift, jobs, pipeline

    class OfflineSession(PipelineSession):  # type: ignore[misc]
        """Knows its bucket without asking S3; uploads nothing, since pipeline.py packs no code."""

        def default_bucket(self) -> str:
            return BUCKET

    session = OfflineSession(
        boto_session=boto3.Session(region_name=REGION),
        default_bucket=BUCKET,
        sagemaker_config=NO_TELEMETRY,
    )
    registry = jobs.framework_image(session).partition("/")[0]
    definitions = {}
    for file, build in ((recorded.DEFINITION, pipeline.build), (recorded.DRIFT, drift.build)):
        built = build(session=session, role=ROLE, bucket=BUCKET, group=GROUP, code=CODE)
        definitions[file] = json.loads(_with_symbols(built.definition(), registry=registry))
    return definitions


def _with_symbols(text: str, *, registry: str) -> str:
    for found, symbol in (
        (CODE, "${code:pipeline}"),
        (ROLE, "${role}"),
        (BUCKET, "${bucket}"),
        (GROUP, "${model_package_group}"),
        (registry, "${registry}"),
        (f'"{REGION}"', '"${region}"'),
    ):
        text = text.replace(found, symbol)
    return text


def registries() -> dict[str, str]:
    """Return the host of the pipeline's image in each region that has it."""
    from sagemaker.core import image_uris

    from . import jobs

    known = image_uris.config_for_framework(jobs.FRAMEWORK)
    regions = known.get("training", known)["versions"][jobs.FRAMEWORK_VERSION]["registries"]
    return {
        region: image_uris.retrieve(
            jobs.FRAMEWORK,
            region=region,
            version=jobs.FRAMEWORK_VERSION,
            py_version="py3",
            instance_type="ml.m5.large",
        ).partition("/")[0]
        for region in sorted(regions)
    }


def main(folder: Path) -> None:
    """Write definition.json, drift.json, registries.json and what they were made from."""
    for file, definition in compile_definitions().items():
        (folder / file).write_text(_json(definition), newline="\n")
    (folder / recorded.REGISTRIES).write_text(_json(registries()), newline="\n")
    recorded.write(folder)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
