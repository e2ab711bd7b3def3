"""Where approved models are deployed: this account, or accounts of their own for staging and prod.

What another account needs is granted to its root, narrowed by `aws:PrincipalArn` to the roles of
this project there: a policy that named a role directly would be refused until the role exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from catalog.bundles.model import Parameter
from catalog.products import names
from catalog.products.context import ParameterForm

DEPLOYS = "DeploysModels"
ENVIRONMENTS = ("dev", "staging", "prod")


@dataclass(frozen=True, kw_only=True)
class OtherAccount:
    """An account that an environment may lie in.

    Attributes:
        environment: `staging` or `prod`.
        parameter: name of the parameter that holds its id; empty means this account.
        condition: name of the condition under which it is another account.
    """

    environment: str
    parameter: str
    condition: str

    def role(self, name: str) -> str:
        """Return the ARN of a role of this project there."""
        return str(cdk.Fn.sub(names.role_arn(name, account=f"${{{self.parameter}}}")))


STAGING = OtherAccount(
    environment="staging", parameter="StagingAccountId", condition="StagingIsElsewhere"
)
PROD = OtherAccount(environment="prod", parameter="ProdAccountId", condition="ProdIsElsewhere")
OTHERS = {other.environment: other for other in (STAGING, PROD)}


class DeploymentTargets(Construct):
    """The parameters and conditions, and the policies that let other accounts in."""

    def __init__(self, scope: Construct, id_: str, *, form: ParameterForm, deploys: str) -> None:
        """Declare parameters and conditions.

        Args:
            scope: parent construct.
            id_: construct id.
            form: where parameters are declared.
            deploys: name of the parameter that turns deployment on.
        """
        super().__init__(scope, id_)
        self.condition = self._condition(DEPLOYS, cdk.Fn.condition_equals(_ref(deploys), "true"))
        elsewhere = []
        for other in OTHERS.values():
            form.add(
                self,
                Parameter(
                    name=other.parameter,
                    question=None,
                    default="",
                    allowed_pattern=r"^$|^\d{12}$",
                    description=f"Account of the {other.environment} environment; leave empty for"
                    " this account. Another account needs the project's deployment roles first.",
                    group="Delivery",
                ),
            )
            given = _ref(other.parameter)
            elsewhere.append(
                self._condition(
                    other.condition,
                    cdk.Fn.condition_and(
                        self.condition,
                        cdk.Fn.condition_not(cdk.Fn.condition_equals(given, "")),
                        cdk.Fn.condition_not(cdk.Fn.condition_equals(given, cdk.Aws.ACCOUNT_ID)),
                    ),
                )
            )
        self._condition("AnyIsElsewhere", cdk.Fn.condition_or(*elsewhere))

    def key_statements(self) -> list[Any]:
        """Return what the key's policy grants to other accounts."""
        return [
            *self._grants(
                "ReadArtifacts",
                actions=["kms:Decrypt", "kms:DescribeKey"],
                resources=["*"],
                roles=[names.DEPLOYER_ROLE, names.STACKS_ROLE],
            ),
            *self._grants(
                "UseModels",
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                resources=["*"],
                roles=[names.ENDPOINT_ROLE],
            ),
            *self._grants(
                "EncryptVolumes",
                actions=["kms:CreateGrant"],
                resources=["*"],
                roles=[names.STACKS_ROLE],
                condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
            ),
        ]

    def bucket_statements(self) -> list[Any]:
        """Return what the bucket's policy grants to other accounts."""
        return [
            *self._grants(
                "ReadTemplates",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[cdk.Fn.sub(names.bucket_arn(names.PIPELINE_ARTIFACTS))],
                roles=[names.DEPLOYER_ROLE],
            ),
            *self._grants(
                "ReadModels",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[cdk.Fn.sub(names.bucket_arn("models/*"))],
                roles=[names.ENDPOINT_ROLE, names.STACKS_ROLE],
            ),
            *self._grants(
                "CaptureData",
                actions=["s3:PutObject"],
                resources=[cdk.Fn.sub(names.bucket_arn("capture/*"))],
                roles=[names.ENDPOINT_ROLE],
            ),
        ]

    def registry_policy(self) -> Any:
        """Return the policy of the model package group; none while there is no other account."""
        group = names.MODEL_PACKAGE_GROUP
        versions = names.regional_arn("sagemaker", f"model-package/{group}/*")
        statements = self._grants(
            "DeployModels",
            actions=["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
            resources=[cdk.Fn.sub(versions)],
            roles=[names.STACKS_ROLE],
        )
        policy = {"Version": "2012-10-17", "Statement": statements}
        return cdk.Fn.condition_if("AnyIsElsewhere", policy, cdk.Aws.NO_VALUE)

    def _condition(self, name: str, expression: cdk.ICfnConditionExpression) -> cdk.CfnCondition:
        condition = cdk.CfnCondition(self, name, expression=expression)
        condition.override_logical_id(name)
        return condition

    def _grants(
        self,
        sid: str,
        *,
        actions: Sequence[str],
        resources: Sequence[str],
        roles: Sequence[str],
        condition: dict[str, Any] | None = None,
    ) -> list[Any]:
        return [
            cdk.Fn.condition_if(
                other.condition,
                {
                    "Sid": f"{other.environment.title()}{sid}",
                    "Effect": "Allow",
                    "Principal": {
                        "AWS": cdk.Fn.sub(
                            f"arn:${{AWS::Partition}}:iam::${{{other.parameter}}}:root"
                        )
                    },
                    "Action": sorted(actions),
                    "Resource": list(resources),
                    "Condition": {
                        **(condition or {}),
                        "ArnEquals": {"aws:PrincipalArn": [other.role(role) for role in roles]},
                    },
                },
                cdk.Aws.NO_VALUE,
            )
            for other in OTHERS.values()
        ]


def _ref(name: str) -> str:
    return str(cdk.Fn.ref(name))
