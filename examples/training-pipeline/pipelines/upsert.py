"""Sends the committed definitions to SageMaker: resolves symbols, uploads what is missing."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import recorded, symbols
from .local import load, pack

FOLDER = Path(__file__).resolve().parent
DATA = FOLDER.parent / "data" / "sample"
# Set by the build project that the template's product creates; see README.md for other CI.
VARIABLES = {
    "PIPELINE_NAME": "name of the pipeline",
    "PIPELINE_ROLE_ARN": "role that its jobs run as",
    "ARTIFACTS_BUCKET": "bucket of data, code and models",
    "MODEL_PACKAGE_GROUP": "group that models are registered in",
    "AWS_REGION": "region",
}


class UpsertError(Exception):
    """What stands in the way, and what to do about it."""


def upsert(environment: Mapping[str, str], *, sagemaker: Any, s3: Any) -> str:
    """Create or update the pipeline and return its ARN.

    Args:
        environment: variables of the build; see VARIABLES. With DRIFT_PIPELINE_NAME, the drift
            pipeline is created or updated too.
        sagemaker: boto3 client.
        s3: boto3 client.

    Raises:
        UpsertError: a variable is missing, or the region has no image.
        StaleDefinitionError: pipeline.py has changed since it was compiled.
    """
    missing = [f"{name} ({text})" for name, text in VARIABLES.items() if not environment.get(name)]
    if missing:
        raise UpsertError(f"set {', '.join(missing)}")
    recorded.check(FOLDER)
    region, bucket = environment["AWS_REGION"], environment["ARTIFACTS_BUCKET"]
    registry = json.loads((FOLDER / recorded.REGISTRIES).read_text()).get(region)
    if registry is None:
        raise UpsertError(f"SageMaker's image of this pipeline does not exist in {region}")
    encryption = _encryption(environment)
    values = {
        "bucket": bucket,
        "role": environment["PIPELINE_ROLE_ARN"],
        "model_package_group": environment["MODEL_PACKAGE_GROUP"],
        "region": region,
        "registry": registry,
    }
    for name, paths in load(FOLDER.parent).code.items():
        key, archive = _packed(paths)
        _upload(s3, bucket=bucket, key=key, body=archive, encryption=encryption)
        values[f"code:{name}"] = f"s3://{bucket}/{key}"
    for path in sorted(DATA.glob("*.parquet")):
        key = f"data/sample/{path.name}"
        _upload(s3, bucket=bucket, key=key, body=path.read_bytes(), encryption=encryption)
    pipelines = {environment["PIPELINE_NAME"]: recorded.DEFINITION}
    if environment.get("DRIFT_PIPELINE_NAME"):
        pipelines[environment["DRIFT_PIPELINE_NAME"]] = recorded.DRIFT
    arns = []
    for name, file in pipelines.items():
        definition = symbols.resolve((FOLDER / file).read_text(), values)
        arns.append(_create_or_update(sagemaker, environment, name=name, definition=definition))
    return arns[0]


def _packed(paths: list[Path]) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "sourcedir.tar.gz"
        # Named by its content: unchanged code keeps its key, and its steps stay cached.
        return f"code/{pack(paths, archive)}/{archive.name}", archive.read_bytes()


def _encryption(environment: Mapping[str, str]) -> dict[str, str]:
    key = environment.get("ARTIFACTS_KMS_KEY_ARN")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}


def _upload(s3: Any, *, bucket: str, key: str, body: bytes, encryption: dict[str, str]) -> None:
    digest = hashlib.sha256(body).hexdigest()
    # Listed before asked: HeadObject on a missing key is "forbidden" to roles that cannot list.
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    if any(item["Key"] == key for item in found):
        head = s3.head_object(Bucket=bucket, Key=key)
        if head.get("Metadata", {}).get("sha256") == digest:
            return
    s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"sha256": digest}, **encryption)
    print(f"uploaded s3://{bucket}/{key}")


def _create_or_update(
    sagemaker: Any, environment: Mapping[str, str], *, name: str, definition: str
) -> str:
    request = {
        "PipelineName": name,
        "PipelineDefinition": definition,
        "RoleArn": environment["PIPELINE_ROLE_ARN"],
    }
    listed = sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    if any(item["PipelineName"] == name for item in listed):
        return str(sagemaker.update_pipeline(**request)["PipelineArn"])
    tags = [
        {"Key": f"sagemaker:{key}", "Value": environment[variable]}
        for key, variable in (
            ("project-name", "SAGEMAKER_PROJECT_NAME"),
            ("project-id", "SAGEMAKER_PROJECT_ID"),
        )
        if environment.get(variable)
    ]
    token = hashlib.sha256(f"{name}{definition}".encode()).hexdigest()
    created = sagemaker.create_pipeline(
        **request, PipelineDisplayName=name, ClientRequestToken=token, Tags=tags
    )
    return str(created["PipelineArn"])
