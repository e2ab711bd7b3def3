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

DEPLOY_PIPELINE: Final = f"{_ID}-deploy"
RELEASE_BUILD: Final = f"{_ID}-release"
SMOKE_BUILD: Final = f"{_ID}-smoke"
APPROVED_RULE: Final = f"{_ID}-approved"
ENDPOINTS: Final = f"{_ID}-*"
"""Endpoints, and the models, configurations and alarms that belong to them."""

SEED_FUNCTION_ROLE: Final = f"{_ID}-seed-function"
SEED_BUILD_ROLE: Final = f"{_ID}-seed-build"
BUILD_PIPELINE_ROLE: Final = f"{_ID}-build-pipeline"
BUILD_ROLE: Final = f"{_ID}-build"
PUSH_ROLE: Final = f"{_ID}-push"
EXECUTION_ROLE: Final = f"{_ID}-execution"
DEPLOY_PIPELINE_ROLE: Final = f"{_ID}-deploy-pipeline"
RELEASE_ROLE: Final = f"{_ID}-release"
SMOKE_ROLE: Final = f"{_ID}-smoke"
APPROVED_ROLE: Final = f"{_ID}-approved"
STACKS_ROLE: Final = f"{_ID}-stacks"
ENDPOINT_ROLE: Final = f"{_ID}-endpoint"
DEPLOYER_ROLE: Final = f"{_ID}-deployer"
TESTER_ROLE: Final = f"{_ID}-tester"

SEED_FUNCTION_LOGS: Final = f"/aws/lambda/{SEED_FUNCTION}"
SEED_BUILD_LOGS: Final = f"/aws/codebuild/{SEED_BUILD}"
BUILD_LOGS: Final = f"/aws/codebuild/{BUILD}"
RELEASE_LOGS: Final = f"/aws/codebuild/{RELEASE_BUILD}"
SMOKE_LOGS: Final = f"/aws/codebuild/{SMOKE_BUILD}"


def endpoint(environment: str) -> str:
    """Return the `Fn::Sub` text of an environment's endpoint, and of the stack that makes it."""
    return f"{_ID}-{environment}"


def role_arn(name: str, *, account: str = "${AWS::AccountId}") -> str:
    """Return the `Fn::Sub` text of the ARN of a project role, in this account or in another."""
    return f"arn:${{AWS::Partition}}:iam::{account}:role{ROLE_PATH}{name}"


def regional_arn(service: str, resource: str) -> str:
    """Return the `Fn::Sub` text of an ARN in the stack's own account and region."""
    return f"arn:${{AWS::Partition}}:{service}:{_REGIONAL}:{resource}"


def bucket_arn(path: str = "") -> str:
    """Return the `Fn::Sub` text of the artifacts bucket's ARN, or of objects under `path` in it."""
    arn = f"arn:${{AWS::Partition}}:s3:::{ARTIFACTS_BUCKET}"
    return f"{arn}/{path}" if path else arn
