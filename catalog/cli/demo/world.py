"""The organisation that `local up` and `local demo` work in, and the ways into it.

A management account, a hub, three member accounts in two organizational units, and in each member
account a SageMaker execution role such as the Studio console creates.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from catalog.localaws.core.local import LocalAws
from catalog.localaws.organization import Organization, build_organization

MEMBERS: Final[Mapping[str, str]] = {
    "research": "data-science",
    "forecasting": "data-science",
    "operations": "business",
}
"""Member account → the organizational unit it is in."""
SCIENTIST_ACCOUNT: Final = "research"
EXECUTION_ROLE: Final = "AmazonSageMaker-ExecutionRole-20261122T090000"
EXECUTION_ROLE_PATH: Final = "/service-role/"


@dataclass(frozen=True, kw_only=True)
class World:
    """A running local AWS with an organisation in it."""

    aws: LocalAws
    organization: Organization

    def execution_role_arn(self, *, account: str) -> str:
        """Return the ARN of the data scientists' role in an account."""
        return f"arn:aws:iam::{account}:role{EXECUTION_ROLE_PATH}{EXECUTION_ROLE}"

    @property
    def scientist_account(self) -> str:
        """The account in which the demo starts a project."""
        return self.organization.members[SCIENTIST_ACCOUNT]


def build_world(aws: LocalAws) -> World:
    """Create the organisation and its execution roles with ordinary API calls."""
    world = World(aws=aws, organization=build_organization(aws, members=MEMBERS))
    # Once per organization, by its management account; sharing to OUs needs it.
    management = aws.session(account=world.organization.management, region="us-east-1")
    management.client("servicecatalog").enable_aws_organizations_access()
    for account in world.organization.members.values():
        _create_execution_role(aws, account=account)
    return world


def write_manifest(*, source: Path, destination: Path, organization: Organization) -> None:
    """Copy `catalog.yml` with the local organisation's ids in the place of the example's.

    Args:
        source: the repository's own manifest.
        destination: where the copy goes.
        organization: the local organisation.
    """
    yaml = YAML()
    manifest = yaml.load(source.read_text(encoding="utf-8"))
    manifest["organization"] = organization.organization_id
    manifest["hub"]["account"] = organization.hub
    for target in manifest["targets"]:
        if "ou" in target:
            target["ou"] = organization.ous["data-science"]
        elif "organization" in target:
            target["organization"] = organization.organization_id
    with destination.open("w", encoding="utf-8") as file:
        yaml.dump(manifest, file)


def write_profiles(*, world: World, folder: Path) -> Path:
    """Write an AWS config file with one profile per account and one for the data scientist.

    The keys in it open nothing but this local AWS.

    Returns:
        The file, for AWS_CONFIG_FILE.
    """
    accounts = {
        "management": world.organization.management,
        "hub": world.organization.hub,
        **world.organization.members,
    }
    region = world.organization.home_region
    lines = []
    for name, account in accounts.items():
        keys = world.aws.credentials(account=account)
        lines += [
            f"[profile {name}]",
            f"region = {region}",
            f"endpoint_url = {world.aws.endpoint_url}",
            f"aws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}",
            f"aws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}",
            "",
        ]
    lines += [
        "[profile data-scientist]",
        f"region = {region}",
        f"endpoint_url = {world.aws.endpoint_url}",
        f"role_arn = {world.execution_role_arn(account=world.scientist_account)}",
        f"source_profile = {SCIENTIST_ACCOUNT}",
        # The aws CLI keeps role credentials on disk by these settings: those of an earlier local
        # AWS, with the same role, must not be taken for this one's.
        f"role_session_name = data-scientist-{secrets.token_hex(4)}",
        "",
    ]
    path = folder / "aws-config"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _create_execution_role(aws: LocalAws, *, account: str) -> None:
    iam = aws.session(account=account, region="us-east-1").client("iam")
    iam.create_role(
        RoleName=EXECUTION_ROLE,
        Path=EXECUTION_ROLE_PATH,
        Description="SageMaker Studio execution role",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {
                            "Service": "sagemaker.amazonaws.com",
                            "AWS": f"arn:aws:iam::{account}:root",
                        },
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    iam.put_role_policy(
        RoleName=EXECUTION_ROLE,
        PolicyName="start-projects",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "StartProjects",
                        "Effect": "Allow",
                        "Action": [
                            "sagemaker:AddTags",
                            "sagemaker:CreateProject",
                            "sagemaker:DeleteProject",
                            "sagemaker:DescribeProject",
                            "sagemaker:ListProjects",
                            "sagemaker:ListTags",
                            "sagemaker:UpdateProject",
                            "servicecatalog:DescribeProduct",
                            "servicecatalog:DescribeProductView",
                            "servicecatalog:DescribeProvisionedProduct",
                            "servicecatalog:DescribeProvisioningParameters",
                            "servicecatalog:DescribeRecord",
                            "servicecatalog:ListLaunchPaths",
                            "servicecatalog:ProvisionProduct",
                            "servicecatalog:SearchProducts",
                            "servicecatalog:SearchProvisionedProducts",
                            "servicecatalog:TerminateProvisionedProduct",
                            "servicecatalog:UpdateProvisionedProduct",
                        ],
                        # What may be launched is decided by the portfolio's principals.
                        "Resource": "*",
                    },
                    {
                        "Sid": "ReadRepositories",
                        "Effect": "Allow",
                        "Action": ["codecommit:GitPull", "codecommit:GetRepository"],
                        "Resource": f"arn:aws:codecommit:*:{account}:sagemaker-*",
                    },
                ],
            }
        ),
    )
