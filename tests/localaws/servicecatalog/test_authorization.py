"""IAM on portfolios and products: a statement for one of them allows nothing on another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from catalog.localaws.servicecatalog import ServiceCatalog
from catalog.localaws.servicecatalog.resources import RESOURCES


def _limited(bench: Any, action: str, resource: str) -> Any:
    statement = {"Effect": "Allow", "Action": f"servicecatalog:{action}", "Resource": resource}
    arn = bench.role("limited", service="sagemaker.amazonaws.com", statements=[statement])
    return bench.at(role_arn=arn).sc


@pytest.mark.parametrize(
    ("action", "kind", "call"),
    [
        ("DescribePortfolio", "portfolio", lambda sc, i: sc.describe_portfolio(Id=i)),
        (
            "ListPrincipalsForPortfolio",
            "portfolio",
            lambda sc, i: sc.list_principals_for_portfolio(PortfolioId=i),
        ),
        ("DescribeProductAsAdmin", "product", lambda sc, i: sc.describe_product_as_admin(Id=i)),
        (
            "ListProvisioningArtifacts",
            "product",
            lambda sc, i: sc.list_provisioning_artifacts(ProductId=i),
        ),
    ],
)
def test_a_statement_names_one_resource(
    bench: Any, refused: Any, action: str, kind: str, call: Callable[[Any, str], Any]
) -> None:
    makers = {"portfolio": bench.portfolio, "product": lambda: bench.product()[0]}
    mine, other = makers[kind](), makers[kind]()
    arn = f"arn:aws:catalog:us-east-1:{bench.account}:{kind}/{mine}"
    sc = _limited(bench, action, arn)
    call(sc, mine)
    message = refused("AccessDeniedException", lambda: call(sc, other))
    assert f"servicecatalog:{action}" in message


def test_both_ends_of_an_association_are_asked_about(bench: Any, refused: Any) -> None:
    made = bench.make()
    arn = f"arn:aws:catalog:us-east-1:{bench.account}:portfolio/*"
    sc = _limited(bench, "AssociateProductWithPortfolio", arn)
    refused(
        "AccessDeniedException",
        sc.associate_product_with_portfolio,
        PortfolioId=made.portfolio,
        ProductId=made.product,
    )


def test_every_entry_is_of_an_operation_that_exists(bench: Any) -> None:
    operations = set(bench.sc.meta.service_model.operation_names)
    assert set(RESOURCES) <= operations
    assert ServiceCatalog.resources is RESOURCES


def test_what_is_not_emulated_says_so(bench: Any, refused: Any) -> None:
    message = refused("NotEmulated", bench.sc.list_service_actions)
    assert "ListServiceActions" in message
