"""The launch policy covers what CloudFormation needs for every product, and no more."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest
import yaml

from catalog.bundles.model import Bundle
from catalog.products.launch_policy import launch_policy_document

WITHOUT_SCHEMA = {
    # CodeBuild publishes no handler permissions; these are its project operations.
    "AWS::CodeBuild::Project": {
        "codebuild:CreateProject",
        "codebuild:DeleteProject",
        "codebuild:UpdateProject",
        "iam:PassRole",
    },
    "Custom::RepositorySeed": {"lambda:InvokeFunction"},
}

UNUSED = {
    "AWS::CodeCommit::Repository": (
        "no seed from S3, no triggers, no key of its own",
        """
        codecommit:CreateCommit codecommit:PutRepositoryTriggers s3:GetObject
        s3:GetObjectVersion codecommit:UpdateRepositoryEncryptionKey
        """,
    ),
    "AWS::CodePipeline::Pipeline": (
        "no disabled transitions, no run on update",
        """
        codepipeline:DisableStageTransition codepipeline:EnableStageTransition
        codepipeline:StartPipelineExecution
        """,
    ),
    "AWS::KMS::Key": (
        "keys are never disabled",
        """
        kms:DisableKey kms:EnableKey
        """,
    ),
    "AWS::Lambda::Function": (
        "inline code; no VPC, layers, file systems, signing, concurrency, key or versions",
        """
        ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeSubnets
        ec2:DescribeVpcs elasticfilesystem:DescribeMountTargets s3files:ListMountTargets
        kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey
        lambda:AssociateRuntimeAlias lambda:DeleteFunctionCodeSigningConfig
        lambda:DeleteFunctionConcurrency lambda:GetCodeSigningConfig
        lambda:GetFunctionCodeSigningConfig lambda:GetFunctionRecursionConfig
        lambda:GetFunctionScalingConfig lambda:GetLayerVersion lambda:GetRuntimeManagementConfig
        lambda:PassCapacityProvider lambda:PublishVersion lambda:PutFunctionCodeSigningConfig
        lambda:PutFunctionConcurrency lambda:PutFunctionRecursionConfig
        lambda:PutFunctionScalingConfig lambda:PutRuntimeManagementConfig s3:GetObject
        s3:GetObjectVersion
        """,
    ),
    "AWS::Logs::LogGroup": (
        "no key, data protection, indexes, delivery or resource policies",
        """
        firehose:TagDeliveryStream logs:AssociateKmsKey logs:CreateLogDelivery
        logs:DeleteDataProtectionPolicy logs:DeleteIndexPolicy logs:DeleteResourcePolicy
        logs:DescribeIndexPolicies logs:DescribeResourcePolicies logs:DisassociateKmsKey
        logs:GetDataProtectionPolicy logs:PutBearerTokenAuthentication
        logs:PutDataProtectionPolicy logs:PutIndexPolicy logs:PutLogGroupDeletionProtection
        logs:PutResourcePolicy s3:REST.PUT.OBJECT
        """,
    ),
    "AWS::S3::Bucket": (
        "encryption, versioning, lifecycle, ownership, public access block and tags are all",
        """
        iam:PassRole s3:CreateBucketMetadataTableConfiguration
        s3:DeleteBucketAnalyticsConfiguration s3:DeleteBucketCors s3:DeleteBucketEncryption
        s3:DeleteBucketLifecycle s3:DeleteBucketMetadataTableConfiguration
        s3:DeleteBucketMetricsConfiguration s3:DeleteBucketReplication s3:DeleteBucketWebsite
        s3:DeleteObject s3:GetAccelerateConfiguration s3:GetAnalyticsConfiguration
        s3:GetBucketAbac s3:GetBucketCORS s3:GetBucketLogging
        s3:GetBucketMetadataTableConfiguration s3:GetBucketNotification
        s3:GetBucketObjectLockConfiguration s3:GetBucketWebsite
        s3:GetIntelligentTieringConfiguration s3:GetInventoryConfiguration
        s3:GetMetricsConfiguration s3:GetReplicationConfiguration s3:PutAccelerateConfiguration
        s3:PutAnalyticsConfiguration s3:PutBucketAbac s3:PutBucketAcl s3:PutBucketCORS
        s3:PutBucketLogging s3:PutBucketNotification s3:PutBucketObjectLockConfiguration
        s3:PutBucketReplication s3:PutBucketWebsite s3:PutIntelligentTieringConfiguration
        s3:PutInventoryConfiguration s3:PutMetricsConfiguration s3:PutObjectAcl
        s3:PutObjectLockConfiguration s3:PutReplicationConfiguration
        s3:UpdateBucketMetadataAnnotationTableConfiguration
        s3:UpdateBucketMetadataInventoryTableConfiguration
        s3:UpdateBucketMetadataJournalTableConfiguration s3tables:CreateNamespace
        s3tables:CreateTable s3tables:CreateTableBucket s3tables:GetTable
        s3tables:GetTableMetadataLocation s3tables:PutTableBucketPolicy
        s3tables:PutTableEncryption s3tables:PutTablePolicy s3tables:UpdateTableMetadataLocation
        """,
    ),
}


@cache
def published_permissions() -> dict[str, set[str]]:
    """Return what CloudFormation's resource schemas ask for, from the copies in cfn-lint."""
    found: dict[str, set[str]] = {}
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
    for path in folder.glob("*.json"):
        schema = json.loads(path.read_text())
        handlers = schema.get("handlers", {})
        asked = {
            action
            for handler in ("create", "read", "update", "delete")
            for action in handlers.get(handler, {}).get("permissions", [])
        }
        found.setdefault(schema.get("typeName", ""), set()).update(asked)
    return found


