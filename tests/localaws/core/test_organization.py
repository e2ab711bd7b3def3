"""AWS Organizations, and the organisation that tests and the demo use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization
from tests.localaws.core.roles import code_of

SC = "servicecatalog.amazonaws.com"


def client(aws: LocalAws, account: str) -> Any:
    return aws.session(account=account, region="eu-west-1").client("organizations")


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return code_of(error)


def test_ids_have_awss_forms_and_are_the_same_in_every_run(organization: Organization) -> None:
    assert re.fullmatch(r"o-[a-z0-9]{10}", organization.organization_id)
    assert re.fullmatch(r"r-[a-z0-9]{4}", organization.root_id)
    own = organization.root_id.removeprefix("r-")
    for unit in organization.ous.values():
        assert re.fullmatch(rf"ou-{own}-[a-z0-9]{{8}}", unit)
    assert all(re.fullmatch(r"\d{12}", account) for account in organization.accounts)
    assert len(set(organization.accounts)) == 5
    assert organization.hub == "774568646949"


def test_members_are_in_their_ous(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    unit = organization.ous["data-science"]
    listed = management.list_accounts_for_parent(ParentId=unit)["Accounts"]
    assert {a["Name"] for a in listed} == {"research", "forecasting"}
    assert set(aws.organizations.accounts_under(unit) or []) == set(organization.members.values())
    assert aws.organizations.accounts_under("ou-none-00000000") is None
    staging = organization.members["staging"]
    parents = management.list_parents(ChildId=staging)["Parents"]
    nested = organization.ous["data-science/pre-production"]
    assert parents == [{"Id": nested, "Type": "ORGANIZATIONAL_UNIT"}]
    assert aws.organizations.path(staging) == [
        organization.organization_id,
        organization.root_id,
        unit,
        nested,
    ]


def test_every_member_describes_the_organisation(aws: LocalAws, organization: Organization) -> None:
    for account in organization.accounts:
        described = client(aws, account).describe_organization()["Organization"]
        assert described["Id"] == organization.organization_id
        assert described["MasterAccountId"] == organization.management
    assert refused(client(aws, "999999999999").describe_organization) == (
        "AWSOrganizationsNotInUseException"
    )


def test_only_management_and_delegated_administrators_list_accounts(
    aws: LocalAws, organization: Organization
) -> None:
    for account in (organization.management, organization.hub):
        assert len(client(aws, account).list_accounts()["Accounts"]) == 5
    member = client(aws, organization.members["research"])
    assert refused(member.list_accounts) == "AccessDeniedException"
    hub = client(aws, organization.hub)
    unit = organization.ous["data-science"]
    assert refused(hub.create_organizational_unit, ParentId=unit, Name="x") == (
        "AccessDeniedException"
    )


def test_lists_come_in_pages(aws: LocalAws) -> None:
    built = build_organization(aws, members={f"team-{n}": "teams" for n in range(45)})
    management = client(aws, built.management)
    pages = list(management.get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [20, 20, 7]
    assert len({a["Id"] for page in pages for a in page["Accounts"]}) == 47
    assert len(management.list_accounts(MaxResults=3)["Accounts"]) == 3
    assert refused(management.list_accounts, NextToken="zzzz") == "InvalidInputException"


def test_management_and_hub_enter_members_as_administrators(
    aws: LocalAws, organization: Organization
) -> None:
    member = organization.members["research"]
    role = organization.access_role(member)

    def enter(account: str) -> str:
        sts = aws.session(account=account).client("sts")
        sts.assume_role(RoleArn=role, RoleSessionName="enter")
        return account

    assert enter(organization.management)
    assert enter(organization.hub)
    with pytest.raises(ClientError, match="AccessDenied"):
        enter(organization.members["forecasting"])
    inside = aws.session(account=member, role_arn=role, region="eu-west-1")
    inside.client("ssm").put_parameter(Name="/x", Value="1", Type="String")


def test_delegated_administrators(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    research = organization.members["research"]
    assert aws.organizations.is_delegated_administrator(organization.hub, service_principal=SC)
    assert not aws.organizations.is_delegated_administrator(research, service_principal=SC)
    admins = management.list_delegated_administrators(ServicePrincipal=SC)
    assert [a["Id"] for a in admins["DelegatedAdministrators"]] == [organization.hub]
    services = management.list_delegated_services_for_account(AccountId=organization.hub)
    assert SC in {s["ServicePrincipal"] for s in services["DelegatedServices"]}
    register = management.register_delegated_administrator
    assert refused(register, AccountId=organization.hub, ServicePrincipal=SC) == (
        "AccountAlreadyRegisteredException"
    )
    assert refused(register, AccountId=organization.management, ServicePrincipal=SC) == (
        "ConstraintViolationException"
    )
    assert refused(register, AccountId=research, ServicePrincipal="ram.amazonaws.com") == (
        "ConstraintViolationException"
    )
    assert refused(register, AccountId="999999999999", ServicePrincipal=SC) == (
        "AccountNotFoundException"
    )
    assert refused(management.disable_aws_service_access, ServicePrincipal=SC) == (
        "ConstraintViolationException"
    )
    deregister = management.deregister_delegated_administrator
    deregister(AccountId=organization.hub, ServicePrincipal=SC)
    assert not aws.organizations.is_delegated_administrator(organization.hub, service_principal=SC)
    assert refused(deregister, AccountId=organization.hub, ServicePrincipal=SC) == (
        "AccountNotRegisteredException"
    )
    management.disable_aws_service_access(ServicePrincipal=SC)
    assert not aws.organizations.service_access_enabled(research, service_principal=SC)


def test_accounts_are_created_in_the_background(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    aws.faults.transition_seconds = 60
    status = management.create_account(AccountName="new", Email="new@example.com")
    assert status["CreateAccountStatus"]["State"] == "IN_PROGRESS"
    assert "AccountId" not in status["CreateAccountStatus"]
    assert len(management.list_accounts()["Accounts"]) == 5
    creating = management.list_create_account_status(States=["IN_PROGRESS"])
    assert [s["AccountName"] for s in creating["CreateAccountStatuses"]] == ["new"]
    again = refused(management.create_account, AccountName="n", Email="new@example.com")
    assert again == "ConstraintViolationException"


def test_moving_closing_and_leaving(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    research, unit = organization.members["research"], organization.ous["data-science"]
    move = management.move_account
    wrong = {"AccountId": research, "SourceParentId": organization.root_id}
    assert refused(move, **wrong, DestinationParentId=unit) == "SourceParentNotFoundException"
    right = {"AccountId": research, "SourceParentId": unit}
    assert refused(move, **right, DestinationParentId=unit) == "DuplicateAccountException"
    move(**right, DestinationParentId=organization.root_id)
    assert research not in (aws.organizations.accounts_under(unit) or [])
    management.close_account(AccountId=research)
    assert management.describe_account(AccountId=research)["Account"]["Status"] == "SUSPENDED"
    assert research not in aws.organizations.accounts(organization.management)
    assert refused(management.close_account, AccountId=research) == (
        "AccountAlreadyClosedException"
    )
    assert refused(management.remove_account_from_organization, AccountId=organization.hub) == (
        "ConstraintViolationException"
    )
    management.remove_account_from_organization(AccountId=organization.members["forecasting"])
    assert aws.organizations.of(organization.members["forecasting"]) is None


def test_organizational_units(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    root = organization.root_id
    made = management.create_organizational_unit(ParentId=root, Name="extra")
    unit = made["OrganizationalUnit"]["Id"]
    create = management.create_organizational_unit
    assert refused(create, ParentId=root, Name="extra") == "DuplicateOrganizationalUnitException"
    management.update_organizational_unit(OrganizationalUnitId=unit, Name="renamed")
    described = management.describe_organizational_unit(OrganizationalUnitId=unit)
    assert described["OrganizationalUnit"]["Name"] == "renamed"
    full = organization.ous["data-science"]
    delete = management.delete_organizational_unit
    assert refused(delete, OrganizationalUnitId=full) == "OrganizationalUnitNotEmptyException"
    delete(OrganizationalUnitId=unit)
    assert refused(delete, OrganizationalUnitId=unit) == "OrganizationalUnitNotFoundException"


def test_tags(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    account = organization.members["research"]
    tags = [{"Key": "stage", "Value": "prod"}, {"Key": "team", "Value": "red"}]
    management.tag_resource(ResourceId=account, Tags=tags)
    management.untag_resource(ResourceId=account, TagKeys=["team"])
    assert management.list_tags_for_resource(ResourceId=account)["Tags"] == tags[:1]
    assert refused(management.list_tags_for_resource, ResourceId="999999999999") == (
        "TargetNotFoundException"
    )


def test_what_is_not_emulated_says_so(aws: LocalAws, organization: Organization) -> None:
    management = client(aws, organization.management)
    code = refused(management.list_policies, Filter="SERVICE_CONTROL_POLICY")
    assert code == "NotEmulated"
