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


def roles_template(*, launch_role: str, permissions_boundary: str | None = None) -> RolesTemplate:
    """Return the template of the roles that launching needs.

    Args:
        launch_role: name of the role that Service Catalog assumes to create a project.
        permissions_boundary: name of an IAM policy, present in every account, that every role of a
            project must carry; launches then give its ARN.
    """
    boundary = f"arn:*:iam::*:policy/{permissions_boundary}" if permissions_boundary else None
    role: dict[str, Any] = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": launch_role,
            "Description": "Creates, updates and deletes the resources of SageMaker projects",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "servicecatalog.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "launch-projects",
                    "PolicyDocument": launch_policy_document(permissions_boundary=boundary),
                }
            ],
        },
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles with which Service Catalog launches SageMaker project templates",
        "Resources": {"LaunchRole": role},
        "Outputs": {"LaunchRoleArn": {"Value": {"Fn::GetAtt": ["LaunchRole", "Arn"]}}},
    }
    body = json.dumps(template, indent=1, sort_keys=True)
    return RolesTemplate(body=body, digest=hashlib.sha256(body.encode()).hexdigest())