def granted() -> set[str]:
    statements = launch_policy_document()["Statement"]
    return {action for statement in statements for action in statement["Action"]}


def needed(kind: str) -> set[str]:
    if kind in WITHOUT_SCHEMA:
        return WITHOUT_SCHEMA[kind]
    return published_permissions()[kind] - set(UNUSED.get(kind, ("", ""))[1].split())


def types_of(bundles: dict[str, Bundle]) -> set[str]:
    return {
        resource["Type"]
        for bundle in bundles.values()
        for resource in yaml.safe_load(bundle.cloudformation)["Resources"].values()
    }


def test_every_resource_type_of_every_product_is_covered(bundles: dict[str, Bundle]) -> None:
    kinds = types_of(bundles)
    assert len(kinds) > 10
    lacking = {kind: needed(kind) - granted() for kind in kinds}
    assert {kind: gap for kind, gap in lacking.items() if gap} == {}


def test_no_exemption_is_stale(bundles: dict[str, Bundle]) -> None:
    kinds = types_of(bundles)
    for kind, (_, actions) in UNUSED.items():
        assert kind in kinds
        assert set(actions.split()) <= published_permissions()[kind], kind


def allows(action: str, resource: str, **document: Any) -> list[dict[str, Any]]:
    return [
        statement
        for statement in launch_policy_document(**document)["Statement"]
        if action in statement["Action"]
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
    ]


@pytest.mark.parametrize(
    ("action", "inside", "outside"),
    [
        (
            "iam:CreateRole",
            "iam::1:role/sagemaker-projects/sagemaker-p-1-seed",
            "iam::1:role/admin",
        ),
        ("iam:PassRole", "iam::1:role/sagemaker-projects/sagemaker-p-1-seed", "iam::1:role/x"),
        ("s3:DeleteBucket", "s3:::sagemaker-p-1-artifacts-1", "s3:::payroll"),
        ("lambda:InvokeFunction", "lambda:r:1:function:sagemaker-p-1", "lambda:r:1:function:pay"),
        ("codecommit:DeleteRepository", "codecommit:r:1:sagemaker-x", "codecommit:r:1:app"),
        ("cloudformation:DeleteStack", "cloudformation:r:1:stack/SC-1-pp-2/x", "stack/prod/x"),
    ],
)
def test_it_reaches_projects_only(action: str, inside: str, outside: str) -> None:
    assert allows(action, f"arn:aws:{inside}")
    assert not allows(action, f"arn:aws:{outside}")


def test_no_action_is_a_wildcard_and_open_resources_are_bounded() -> None:
    readable = {"Describe", "Get", "List", "Validate"}
    for statement in launch_policy_document()["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        if "*" in statement["Resource"] and "Condition" not in statement:
            for action in statement["Action"]:
                assert any(action.split(":")[1].startswith(verb) for verb in readable), action


def test_with_a_boundary_every_role_has_to_carry_it() -> None:
    boundary = "arn:aws:iam::111122223333:policy/bound"
    role = "arn:aws:iam::111122223333:role/sagemaker-projects/sagemaker-p-1-seed"

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        (statement,) = allows(action, role, permissions_boundary=boundary)
        assert statement["Condition"] == {"ArnLike": {"iam:PermissionsBoundary": boundary}}
    assert not allows("iam:DeleteRolePermissionsBoundary", role, permissions_boundary=boundary)


def test_it_fits_an_inline_policy() -> None:
    # IAM quotas: 10,240 characters over all inline policies of a role, white space not counted.
    assert len(json.dumps(launch_policy_document(), separators=(",", ":"))) < 10_240
