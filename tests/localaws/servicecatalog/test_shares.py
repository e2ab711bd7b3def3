"""Shares: with accounts, and with nodes of the organisation."""

from __future__ import annotations

from typing import Any

import pytest

PATTERN = "arn:aws:iam:::role/*sagemaker*"


def _imported(bench: Any, kind: str = "IMPORTED") -> set[str]:
    page = bench.sc.list_accepted_portfolio_shares(PortfolioShareType=kind)
    return {p["Id"] for p in page["PortfolioDetails"]}


def test_an_account_share_is_seen_once_it_is_accepted(organised: Any, refused: Any) -> None:
    hub, member = organised.hub, organised.member
    made = hub.make()
    answer = hub.sc.create_portfolio_share(PortfolioId=made.portfolio, AccountId=member.account)
    assert "PortfolioShareToken" not in answer
    hub.sc.create_portfolio_share(PortfolioId=made.portfolio, AccountId=member.account)

    def shares() -> Any:
        page = hub.sc.describe_portfolio_shares(PortfolioId=made.portfolio, Type="ACCOUNT")
        return [(s["PrincipalId"], s["Accepted"]) for s in page["PortfolioShareDetails"]]

    assert shares() == [(member.account, False)]
    refused("ResourceNotFoundException", member.sc.describe_portfolio, Id=made.portfolio)
    assert made.portfolio not in _imported(member)
    member.sc.accept_portfolio_share(PortfolioId=made.portfolio)
    assert shares() == [(member.account, True)]
    assert made.portfolio in _imported(member)
    assert member.products_in(made.portfolio) == [made.product]
    assert hub.sc.list_portfolio_access(PortfolioId=made.portfolio)["AccountIds"] == [
        member.account
    ]
    hub.sc.update_portfolio(Id=made.portfolio, DisplayName="Renamed")
    seen = member.sc.describe_portfolio(Id=made.portfolio)["PortfolioDetail"]["DisplayName"]
    assert seen == "Renamed"
    hub.sc.delete_portfolio_share(PortfolioId=made.portfolio, AccountId=member.account)
    refused("ResourceNotFoundException", member.sc.describe_portfolio, Id=made.portfolio)


