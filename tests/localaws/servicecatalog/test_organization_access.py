"""Service Catalog's access to the organisation; each test has an organisation of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization


@pytest.fixture
def shared() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []


@pytest.fixture
def organization(shared: LocalAws) -> Organization:
    return build_organization(shared)


def test_only_the_management_account_may_enable_and_disable(organised: Any, refused: Any) -> None:
    for operation in ("enable_aws_organizations_access", "disable_aws_organizations_access"):
        for bench in (organised.hub, organised.member):
            refused("OperationNotSupportedException", getattr(bench.sc, operation))
        refused(
            "ResourceNotFoundException",
            getattr(organised.hub.at(account="999999999999").sc, operation),
        )
    status = organised.hub.sc.get_aws_organizations_access_status()
    assert status["AccessStatus"] == "ENABLED"
    refused(
        "OperationNotSupportedException",
        organised.member.sc.get_aws_organizations_access_status,
    )


def test_disabling_waits_for_the_delegated_administrators(organised: Any, refused: Any) -> None:
    management, organization = organised.management, organised.organization
    refused("InvalidStateException", management.sc.disable_aws_organizations_access)
    portfolio = organised.hub.portfolio()
    organised.share(portfolio, "ORGANIZATION", organization.organization_id)
    management.session.client("organizations").deregister_delegated_administrator(
        AccountId=organization.hub, ServicePrincipal="servicecatalog.amazonaws.com"
    )
    # Deregistering takes the administrator's shares away, for good.
    refused("ResourceNotFoundException", organised.member.sc.describe_portfolio, Id=portfolio)
    management.session.client("organizations").register_delegated_administrator(
        AccountId=organization.hub, ServicePrincipal="servicecatalog.amazonaws.com"
    )
    refused("ResourceNotFoundException", organised.member.sc.describe_portfolio, Id=portfolio)
    management.session.client("organizations").deregister_delegated_administrator(
        AccountId=organization.hub, ServicePrincipal="servicecatalog.amazonaws.com"
    )
    management.aws.faults.transition_seconds = 0.3
    management.sc.disable_aws_organizations_access()
    status = management.sc.get_aws_organizations_access_status
    assert status()["AccessStatus"] == "UNDER_CHANGE"
    refused("InvalidStateException", management.sc.enable_aws_organizations_access)
    management.wait(lambda: status()["AccessStatus"] == "DISABLED")
    own = management.portfolio()
    refused(
        "OperationNotSupportedException",
        management.sc.create_portfolio_share,
        PortfolioId=own,
        OrganizationNode={"Type": "ORGANIZATION", "Value": organization.organization_id},
    )
