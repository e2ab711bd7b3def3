"""Pages: every list gives all of it, once, and refuses tokens it never gave out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def _all(
    call: Callable[..., Any], member: str, *, size: int, token: str = "NextPageToken", **kwargs: Any
) -> list[Any]:
    found: list[Any] = []
    extra: dict[str, Any] = {}
    while True:
        page = call(PageSize=size, **extra, **kwargs)
        assert len(page[member]) <= size
        found += page[member]
        if not page.get(token):
            return found
        extra = {"PageToken": page[token]}


def test_every_paged_list(bench: Any) -> None:
    portfolios = [bench.portfolio(f"P{n}") for n in range(5)]
    products = [bench.product(f"X{n}")[0] for n in range(3)]
    for portfolio in portfolios:
        bench.put_in(portfolio, products[0])
    for product in products[1:]:
        bench.put_in(portfolios[0], product)
    for number in range(5):
        bench.grant(portfolios[0], f"arn:aws:iam::{bench.account}:role/r{number}")
        bench.sc.create_portfolio_share(PortfolioId=portfolios[0], AccountId=f"33333333333{number}")
        option = bench.sc.create_tag_option(Key="k", Value=str(number))["TagOptionDetail"]["Id"]
    for product in products:
        bench.sc.associate_tag_option_with_resource(ResourceId=product, TagOptionId=option)
        bench.sc.create_constraint(
            PortfolioId=portfolios[0],
            ProductId=product,
            Type="NOTIFICATION",
            Parameters=json.dumps({"NotificationArns": ["arn:aws:sns:us-east-1:1:t"]}),
        )
    sc, of = bench.sc, {"PortfolioId": portfolios[0]}
    assert len(_all(sc.list_portfolios, "PortfolioDetails", size=2)) == 5
    found = _all(sc.list_portfolios_for_product, "PortfolioDetails", size=2, ProductId=products[0])
    assert [p["Id"] for p in found] == portfolios
    assert len(_all(sc.search_products_as_admin, "ProductViewDetails", size=2)) == 3
    assert len(_all(sc.search_products_as_admin, "ProductViewDetails", size=1, **of)) == 3
    assert len(_all(sc.list_principals_for_portfolio, "Principals", size=2, **of)) == 5
    assert len(_all(sc.list_constraints_for_portfolio, "ConstraintDetails", size=2, **of)) == 3
    assert len(_all(sc.list_portfolio_access, "AccountIds", size=2, **of)) == 5
    shares = _all(
        sc.describe_portfolio_shares, "PortfolioShareDetails", size=2, Type="ACCOUNT", **of
    )
    assert len({s["PrincipalId"] for s in shares}) == 5
    options = _all(sc.list_tag_options, "TagOptionDetails", size=2, token="PageToken")
    assert len(options) == 5
    resources = _all(
        sc.list_resources_for_tag_option,
        "ResourceDetails",
        size=2,
        token="PageToken",
        TagOptionId=option,
    )
    assert [r["Id"] for r in resources] == products
    # Without a size a page holds what AWS puts on it: 20 principals, 100 portfolios.
    for number in range(5, 25):
        bench.grant(portfolios[0], f"arn:aws:iam::{bench.account}:role/r{number}")
    first = sc.list_principals_for_portfolio(**of)
    assert len(first["Principals"]) == 20
    assert first["NextPageToken"]


@pytest.mark.parametrize(
    "operation",
    [
        "list_portfolios",
        "list_accepted_portfolio_shares",
        "search_products",
        "search_products_as_admin",
        "list_tag_options",
        "list_record_history",
        "scan_provisioned_products",
        "search_provisioned_products",
        "list_provisioned_product_plans",
    ],
)
def test_foreign_tokens(bench: Any, refused: Any, operation: str) -> None:
    refused("InvalidParametersException", getattr(bench.sc, operation), PageToken="zz/zz")


def test_botocore_paginators_reach_the_end(bench: Any) -> None:
    for number in range(5):
        bench.portfolio(f"P{number}")
    pages = bench.sc.get_paginator("list_portfolios").paginate(PaginationConfig={"PageSize": 2})
    assert len(pages.build_full_result()["PortfolioDetails"]) == 5
