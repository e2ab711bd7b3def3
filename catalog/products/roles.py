"""IAM roles of a project: a fixed path, one inline policy, an optional permissions boundary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from catalog.bundles.model import Parameter
from catalog.products import names
from catalog.products.context import ParameterForm
from catalog.products.nag import acknowledge


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One Allow statement of a role's policy.

    Attributes:
        sid: what it is for, as an IAM statement id.
        actions: IAM actions, never with a wildcard.
        resources: `Fn::Sub` texts, or CDK tokens.
        condition: IAM condition block.
        wildcards: for each resource that ends in, or holds, a wildcard: why it is needed.
        only_if: name of the CloudFormation condition under which the statement exists.
        variables: values for names in `resources` that are no parameters.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    condition: Mapping[str, Any] | None = None
    wildcards: str = ""
    only_if: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def render(self) -> dict[str, Any]:
        """Return the statement as it stands in the template."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": [self._sub(resource) for resource in self.resources],
        }
        if self.condition:
            statement["Condition"] = dict(self.condition)
        if self.only_if:
            return {"Fn::If": [self.only_if, statement, {"Ref": "AWS::NoValue"}]}
        return statement

    def _sub(self, text: str) -> str:
        if cdk.Token.is_unresolved(text):
            return text
        if "${" not in text:
            return text
        return str(cdk.Fn.sub(text, self._used(text) or None))

    def _used(self, text: str) -> dict[str, str]:
        return {name: value for name, value in self.variables.items() if f"${{{name}}}" in text}

    def finding(self, text: str, *, scope: Construct) -> str:
        """Return the id of cdk-nag's finding on the wildcard in one of the resources."""
        if used := self._used(text):
            shown = json.dumps([text, cdk.Stack.of(scope).resolve(used)], separators=(",", ":"))
        else:
            shown = text.replace("${", "<").replace("}", ">")
        return f"AwsSolutions-IAM5[Resource::{shown}]"


class PermissionsBoundary(Construct):
    """The parameter that puts every role of the project under an organisation's boundary."""

    def __init__(self, scope: Construct, id_: str, *, form: ParameterForm) -> None:
        super().__init__(scope, id_)
        name = form.add(
            self,
            Parameter(
                name="PermissionsBoundaryArn",
                question=None,
                default="",
                allowed_pattern=r"^$|^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+$",
                description="ARN of the permissions boundary for every role of this project;"
                " leave empty if your organisation does not ask for one.",
                group="Security",
            ),
            max_length=256,
        )
        condition = cdk.CfnCondition(
            self,
            "Given",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(cdk.Fn.ref(name), "")),
        )
        condition.override_logical_id("HasPermissionsBoundary")
        self.value = cdk.Fn.condition_if(
            "HasPermissionsBoundary", cdk.Fn.ref(name), cdk.Aws.NO_VALUE
        ).to_string()


class ProjectRole(Construct):
    """A role that one AWS service assumes for this project, with exactly the given statements."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        description: str,
        service: str,
        boundary: PermissionsBoundary,
        statements: Sequence[Statement],
        trust_condition: Mapping[str, Any] | None = None,
    ) -> None:
        """Declare the role.

        Args:
            scope: parent construct.
            id_: logical id of the role in the template.
            name: `Fn::Sub` text of its name.
            description: what it is for, shown in IAM.
            service: service principal that assumes it.
            boundary: the project's permissions boundary.
            statements: what it may do.
            trust_condition: condition of the trust policy, against the confused deputy.
        """
        super().__init__(scope, id_)
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        if trust_condition:
            trust["Condition"] = dict(trust_condition)
        self.role = iam.CfnRole(
            self,
            "Role",
            role_name=cdk.Fn.sub(name),
            path=names.ROLE_PATH,
            description=description,
            assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
            permissions_boundary=boundary.value,
            policies=[
                iam.CfnRole.PolicyProperty(
                    policy_name="project",
                    policy_document={
                        "Version": "2012-10-17",
                        "Statement": [statement.render() for statement in statements],
                    },
                )
            ],
        )
        self.role.override_logical_id(id_)
        self.arn = self.role.attr_arn
        for statement in statements:
            if statement.wildcards:
                acknowledge(
                    self.role,
                    {
                        statement.finding(resource, scope=self): statement.wildcards
                        for resource in statement.resources
                        if "*" in resource
                    },
                )


def own_account() -> dict[str, Any]:
    """Return the trust condition that only this account's resources use the role."""
    return {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}


def write_logs(group: str) -> Statement:
    """Return the right to write to one log group, given as `Fn::Sub` text of its name."""
    return Statement(
        sid="WriteLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[names.regional_arn("logs", f"log-group:{group}:*")],
        wildcards="Log streams of this one log group; their names are made by the service.",
    )


def use_key(key_arn: str) -> Statement:
    """Return the right to read and write what the project's key encrypts."""
    return Statement(
        sid="UseKey",
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        resources=[key_arn],
    )