def test_a_recipient_may_reject(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    portfolio = hub.portfolio()
    hub.sc.create_portfolio_share(PortfolioId=portfolio, AccountId=member.account)
    member.sc.accept_portfolio_share(PortfolioId=portfolio)
    member.sc.reject_portfolio_share(PortfolioId=portfolio)
    assert portfolio not in _imported(member)


def test_nothing_offered_nothing_accepted(organised: Any, refused: Any) -> None:
    hub, member = organised.hub, organised.member
    portfolio = hub.portfolio()
    for operation in (member.sc.accept_portfolio_share, member.sc.reject_portfolio_share):
        message = refused("ResourceNotFoundException", operation, PortfolioId=portfolio)
        assert message == "Portfolio not found"
    organised.share(portfolio, "ORGANIZATION", organised.organization.organization_id)
    accept = member.sc.accept_portfolio_share
    refused("ResourceNotFoundException", accept, PortfolioId=portfolio)
    accept(PortfolioId=portfolio, PortfolioShareType="AWS_ORGANIZATIONS")
    refused(
        "ResourceNotFoundException",
        accept,
        PortfolioId=portfolio,
        PortfolioShareType="AWS_SERVICECATALOG",
    )


@pytest.mark.parametrize("by", ["bare id", "arn"])
@pytest.mark.parametrize("kind", ["ORGANIZATION", "ORGANIZATIONAL_UNIT", "ACCOUNT"])
def test_an_organisation_share_needs_no_accept(organised: Any, kind: str, by: str) -> None:
    hub, member, other, organization = (
        organised.hub, organised.member, organised.other, organised.organization
    )  # fmt: skip
    root = f"arn:aws:organizations::{organization.management}"
    value, arn = {
        "ORGANIZATION": (
            organization.organization_id,
            f"{root}:organization/{organization.organization_id}",
        ),
        "ORGANIZATIONAL_UNIT": (
            organization.ous["data-science"],
            f"{root}:ou/{organization.organization_id}/{organization.ous['data-science']}",
        ),
        "ACCOUNT": (member.account, member.account),
    }[kind]
    portfolio = hub.portfolio()
    done = organised.share(portfolio, kind, arn if by == "arn" else value)
    assert done["Status"] == "COMPLETED"
    assert done["OrganizationNodeValue"] == value
    assert member.account in done["ShareDetails"]["SuccessfulShares"]
    assert hub.account not in done["ShareDetails"]["SuccessfulShares"]
    assert portfolio in _imported(member, "AWS_ORGANIZATIONS")
    assert portfolio not in _imported(member)
    # The other member sits in a nested OU: it is reached by the OU above it.
    assert (portfolio in _imported(other, "AWS_ORGANIZATIONS")) == (kind != "ACCOUNT")
    listed = "ORGANIZATION_MEMBER_ACCOUNT" if kind == "ACCOUNT" else kind
    shares = hub.sc.describe_portfolio_shares(PortfolioId=portfolio, Type=listed)
    assert shares["PortfolioShareDetails"] == [
        {
            "PrincipalId": value,
            "Type": listed,
            "Accepted": True,
            "ShareTagOptions": False,
            "SharePrincipals": False,
        }
    ]
    nodes = hub.sc.list_organization_portfolio_access(
        PortfolioId=portfolio, OrganizationNodeType=kind
    )
    assert nodes["OrganizationNodes"] == [{"Type": kind, "Value": value}]


def test_a_share_is_on_its_way_for_a_while_and_regional(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    portfolio = hub.portfolio()
    hub.aws.faults.transition_seconds = 0.4
    token = hub.sc.create_portfolio_share(
        PortfolioId=portfolio,
        OrganizationNode={
            "Type": "ORGANIZATION", "Value": organised.organization.organization_id
        },
    )["PortfolioShareToken"]  # fmt: skip
    assert token.startswith("share-")
    status = hub.sc.describe_portfolio_share_status(PortfolioShareToken=token)["Status"]
    assert status in ("NOT_STARTED", "IN_PROGRESS")
    assert portfolio not in _imported(member, "AWS_ORGANIZATIONS")
    organised.finished(token)
    assert portfolio in _imported(member, "AWS_ORGANIZATIONS")
    assert portfolio not in _imported(member.at(region="eu-west-1"), "AWS_ORGANIZATIONS")


def test_share_update_and_delete(organised: Any, refused: Any) -> None:
    hub, member = organised.hub, organised.member
    portfolio = hub.portfolio()
    node = {"Type": "ORGANIZATION", "Value": organised.organization.organization_id}
    hub.grant(portfolio, PATTERN, "IAM_PATTERN")
    organised.share(portfolio, node["Type"], node["Value"])

    def flags() -> tuple[bool, bool]:
        page = hub.sc.describe_portfolio_shares(PortfolioId=portfolio, Type="ORGANIZATION")
        share = page["PortfolioShareDetails"][0]
        return share["ShareTagOptions"], share["SharePrincipals"]

    def principals() -> list[str]:
        page = member.sc.list_principals_for_portfolio(PortfolioId=portfolio)
        return [p["PrincipalARN"] for p in page["Principals"]]

    assert (flags(), principals()) == ((False, False), [])
    update = {"PortfolioId": portfolio, "OrganizationNode": node}
    answer = hub.sc.update_portfolio_share(**update, SharePrincipals=True)
    assert answer["Status"] in ("NOT_STARTED", "IN_PROGRESS")
    organised.finished(answer["PortfolioShareToken"])
    assert (flags(), principals()) == ((False, True), [PATTERN])
    organised.finished(
        hub.sc.update_portfolio_share(**update, ShareTagOptions=True)["PortfolioShareToken"]
    )
    assert flags() == (True, True)
    # Creating what exists changes nothing.
    organised.share(portfolio, node["Type"], node["Value"], SharePrincipals=False)
    assert flags() == (True, True)
    organised.finished(hub.sc.delete_portfolio_share(**update)["PortfolioShareToken"])
    refused("ResourceNotFoundException", member.sc.describe_portfolio, Id=portfolio)
    refused("ResourceNotFoundException", hub.sc.delete_portfolio_share, **update)
    refused("ResourceNotFoundException", hub.sc.update_portfolio_share, **update)


@pytest.mark.parametrize(
    ("scope", "blocked"),
    [
        ("portfolio", {"same"}),
        ("region", {"same", "other portfolio"}),
        ("account", {"same", "other portfolio", "other region"}),
    ],
)
def test_one_share_action_at_a_time(organised: Any, scope: str, blocked: set[str]) -> None:
    hub, organization = organised.hub, organised.organization
    hub.aws.switches.share_lock_scope = scope
    elsewhere = hub.at(region="eu-west-1")
    portfolio, second, third = hub.portfolio(), hub.portfolio(), elsewhere.portfolio()
    hub.aws.faults.transition_seconds = 0.5
    node = {"Type": "ORGANIZATION", "Value": organization.organization_id}
    unit = {"Type": "ORGANIZATIONAL_UNIT", "Value": organization.ous["data-science"]}
    first = hub.sc.create_portfolio_share(PortfolioId=portfolio, OrganizationNode=node)
    attempts = {
        "same": (hub, portfolio),
        "other portfolio": (hub, second),
        "other region": (elsewhere, third),
    }
    busy = set()
    for name, (bench, target) in attempts.items():
        try:
            # An update is refused for the missing share only after it is refused for being busy.
            bench.sc.update_portfolio_share(PortfolioId=target, OrganizationNode=unit)
        except bench.sc.exceptions.InvalidStateException:
            busy.add(name)
        except bench.sc.exceptions.ResourceNotFoundException:
            pass
    organised.finished(first["PortfolioShareToken"])
    assert busy == blocked


def test_some_accounts_may_fail(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    hub.service.share_errors[member.account] = "Throttling"
    portfolio = hub.portfolio()
    done = organised.share(portfolio, "ORGANIZATION", organised.organization.organization_id)
    assert done["Status"] == "COMPLETED_WITH_ERRORS"
    error = done["ShareDetails"]["ShareErrors"][0]
    assert (error["Accounts"], error["Error"]) == ([member.account], "Throttling")
    assert portfolio not in _imported(member, "AWS_ORGANIZATIONS")
    assert portfolio in _imported(organised.other, "AWS_ORGANIZATIONS")
    hub.service.share_errors.clear()
    node = {"Type": "ORGANIZATION", "Value": organised.organization.organization_id}
    organised.finished(
        hub.sc.delete_portfolio_share(PortfolioId=portfolio, OrganizationNode=node)[
            "PortfolioShareToken"
        ]
    )
    organised.share(portfolio, "ORGANIZATION", organised.organization.organization_id)
    assert portfolio in _imported(member, "AWS_ORGANIZATIONS")


def test_refused_shares(organised: Any, refused: Any) -> None:
    hub, member, organization = organised.hub, organised.member, organised.organization
    portfolio = hub.portfolio()
    share = hub.sc.create_portfolio_share
    node = {"Type": "ORGANIZATION", "Value": organization.organization_id}
    invalid = "InvalidParametersException"
    refused(invalid, share, PortfolioId=portfolio)
    refused(invalid, share, PortfolioId=portfolio, AccountId=member.account, OrganizationNode=node)
    refused(invalid, share, PortfolioId=portfolio, AccountId=hub.account)
    refused(invalid, share, PortfolioId=portfolio, AccountId=member.account, SharePrincipals=True)
    refused(
        invalid,
        share,
        PortfolioId=portfolio,
        OrganizationNode={"Type": "ORGANIZATION", "Value": organization.ous["data-science"]},
    )
    missing = "ResourceNotFoundException"
    refused(
        missing,
        share,
        PortfolioId=portfolio,
        OrganizationNode={"Type": "ORGANIZATIONAL_UNIT", "Value": "ou-abcd-12345678"},
    )
    refused(missing, share, PortfolioId="port-none", AccountId=member.account)
    refused(missing, hub.sc.describe_portfolio_share_status, PortfolioShareToken="share-none")
    refused(missing, hub.sc.describe_portfolio_shares, PortfolioId="port-none", Type="ACCOUNT")
    refused(missing, hub.sc.list_portfolio_access, PortfolioId="port-none")
    own = member.portfolio()
    refused(
        "OperationNotSupportedException",
        member.sc.create_portfolio_share,
        PortfolioId=own,
        OrganizationNode=node,
    )


def test_what_is_shared_with_you_is_not_yours(organised: Any, refused: Any) -> None:
    hub, member, other = organised.hub, organised.member, organised.other
    hub.role("launch")
    made = hub.make()
    constraint = hub.constrain(made, {"LocalRoleName": "launch"})
    organised.share(made.portfolio, "ORGANIZATION", organised.organization.organization_id)
    sc, names = member.sc, {"PortfolioId": made.portfolio, "ProductId": made.product}
    attempts = [
        (sc.update_portfolio, {"Id": made.portfolio}),
        (sc.delete_portfolio, {"Id": made.portfolio}),
        (sc.update_product, {"Id": made.product}),
        (sc.delete_product, {"Id": made.product}),
        (
            sc.update_provisioning_artifact,
            {"ProductId": made.product, "ProvisioningArtifactId": made.artifact},
        ),
        (
            sc.delete_provisioning_artifact,
            {"ProductId": made.product, "ProvisioningArtifactId": made.artifact},
        ),
        (
            sc.create_provisioning_artifact,
            {"ProductId": made.product, "Parameters": member.artifact("2")},
        ),
        (sc.create_portfolio_share, {"PortfolioId": made.portfolio, "AccountId": other.account}),
        (sc.disassociate_product_from_portfolio, names),
        (sc.create_constraint, {**names, "Type": "LAUNCH", "Parameters": "{}"}),
        (sc.update_constraint, {"Id": constraint}),
        (sc.delete_constraint, {"Id": constraint}),
    ]
    for operation, arguments in attempts:
        message = refused("InvalidParametersException", operation, **arguments)
        assert "shared with you" in message
    assert sc.describe_constraint(Id=constraint)["ConstraintParameters"]
    assert sc.list_provisioning_artifacts(ProductId=made.product)["ProvisioningArtifactDetails"]


def test_accounts_below_a_node_get_the_portfolio(organised: Any) -> None:
    hub, organization = organised.hub, organised.organization
    portfolio = hub.portfolio()
    organised.share(portfolio, "ORGANIZATIONAL_UNIT", organization.ous["data-science"])
    nested = organization.ous["data-science/pre-production"]
    below = hub.sc.list_portfolio_access(PortfolioId=portfolio, OrganizationParentId=nested)
    assert below["AccountIds"] == [organised.other.account]
    assert hub.sc.list_portfolio_access(PortfolioId=portfolio)["AccountIds"] == []


@pytest.mark.parametrize("switch", ["visible", "lost"])
def test_tags_of_imported_products(organised: Any, switch: str) -> None:
    hub, member = organised.hub, organised.member
    hub.aws.switches.imported_product_tags = switch
    made = hub.make(Tags=[{"Key": "sagemaker:studio-visibility", "Value": "true"}])
    organised.share(made.portfolio, "ORGANIZATION", organised.organization.organization_id)
    seen = member.sc.describe_product_as_admin(Id=made.product, SourcePortfolioId=made.portfolio)[
        "Tags"
    ]
    assert bool(seen) == (switch == "visible")
    assert hub.sc.describe_product_as_admin(Id=made.product)["Tags"]


def test_tag_options_travel_when_the_share_says_so(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    portfolio = hub.portfolio()
    option = hub.sc.create_tag_option(Key="team", Value=portfolio)["TagOptionDetail"]["Id"]
    hub.sc.associate_tag_option_with_resource(ResourceId=portfolio, TagOptionId=option)
    node = organised.organization.organization_id
    organised.share(portfolio, "ORGANIZATION", node)
    assert member.sc.describe_portfolio(Id=portfolio)["TagOptions"] == []
    update = hub.sc.update_portfolio_share(
        PortfolioId=portfolio,
        OrganizationNode={"Type": "ORGANIZATION", "Value": node},
        ShareTagOptions=True,
    )
    organised.finished(update["PortfolioShareToken"])
    assert [o["Value"] for o in member.sc.describe_portfolio(Id=portfolio)["TagOptions"]] == [
        portfolio
    ]


def test_a_recipient_takes_a_product_into_a_portfolio_of_its_own(
    organised: Any, refused: Any
) -> None:
    hub, member = organised.hub, organised.member
    made = hub.make()
    organised.share(made.portfolio, "ORGANIZATION", organised.organization.organization_id)
    local = member.portfolio("Local")
    arguments = {"PortfolioId": local, "ProductId": made.product}
    refused("InvalidParametersException", member.sc.associate_product_with_portfolio, **arguments)
    member.put_in(local, made.product, SourcePortfolioId=made.portfolio)
    refused("ResourceInUseException", hub.sc.delete_product, Id=made.product)
