"""What a launch role may do: create, update and delete the resources of projects, nothing else.

Scoped by the name prefix and role path of `catalog.products.names`; KMS keys, which have no name,
by the tag that every project resource carries. A test compares it with the permissions that
CloudFormation's own resource schemas ask for, so a product that outgrows it fails the build.

ARNs hold `*` for partition, region and account: one document serves every account, and an IAM
role can only ever act on what its own account holds or was shared with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from catalog.products.names import NAME_PREFIX, ROLE_PATH

PROJECT_TAG: Final = "sagemaker:project-id"
"""Tag key of everything that belongs to a project; SageMaker sets it, products repeat it."""

SERVICES_THAT_RUN_AS_PROJECT_ROLES: Final = (
    "codebuild.amazonaws.com",
    "codepipeline.amazonaws.com",
    "events.amazonaws.com",
    "lambda.amazonaws.com",
)

ROLES: Final = f"arn:*:iam::*:role{ROLE_PATH}{NAME_PREFIX}*"


def launch_policy_document(
    *, permissions_boundary: str | None = None, service_catalog: bool = True
) -> dict[str, Any]:
    """Return the IAM policy of a launch role.

    Without a boundary, a launch role can write any policy into the project roles that it makes:
    whoever can change products can then do so too. With one, it can only make roles under it.

    Args:
        permissions_boundary: ARN of a policy (`*` and `?` allowed) that every project role has
            to carry; launches then pass it as `PermissionsBoundaryArn`.
        service_catalog: whether Service Catalog takes on the role, which then also runs the stack.
            A role that CloudFormation itself takes on needs only what the resources need.
    """
    statements = [
        *(_templates() if service_catalog else ()),
        *_roles(permissions_boundary),
        *_data(),
        *_delivery(),
        *_seeding(),
        *_registry(),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    condition: dict[str, Any] | None = None,
) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": list(resources),
    }
    if condition:
        statement["Condition"] = condition
    return statement


def _in(service: str, *actions: str) -> list[str]:
    return [f"{service}:{action}" for action in actions]


def _templates() -> list[dict[str, Any]]:
    # What Service Catalog itself asks of a launch role:
    # docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
    return [
        _allow(
            "ReadTemplates",
            ["s3:GetObject"],
            # Templates lie in Service Catalog's own buckets; the tag is what AWS tells them by.
            ["*"],
            {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
        ),
        _allow(
            "RunStacks",
            _in(
                "cloudformation",
                "CreateChangeSet",
                "CreateStack",
                "DeleteChangeSet",
                "DeleteStack",
                "DescribeChangeSet",
                "DescribeStackEvents",
                "DescribeStackResources",
                "DescribeStacks",
                "ExecuteChangeSet",
                "SetStackPolicy",
                "TagResource",
                "UntagResource",
                "UpdateStack",
            ),
            ["arn:*:cloudformation:*:*:stack/SC-*"],
        ),
        _allow(
            "ReadTemplateSummaries",
            _in("cloudformation", "GetTemplateSummary", "ValidateTemplate"),
            # Neither takes a resource while there is no stack yet.
            ["*"],
        ),
    ]


def _roles(boundary: str | None) -> list[dict[str, Any]]:
    writes = _in(
        "iam",
        "AttachRolePolicy",
        "CreateRole",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
    )
    bounded = {"ArnLike": {"iam:PermissionsBoundary": boundary}} if boundary else None
    removals = [] if boundary else ["iam:DeleteRolePermissionsBoundary"]
    return [
        _allow("WriteProjectRoles", writes, [ROLES], bounded),
        _allow(
            "KeepProjectRoles",
            [
                *removals,
                *_in(
                    "iam",
                    "DeleteRole",
                    "DeleteRolePolicy",
                    "DetachRolePolicy",
                    "GetRole",
                    "GetRolePolicy",
                    "ListAttachedRolePolicies",
                    "ListRolePolicies",
                    "TagRole",
                    "UntagRole",
                    "UpdateAssumeRolePolicy",
                    "UpdateRole",
                    "UpdateRoleDescription",
                ),
            ],
            [ROLES],
        ),
        _allow(
            "PassProjectRoles",
            ["iam:PassRole"],
            [ROLES],
            {"StringEquals": {"iam:PassedToService": list(SERVICES_THAT_RUN_AS_PROJECT_ROLES)}},
        ),
    ]


def _data() -> list[dict[str, Any]]:
    return [
        _allow(
            "KeepBuckets",
            _in(
                "s3",
                "CreateBucket",
                "DeleteBucket",
                "DeleteBucketPolicy",
                "GetBucketAcl",
                "GetBucketOwnershipControls",
                "GetBucketPolicy",
                "GetBucketPublicAccessBlock",
                "GetBucketTagging",
                "GetBucketVersioning",
                "GetEncryptionConfiguration",
                "GetLifecycleConfiguration",
                "ListBucket",
                "ListTagsForResource",
                "PutBucketOwnershipControls",
                "PutBucketPolicy",
                "PutBucketPublicAccessBlock",
                "PutBucketTagging",
                "PutBucketVersioning",
                "PutEncryptionConfiguration",
                "PutLifecycleConfiguration",
                "TagResource",
                "UntagResource",
            ),
            [f"arn:*:s3:::{NAME_PREFIX}*-artifacts-*"],
        ),
        _allow(
            "CreateKeys",
            _in("kms", "CreateKey", "TagResource"),
            # A key has no ARN before it exists; it has to be tagged as a project's at once.
            ["*"],
            {"StringLike": {f"aws:RequestTag/{PROJECT_TAG}": "?*"}},
        ),
        _allow(
            "KeepKeys",
            _in(
                "kms",
                "DescribeKey",
                "DisableKeyRotation",
                "EnableKeyRotation",
                "GetKeyPolicy",
                "GetKeyRotationStatus",
                "ListResourceTags",
                "PutKeyPolicy",
                "ScheduleKeyDeletion",
                "TagResource",
                "UntagResource",
                "UpdateKeyDescription",
            ),
            ["arn:*:kms:*:*:key/*"],
            {"StringLike": {f"aws:ResourceTag/{PROJECT_TAG}": "?*"}},
        ),
    ]


def _delivery() -> list[dict[str, Any]]:
    return [
        _allow(
            "KeepRepositories",
            _in(
                "codecommit",
                "CreateRepository",
                "DeleteRepository",
                "GetRepository",
                "GetRepositoryTriggers",
                "ListTagsForResource",
                "TagResource",
                "UntagResource",
                "UpdateRepositoryDescription",
                "UpdateRepositoryName",
            ),
            [f"arn:*:codecommit:*:*:{NAME_PREFIX}*"],
        ),
        _allow(
            "KeepBuilds",
            _in("codebuild", "BatchGetProjects", "CreateProject", "DeleteProject", "UpdateProject"),
            [f"arn:*:codebuild:*:*:project/{NAME_PREFIX}*"],
        ),
        _allow(
            "KeepBuildPipelines",
            _in(
                "codepipeline",
                "CreatePipeline",
                "DeletePipeline",
                "GetPipeline",
                "GetPipelineState",
                "ListTagsForResource",
                "TagResource",
                "UntagResource",
                "UpdatePipeline",
            ),
            [f"arn:*:codepipeline:*:*:{NAME_PREFIX}*"],
        ),
        _allow(
            "PassConnections",
            ["codeconnections:PassConnection", "codestar-connections:PassConnection"],
            # Which connection a project uses is chosen at launch.
            [
                "arn:*:codeconnections:*:*:connection/*",
                "arn:*:codestar-connections:*:*:connection/*",
            ],
        ),
        _allow(
            "KeepRules",
            _in(
                "events",
                "DeleteRule",
                "DescribeRule",
                "ListTagsForResource",
                "ListTargetsByRule",
                "PutRule",
                "PutTargets",
                "RemoveTargets",
                "TagResource",
                "UntagResource",
            ),
            [f"arn:*:events:*:*:rule/{NAME_PREFIX}*"],
        ),
    ]


def _seeding() -> list[dict[str, Any]]:
    return [
        _allow(
            "KeepFunctions",
            _in(
                "lambda",
                "AddPermission",
                "CreateFunction",
                "DeleteFunction",
                "GetFunction",
                "GetFunctionConfiguration",
                "GetPolicy",
                # CloudFormation invokes a custom resource's function as the launch role.
                "InvokeFunction",
                "ListTags",
                "RemovePermission",
                "TagResource",
                "UntagResource",
                "UpdateFunctionCode",
                "UpdateFunctionConfiguration",
            ),
            [f"arn:*:lambda:*:*:function:{NAME_PREFIX}*"],
        ),
        _allow(
            "KeepLogGroups",
            _in(
                "logs",
                "CreateLogGroup",
                "DeleteLogGroup",
                "DeleteRetentionPolicy",
                "ListTagsForResource",
                "PutRetentionPolicy",
                "TagResource",
                "UntagResource",
            ),
            [
                f"arn:*:logs:*:*:log-group:/aws/{service}/{NAME_PREFIX}*"
                for service in ("codebuild", "lambda")
            ],
        ),
        _allow(
            "Find",
            ["codecommit:ListRepositories", "logs:DescribeLogGroups"],
            # CloudFormation looks for these by listing, which takes no narrower resource.
            ["*"],
        ),
    ]


def _registry() -> list[dict[str, Any]]:
    return [
        _allow(
            "KeepModelGroups",
            _in(
                "sagemaker",
                "AddTags",
                "CreateModelPackageGroup",
                "DeleteModelPackageGroup",
                "DeleteModelPackageGroupPolicy",
                "DeleteTags",
                "DescribeModelPackageGroup",
                "GetModelPackageGroupPolicy",
                "ListTags",
                "PutModelPackageGroupPolicy",
            ),
            [f"arn:*:sagemaker:*:*:model-package-group/{NAME_PREFIX}*"],
        ),
    ]
