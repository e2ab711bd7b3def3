"""Setting up an organisation in the local AWS with ordinary API calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.localaws.core.local import LocalAws

MANAGEMENT_ACCOUNT = "100000000001"
SERVICE_CATALOG = "servicecatalog.amazonaws.com"
STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"
ACCESS_ROLE = "OrganizationAccountAccessRole"
DEFAULT_MEMBERS: Mapping[str, str] = {
    "research": "data-science",
    "forecasting": "data-science",
    "staging": "data-science/pre-production",
}


@dataclass(frozen=True, kw_only=True)
class Organization:
    """An organisation that `build_organization` made.

    Attributes:
        management: account id of the management account.
        hub: account id of the delegated administrator of Service Catalog and StackSets.
        members: account ids by name, without the two above.
        ous: OU ids by path ("data-science/pre-production").
        regions: the regions it works in, the home region first.
    """

    management: str
    hub: str
    members: Mapping[str, str]
    ous: Mapping[str, str]
    organization_id: str
    root_id: str
    regions: tuple[str, ...]

    @property
    def home_region(self) -> str:
        """The first region."""
        return self.regions[0]

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account id: management, hub, members."""
        return (self.management, self.hub, *self.members.values())

    def access_role(self, account: str) -> str:
        """Return the ARN of the role by which management and hub enter `account`."""
        return f"arn:aws:iam::{account}:role/{ACCESS_ROLE}"


def build_organization(
    aws: LocalAws,
    *,
    members: Mapping[str, str] = DEFAULT_MEMBERS,
    ous: Sequence[str] = (),
    regions: Sequence[str] = ("eu-west-1", "us-east-1"),
    hub_ou: str = "infrastructure",
    delegated_services: Sequence[str] = (SERVICE_CATALOG, STACK_SETS),
) -> Organization:
    """Create a management account, a hub and member accounts in OUs.

    Args:
        aws: a running local AWS.
        members: for each member account's name, the path of its OU ("" for the root).
        ous: further OU paths to create, empty ones.
        regions: what `Organization.regions` says; nothing is created per region.
        hub_ou: path of the hub's OU.
        delegated_services: service principals that the hub is made delegated administrator of.

    Returns:
        What was made. The access role of every account trusts the management account, and that
        of members the hub too.
    """
    session = aws.session(account=MANAGEMENT_ACCOUNT, region=regions[0])
    client = session.client("organizations")
    organization = client.create_organization(FeatureSet="ALL")["Organization"]
    root = client.list_roots()["Roots"][0]["Id"]
    paths = {path for path in (*members.values(), *ous, hub_ou) if path}
    units = _create_units(client, root=root, paths=paths)
    placed = {"hub": hub_ou, **members}
    accounts = _create_accounts(aws, client, names=list(placed))
    for name, path in placed.items():
        if path:
            client.move_account(
                AccountId=accounts[name], SourceParentId=root, DestinationParentId=units[path]
            )
    hub = accounts.pop("hub")
    for principal in delegated_services:
        client.enable_aws_service_access(ServicePrincipal=principal)
        client.register_delegated_administrator(AccountId=hub, ServicePrincipal=principal)
    for member in accounts.values():
        _trust(aws, account=member, trusted=(MANAGEMENT_ACCOUNT, hub))
    return Organization(
        management=MANAGEMENT_ACCOUNT,
        hub=hub,
        members=accounts,
        ous=units,
        organization_id=organization["Id"],
        root_id=root,
        regions=tuple(regions),
    )


def _create_units(client: Any, *, root: str, paths: set[str]) -> dict[str, str]:
    units: dict[str, str] = {}
    for path in sorted(paths):
        parent, so_far = root, ""
        for name in path.split("/"):
            so_far = f"{so_far}/{name}" if so_far else name
            if so_far not in units:
                unit = client.create_organizational_unit(ParentId=parent, Name=name)
                units[so_far] = unit["OrganizationalUnit"]["Id"]
            parent = units[so_far]
    return units


def _create_accounts(aws: LocalAws, client: Any, *, names: Sequence[str]) -> dict[str, str]:
    requests = {
        name: client.create_account(AccountName=name, Email=f"{name}@example.com")[
            "CreateAccountStatus"
        ]["Id"]
        for name in names
    }
    accounts: dict[str, str] = {}
    for name, request in requests.items():
        status: dict[str, Any] = {}

        def finished(request: str = request, status: dict[str, Any] = status) -> bool:
            answer = client.describe_create_account_status(CreateAccountRequestId=request)
            status.update(answer["CreateAccountStatus"])
            return bool(status["State"] != "IN_PROGRESS")

        aws.wait(finished)
        accounts[name] = status["AccountId"]
    return accounts


def _trust(aws: LocalAws, *, account: str, trusted: Sequence[str]) -> None:
    iam = aws.client_as(aws.credentials(account=account), "iam", region="us-east-1")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": [f"arn:aws:iam::{other}:root" for other in trusted]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.update_assume_role_policy(RoleName=ACCESS_ROLE, PolicyDocument=json.dumps(policy))
