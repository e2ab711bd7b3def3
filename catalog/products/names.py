"""Names of everything a project owns, as `Fn::Sub` texts.

Names hang on `SageMakerProjectId` alone wherever AWS folds case (bucket names; the ARNs of
SageMaker pipelines and model package groups are lower-case whatever the name), because a project
name may hold capitals. The id is at most 20 characters, so that every name keeps its service's
limit (bucket: 63, role and function: 64, CodePipeline and repository: 100).
"""

from __future__ import annotations

from typing import Final

NAME_PREFIX: Final = "sagemaker-"
"""Every physical name starts with it: launch roles are scoped by it, and AWS's own SageMaker
policies grant access to buckets that carry it."""

ROLE_PATH: Final = "/sagemaker-projects/"
"""IAM path of every project role: what a launch role may create, and nothing else."""

_ID: Final = "sagemaker-${SageMakerProjectId}"
_REGIONAL: Final = "${AWS::Region}:${AWS::AccountId}"

ARTIFACTS_BUCKET: Final = f"{_ID}-artifacts-${{AWS::AccountId}}"
REPOSITORY: Final = "sagemaker-${SageMakerProjectName}-${SageMakerProjectId}"
SEED_BUILD: Final = f"{_ID}-seed"
SEED_FUNCTION: Final = f"{_ID}-seed"
SEED_RULE: Final = f"{_ID}-seed-ended"
BUILD: Final = f"{_ID}-build"
BUILD_PIPELINE: Final = f"{_ID}-build"
PUSH_RULE: Final = f"{_ID}-push"
MODEL_PACKAGE_GROUP: Final = _ID
SAGEMAKER_PIPELINE: Final = _ID
PIPELINE_ARTIFACTS: Final = f"{NAME_PREFIX}*"
"""Keys of CodePipeline's artifacts in the project's bucket: the pipeline's name cut to 20
characters, which CloudFormation cannot write, then the artifact's name and something made up.
AWS says so in answers on re:Post only. Nothing else in the bucket starts so."""

SEED_FUNCTION_ROLE: Final = f"{_ID}-seed-function"
SEED_BUILD_ROLE: Final = f"{_ID}-seed-build"
BUILD_PIPELINE_ROLE: Final = f"{_ID}-build-pipeline"
BUILD_ROLE: Final = f"{_ID}-build"
PUSH_ROLE: Final = f"{_ID}-push"
EXECUTION_ROLE: Final = f"{_ID}-execution"

SEED_FUNCTION_LOGS: Final = f"/aws/lambda/{SEED_FUNCTION}"
SEED_BUILD_LOGS: Final = f"/aws/codebuild/{SEED_BUILD}"
BUILD_LOGS: Final = f"/aws/codebuild/{BUILD}"


def regional_arn(service: str, resource: str) -> str:
    """Return the `Fn::Sub` text of an ARN in the stack's own account and region."""
    return f"arn:${{AWS::Partition}}:{service}:{_REGIONAL}:{resource}"


def bucket_arn(path: str = "") -> str:
    """Return the `Fn::Sub` text of the artifacts bucket's ARN, or of objects under `path` in it."""
    arn = f"arn:${{AWS::Partition}}:s3:::{ARTIFACTS_BUCKET}"
    return f"{arn}/{path}" if path else arn
