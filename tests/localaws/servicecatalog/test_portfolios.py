"""Portfolios."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


def test_create_answers_what_was_sent_and_nothing_that_was_not(bench: Any) -> None:
    bare = bench.sc.create_portfolio(DisplayName="P", ProviderName="Platform")
    assert set(bare["PortfolioDetail"]) == {
        "Id", "ARN", "DisplayName", "CreatedTime", "ProviderName"
    }  # fmt: skip
    assert "Tags" not in bare
    full = bench.sc.create_portfolio(
        DisplayName="P", ProviderName="Platform", Description="d", Tags=[{"Key": "k", "Value": "v"}]
    )
    detail = full["PortfolioDetail"]
    assert detail["Description"] == "d"
    assert detail["ARN"] == f"arn:aws:catalog:us-east-1:{bench.account}:portfolio/{detail['Id']}"
    assert detail["Id"].startswith("port-")
    assert len(detail["Id"]) == len("port-") + 13
    assert full["Tags"] == [{"Key": "k", "Value": "v"}]


def test_names_are_not_unique(bench: Any) -> None:
    assert bench.portfolio("Same") != bench.portfolio("Same")
    assert len(bench.sc.list_portfolios()["PortfolioDetails"]) == 2


def test_describe_has_tags_tag_options_and_budgets(bench: Any) -> None:
    portfolio = bench.portfolio()
    described = bench.sc.describe_portfolio(Id=portfolio)
    assert (described["Tags"], described["TagOptions"], described["Budgets"]) == ([], [], [])


def test_update_changes_only_what_is_sent(bench: Any) -> None:
    portfolio = bench.portfolio(Description="old", Tags=[{"Key": "a", "Value": "1"}])
    answer = bench.sc.update_portfolio(
        Id=portfolio, DisplayName="New", AddTags=[{"Key": "b", "Value": "2"}], RemoveTags=["a"]
    )
    assert answer["PortfolioDetail"]["DisplayName"] == "New"
    assert answer["PortfolioDetail"]["Description"] == "old"
    assert answer["Tags"] == [{"Key": "b", "Value": "2"}]


def test_a_portfolio_is_of_one_account_and_region(bench: Any, refused: Any) -> None:
    portfolio = bench.portfolio()
    for elsewhere in (bench.at(account="222222222222"), bench.at(region="eu-west-1")):
        assert elsewhere.sc.list_portfolios()["PortfolioDetails"] == []
        refused("ResourceNotFoundException", elsewhere.sc.describe_portfolio, Id=portfolio)


@pytest.mark.parametrize(
    "operation", ["describe_portfolio", "update_portfolio", "delete_portfolio"]
)
def test_unknown_portfolio(bench: Any, refused: Any, operation: str) -> None:
    refused("ResourceNotFoundException", getattr(bench.sc, operation), Id="port-none")


@pytest.mark.parametrize("held", ["Products", "Principals", "Shares"])
def test_delete_is_refused_while_something_hangs_on_it(bench: Any, refused: Any, held: str) -> None:
    portfolio, (product, _) = bench.portfolio(), bench.product()
    sc, role = bench.sc, f"arn:aws:iam::{bench.account}:role/r"
    put, take = {
        "Products": (
            lambda: bench.put_in(portfolio, product),
            lambda: sc.disassociate_product_from_portfolio(
                PortfolioId=portfolio, ProductId=product
            ),
        ),
        "Principals": (
            lambda: bench.grant(portfolio, role),
            lambda: sc.disassociate_principal_from_portfolio(
                PortfolioId=portfolio, PrincipalARN=role
            ),
        ),
        "Shares": (
            lambda: sc.create_portfolio_share(PortfolioId=portfolio, AccountId="222222222222"),
            lambda: sc.delete_portfolio_share(PortfolioId=portfolio, AccountId="222222222222"),
        ),
    }[held]
    put()
    message = refused("ResourceInUseException", sc.delete_portfolio, Id=portfolio)
    assert message == f"Portfolio {portfolio} still has associated {held}"
    take()
    sc.delete_portfolio(Id=portfolio)
    refused("ResourceNotFoundException", sc.describe_portfolio, Id=portfolio)


def test_constraints_may_go_with_their_product(bench: Any, refused: Any) -> None:
    bench.aws.switches.disassociate_with_constraints = "allowed"
    bench.role("launch")
    made = bench.make()
    constraint = bench.constrain(made, {"LocalRoleName": "launch"})
    bench.sc.disassociate_product_from_portfolio(PortfolioId=made.portfolio, ProductId=made.product)
    refused("ResourceNotFoundException", bench.sc.describe_constraint, Id=constraint)
    bench.sc.delete_portfolio(Id=made.portfolio)


def test_quota_and_tags(bench: Any, refused: Any) -> None:
    bench.service.quotas = replace(bench.service.quotas, portfolios=2)
    first = bench.portfolio()
    bench.portfolio()
    make = bench.sc.create_portfolio
    refused("LimitExceededException", make, DisplayName="P", ProviderName="Platform")
    bench.sc.delete_portfolio(Id=first)
    bench.portfolio()
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(15)]
    other = bench.sc.list_portfolios()["PortfolioDetails"][0]["Id"]
    bench.sc.update_portfolio(Id=other, AddTags=many)
    more = [{"Key": f"m{n}", "Value": "v"} for n in range(6)]
    refused("InvalidParametersException", bench.sc.update_portfolio, Id=other, AddTags=more)


def test_list_portfolios_for_product(bench: Any, refused: Any) -> None:
    made = bench.make()
    found = bench.sc.list_portfolios_for_product(ProductId=made.product)["PortfolioDetails"]
    assert [p["Id"] for p in found] == [made.portfolio]
    refused(
        "ResourceNotFoundException", bench.sc.list_portfolios_for_product, ProductId="prod-none"
    )
