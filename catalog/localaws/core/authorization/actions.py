"""From an operation to the IAM actions it needs, and to the roles it hands to AWS services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = dict[str, Any]
PassedRoles = Callable[[Params], list[tuple[str, str]]]

# Prefix of IAM actions where it is not the signing name.
PREFIXES: Mapping[str, str] = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses"}

# Operations whose action is named otherwise.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_S3: Mapping[str, str] = {
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "SelectObjectContent": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "s3": _S3,
    "lambda": {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"},
    "apigateway": {},
}


def actions_of(service: str, prefix: str, operation: str, params: Params) -> list[str]:
    """Return the IAM actions a request needs on its own resources."""
    name = RENAMED.get(service, {}).get(operation, operation)
    if service == "s3" and "VersionId" in params and name in ("GetObject", "DeleteObject"):
        name += "Version"
    actions = [f"{prefix}:{name}"]
    if service == "s3" and operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        if params.get("Tagging"):
            actions.append("s3:PutObjectTagging")
        if params.get("ACL"):
            actions.append("s3:PutObjectAcl")
    return actions


def _role(member: str, service: str) -> PassedRoles:
    def roles(params: Params) -> list[tuple[str, str]]:
        return [(params[member], service)] if params.get(member) else []

    return roles


def _codepipeline(params: Params) -> list[tuple[str, str]]:
    pipeline = params.get("pipeline", {})
    found = [(pipeline["roleArn"], "codepipeline.amazonaws.com")] if "roleArn" in pipeline else []
    for stage in pipeline.get("stages", []):
        for action in stage.get("actions", []):
            if "roleArn" in action:
                found.append((action["roleArn"], "codepipeline.amazonaws.com"))
            handed = action.get("configuration", {}).get("RoleArn")
            if handed:
                found.append((handed, "cloudformation.amazonaws.com"))
    return found


def _event_targets(params: Params) -> list[tuple[str, str]]:
    return [
        (target["RoleArn"], "events.amazonaws.com")
        for target in params.get("Targets", [])
        if "RoleArn" in target
    ]


def _schedule_target(params: Params) -> list[tuple[str, str]]:
    role = params.get("Target", {}).get("RoleArn")
    return [(role, "scheduler.amazonaws.com")] if role else []


_SAGEMAKER = "sagemaker.amazonaws.com"
_STACK = _role("RoleARN", "cloudformation.amazonaws.com")

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
PASSED_ROLES: Mapping[str, Mapping[str, PassedRoles]] = {
    "codebuild": {
        "CreateProject": _role("serviceRole", "codebuild.amazonaws.com"),
        "UpdateProject": _role("serviceRole", "codebuild.amazonaws.com"),
    },
    "codepipeline": {"CreatePipeline": _codepipeline, "UpdatePipeline": _codepipeline},
    "lambda": {
        "CreateFunction": _role("Role", "lambda.amazonaws.com"),
        "UpdateFunctionConfiguration": _role("Role", "lambda.amazonaws.com"),
    },
    "events": {
        "PutTargets": _event_targets,
        "PutRule": _role("RoleArn", "events.amazonaws.com"),
    },
    "scheduler": {"CreateSchedule": _schedule_target, "UpdateSchedule": _schedule_target},
    "sagemaker": {
        "CreatePipeline": _role("RoleArn", _SAGEMAKER),
        "UpdatePipeline": _role("RoleArn", _SAGEMAKER),
        "CreateModel": _role("ExecutionRoleArn", _SAGEMAKER),
        "CreateTrainingJob": _role("RoleArn", _SAGEMAKER),
        "CreateProcessingJob": _role("RoleArn", _SAGEMAKER),
        "CreateFeatureGroup": _role("RoleArn", _SAGEMAKER),
        "CreateNotebookInstance": _role("RoleArn", _SAGEMAKER),
    },
    "cloudformation": {
        "CreateStack": _STACK,
        "UpdateStack": _STACK,
        "DeleteStack": _STACK,
        "CreateChangeSet": _STACK,
        "CreateStackSet": _role("AdministrationRoleARN", "cloudformation.amazonaws.com"),
    },
    "glue": {"CreateJob": _role("Role", "glue.amazonaws.com")},
    "stepfunctions": {"CreateStateMachine": _role("roleArn", "states.amazonaws.com")},
}
