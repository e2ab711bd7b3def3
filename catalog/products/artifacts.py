"""The project's key and the bucket for everything that its pipelines read and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from catalog.products import names
from catalog.products.nag import acknowledge
from catalog.products.retention import keep

KEEP_DAYS_OF_OLD_VERSIONS = 90


class Artifacts(Construct):
    """A KMS key and a bucket that only TLS and only that key reach.

    Both outlive the stack, because they hold the team's models, and vanish when creating the
    stack fails, so that the launch can be repeated (`RetainExceptOnCreate`).
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        key_statements: Sequence[Any] = (),
        bucket_statements: Sequence[Any] = (),
    ) -> None:
        """Declare both.

        Args:
            scope: parent construct.
            id_: construct id.
            key_statements: more statements of the key's policy, for other accounts.
            bucket_statements: more statements of the bucket's policy, for other accounts.
        """
        super().__init__(scope, id_)
        self.key = kms.CfnKey(
            self,
            "Key",
            description=cdk.Fn.sub(
                "Artifacts of SageMaker project ${SageMakerProjectName} (${SageMakerProjectId})"
            ),
            enable_key_rotation=True,
            key_policy=_key_policy(key_statements),
            pending_window_in_days=7,
        )
        self.key.override_logical_id("ArtifactsKey")
        keep(self.key)

        self.bucket = s3.CfnBucket(
            self,
            "Bucket",
            bucket_name=cdk.Fn.sub(names.ARTIFACTS_BUCKET),
            bucket_encryption=s3.CfnBucket.BucketEncryptionProperty(
                server_side_encryption_configuration=[
                    s3.CfnBucket.ServerSideEncryptionRuleProperty(
                        bucket_key_enabled=True,
                        server_side_encryption_by_default=s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
                            sse_algorithm="aws:kms", kms_master_key_id=self.key.attr_arn
                        ),
                    )
                ]
            ),
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[
                    s3.CfnBucket.RuleProperty(
                        id="abandoned-uploads-and-old-versions",
                        status="Enabled",
                        abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                            days_after_initiation=7
                        ),
                        noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                            noncurrent_days=KEEP_DAYS_OF_OLD_VERSIONS
                        ),
                    )
                ]
            ),
            ownership_controls=s3.CfnBucket.OwnershipControlsProperty(
                rules=[
                    s3.CfnBucket.OwnershipControlsRuleProperty(
                        object_ownership="BucketOwnerEnforced"
                    )
                ]
            ),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
        )
        self.bucket.override_logical_id("ArtifactsBucket")
        keep(self.bucket)
        acknowledge(
            self.bucket,
            {
                "AwsSolutions-S1": "Reads and writes are recorded by the organisation's CloudTrail"
                " data events; a log bucket per project would be one more bucket to guard.",
            },
        )

        self.policy = s3.CfnBucketPolicy(
            self,
            "Policy",
            bucket=self.bucket.ref,
            policy_document=_bucket_policy(
                bucket_arn=self.bucket.attr_arn,
                key_arn=self.key.attr_arn,
                more=bucket_statements,
            ),
        )
        self.policy.override_logical_id("ArtifactsBucketPolicy")
        keep(self.policy)


def _key_policy(more: Sequence[Any]) -> dict[str, Any]:
    # The account's own IAM policies decide who uses the key: without this statement nobody could
    # ever manage it again once the launch role is gone.
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountDecidesByIam",
                "Effect": "Allow",
                "Principal": {
                    "AWS": cdk.Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
                },
                "Action": "kms:*",
                "Resource": "*",
            },
            *more,
        ],
    }


def _bucket_policy(*, bucket_arn: str, key_arn: str, more: Sequence[Any]) -> dict[str, Any]:
    objects = f"{bucket_arn}/*"
    everything = [bucket_arn, objects]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": everything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            _only(
                "NoOtherEncryption", objects, "s3:x-amz-server-side-encryption", equals="aws:kms"
            ),
            _only(
                "NoOtherKey",
                objects,
                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                equals=key_arn,
            ),
            *more,
        ],
    }


def _only(sid: str, objects: str, header: str, *, equals: str) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": objects,
        # A request without the header gets the bucket's default, which is the key. `IfExists`
        # would not do: a negated comparison holds when its key is missing.
        "Condition": {"Null": {header: "false"}, "StringNotEquals": {header: equals}},
    }
