"""The roles that must exist in the hub and in every account that launches products.

One CloudFormation template, the same everywhere, so that an account's state is one digest.
Service Catalog resolves a launch constraint's local role name in the account that launches, and
asks for the role in the hub too
(docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from catalog.products.launch_policy import launch_policy_document

STACK_NAME: Final = "sagemaker-catalog-roles"
INLINE_POLICY_LIMIT: Final = 10_240
"""Characters of all inline policies of one role, white space not counted (IAM quotas)."""


@dataclass(frozen=True, kw_only=True)
class RolesTemplate:
    """The roles template of one catalog.

    Attributes:
        body: CloudFormation template as JSON.
        digest: lower-case hex sha256 of `body`.
    """

    body: str = field(repr=False)
    digest: str


@dataclass(frozen=True, kw_only=True)
class StudioRoles:
    """What projects from Studio's S3 templates need in an account.

    Attributes:
        launch_role: name of the role that CloudFormation takes on.
        use_policy: name of the managed policy for Studio execution roles.
        bucket_prefix: of the assets buckets.
    """

    launch_role: str
    use_policy: str
    bucket_prefix: str


def roles_template(
    *,
    launch_role: str,
    permissions_boundary: str | None = None,
    studio: StudioRoles | None = None,
) -> RolesTemplate:
    """Return the template of the roles that launching needs.

    Args:
        launch_role: name of the role that Service Catalog assumes to create a project.
        permissions_boundary: name of an IAM policy, present in every account, that every role of a
            project must carry; launches then give its ARN.
        studio: adds what Studio's S3 templates need.
    """
    boundary = f"arn:*:iam::*:policy/{permissions_boundary}" if permissions_boundary else None
    resources = {
        "LaunchRole": _role(
            name=launch_role,
            description="Creates, updates and deletes the resources of SageMaker projects",
            trusted="servicecatalog.amazonaws.com",
            policy=launch_policy_document(permissions_boundary=boundary),
        )
    }
    outputs: dict[str, Any] = {"LaunchRoleArn": {"Value": {"Fn::GetAtt": ["LaunchRole", "Arn"]}}}
    if studio:
        # CloudFormation alone may take it on: a data scientist hands it over with iam:PassRole and
        # cannot act as it, unlike a role that also trusts the Studio execution role.
        resources["StudioLaunchRole"] = _role(
            name=studio.launch_role,
            description="With which CloudFormation makes SageMaker projects of S3 templates",
            trusted="cloudformation.amazonaws.com",
            policy=launch_policy_document(permissions_boundary=boundary, service_catalog=False),
        )
        resources["StudioUse"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": studio.use_policy,
                "Description": "Lets Studio users start projects from the catalog's S3 templates",
                "PolicyDocument": _studio_use(studio),
            },
        }
        outputs["StudioLaunchRoleArn"] = {"Value": {"Fn::GetAtt": ["StudioLaunchRole", "Arn"]}}
        outputs["StudioUsePolicyArn"] = {"Value": {"Ref": "StudioUse"}}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles with which Service Catalog launches SageMaker project templates",
        "Resources": resources,
        "Outputs": outputs,
    }
    body = json.dumps(template, indent=1, sort_keys=True)
    return RolesTemplate(body=body, digest=hashlib.sha256(body.encode()).hexdigest())


def _role(*, name: str, description: str, trusted: str, policy: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": name,
            "Description": description,
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": trusted},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [{"PolicyName": "launch-projects", "PolicyDocument": policy}],
        },
    }


def _studio_use(studio: StudioRoles) -> dict[str, Any]:
    bucket = f"arn:*:s3:::{studio.bucket_prefix}-*"
    # The operations that CreateProject, UpdateProject and DeleteProject call on their caller's
    # behalf: docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
    statements: list[dict[str, Any]] = [
        {
            "Sid": "ReadTemplates",
            "Action": ["s3:GetObject", "s3:GetObjectTagging"],
            "Resource": f"{bucket}/studio/*",
        },
        {
            "Sid": "ListTemplates",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": "studio/*"}},
        },
        {
            "Sid": "FindTemplates",
            "Action": ["sagemaker:DescribeDomain", "sagemaker:ListTags"],
            "Resource": "arn:*:sagemaker:*:*:domain/*",
        },
        {
            "Sid": "KeepProjects",
            "Action": [
                "sagemaker:AddTags",
                "sagemaker:CreateProject",
                "sagemaker:DeleteProject",
                "sagemaker:DescribeProject",
                "sagemaker:UpdateProject",
            ],
            "Resource": "arn:*:sagemaker:*:*:project/*",
        },
        {
            "Sid": "KeepProjectStacks",
            "Action": [
                "cloudformation:CreateStack",
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:TagResource",
                "cloudformation:UpdateStack",
            ],
            # SageMaker names them SP-<project>-<id>.
            "Resource": "arn:*:cloudformation:*:*:stack/SP-*",
        },
        {
            "Sid": "Find",
            # Neither takes a resource.
            "Action": ["cloudformation:GetTemplateSummary", "sagemaker:ListProjects"],
            "Resource": "*",
        },
        {
            "Sid": "PassLaunchRole",
            "Action": "iam:PassRole",
            "Resource": f"arn:*:iam::*:role/{studio.launch_role}",
            "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        },
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", **statement} for statement in statements],
    }
