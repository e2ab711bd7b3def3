"""Products and their place in portfolios."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


def test_create_answers_created_and_the_first_artifact(bench: Any) -> None:
    made = bench.sc.create_product(
        Name="Product",
        Owner="Platform",
        Description="What it does",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=bench.artifact("1.0.0"),
        Tags=[{"Key": "sagemaker:studio-visibility", "Value": "true"}],
    )
    detail = made["ProductViewDetail"]
    summary = detail["ProductViewSummary"]
    assert detail["Status"] == "CREATED"
    assert summary["Id"].startswith("prodview-")
    assert summary["ProductId"].startswith("prod-")
    assert (summary["ShortDescription"], summary["Distributor"]) == ("What it does", "")
    assert detail["ProductARN"].endswith(f":product/{summary['ProductId']}")
    artifact = made["ProvisioningArtifactDetail"]
    assert set(artifact) == {"Id", "Name", "Type", "CreatedTime", "Active"}
    assert made["Tags"] == [{"Key": "sagemaker:studio-visibility", "Value": "true"}]


def test_describe_as_admin_has_tags_and_summaries_without_activity(bench: Any) -> None:
    product, artifact = bench.product(Tags=[{"Key": "k", "Value": "v"}])
    by_id = bench.sc.describe_product_as_admin(Id=product)
    by_name = bench.sc.describe_product_as_admin(Name="Product")
    assert by_id["ProductViewDetail"] == by_name["ProductViewDetail"]
    assert by_id["Tags"] == [{"Key": "k", "Value": "v"}]
    summary = by_id["ProvisioningArtifactSummaries"][0]
    assert summary["Id"] == artifact
    assert set(summary) == {"Id", "Name", "CreatedTime", "ProvisioningArtifactMetadata"}


def test_a_name_may_be_missing_or_ambiguous(bench: Any, refused: Any) -> None:
    describe = bench.sc.describe_product_as_admin
    message = refused("ResourceNotFoundException", describe, Name="X")
    assert message == "Product with name X not found"
    bench.product("X")
    bench.product("X")
    refused("InvalidParametersException", describe, Name="X")
    refused("InvalidParametersException", describe)
    refused("ResourceNotFoundException", describe, Id="prod-none")


def test_update_product(bench: Any, refused: Any) -> None:
    product, _ = bench.product(Tags=[{"Key": "a", "Value": "1"}])
    answer = bench.sc.update_product(
        Id=product, Name="New", Description="d", AddTags=[{"Key": "b", "Value": "2"}]
    )
    summary = answer["ProductViewDetail"]["ProductViewSummary"]
    assert (summary["Name"], summary["ShortDescription"], summary["Owner"]) == (
        "New", "d", "Platform"
    )  # fmt: skip
    assert {t["Key"] for t in answer["Tags"]} == {"a", "b"}
    refused("ResourceNotFoundException", bench.sc.update_product, Id="prod-none")


def test_search_filters_sorts_and_matches_loosely(bench: Any, refused: Any) -> None:
    for name in ("Training pipeline", "Batch pipeline", "Feature store"):
        bench.product(name)

    def names(**kwargs: Any) -> list[str]:
        page = bench.sc.search_products_as_admin(**kwargs)["ProductViewDetails"]
        return [d["ProductViewSummary"]["Name"] for d in page]

    assert names(Filters={"FullTextSearch": ["PIPELINE"]}) == [
        "Training pipeline",
        "Batch pipeline",
    ]
    assert names(SortBy="Title") == ["Batch pipeline", "Feature store", "Training pipeline"]
    assert names(SortBy="Title", SortOrder="DESCENDING")[0] == "Training pipeline"
    assert names(Filters={"Owner": ["Nobody"]}) == []
    refused("ResourceNotFoundException", bench.sc.search_products_as_admin, PortfolioId="port-none")


def test_an_association_is_seen_after_a_lag(bench: Any, refused: Any) -> None:
    bench.aws.switches.association_lag_seconds = 3600
    portfolio, (product, _) = bench.portfolio(), bench.product()
    pair = {"PortfolioId": portfolio, "ProductId": product}
    bench.sc.associate_product_with_portfolio(**pair)
    bench.sc.associate_product_with_portfolio(**pair)  # no Duplicate
    assert bench.products_in(portfolio) == []
    refused(
        "ResourceNotFoundException",
        bench.sc.create_constraint,
        **pair,
        Type="LAUNCH",
        Parameters='{"LocalRoleName":"r"}',
    )
    bench.sc.disassociate_product_from_portfolio(**pair)
    bench.aws.switches.association_lag_seconds = 0
    bench.sc.associate_product_with_portfolio(**pair)
    assert bench.products_in(portfolio) == [product]


def test_association_errors(bench: Any, refused: Any) -> None:
    portfolio, (product, _) = bench.portfolio(), bench.product()
    associate = bench.sc.associate_product_with_portfolio
    refused("ResourceNotFoundException", associate, PortfolioId="port-x", ProductId=product)
    refused("ResourceNotFoundException", associate, PortfolioId=portfolio, ProductId="prod-x")
    refused(
        "ResourceNotFoundException",
        bench.sc.disassociate_product_from_portfolio,
        PortfolioId=portfolio,
        ProductId=product,
    )
    bench.service.quotas = replace(bench.service.quotas, products_per_portfolio=1)
    bench.put_in(portfolio, product)
    second, _ = bench.product()
    refused("LimitExceededException", associate, PortfolioId=portfolio, ProductId=second)


def test_a_constrained_product_stays_by_default(bench: Any, refused: Any) -> None:
    made = bench.make()
    bench.role("launch")
    bench.constrain(made, {"LocalRoleName": "launch"})
    refused(
        "ResourceInUseException",
        bench.sc.disassociate_product_from_portfolio,
        PortfolioId=made.portfolio,
        ProductId=made.product,
    )


def test_delete_product(bench: Any, refused: Any) -> None:
    made = bench.make()
    refused("ResourceInUseException", bench.sc.delete_product, Id=made.product)
    bench.sc.disassociate_product_from_portfolio(PortfolioId=made.portfolio, ProductId=made.product)
    bench.sc.delete_product(Id=made.product)
    refused("ResourceNotFoundException", bench.sc.delete_product, Id=made.product)


def test_product_quota(bench: Any, refused: Any) -> None:
    bench.service.quotas = replace(bench.service.quotas, products=1)
    bench.product()
    refused(
        "LimitExceededException",
        bench.sc.create_product,
        Name="P",
        Owner="O",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        ProvisioningArtifactParameters=bench.artifact(),
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ProductType": "EXTERNAL"}, "NotEmulated"),
        ({"ProductType": "CLOUD_FORMATION_TEMPLATE"}, "InvalidParametersException"),
    ],
)
def test_what_cannot_be_created(bench: Any, refused: Any, arguments: Any, code: str) -> None:
    refused(code, bench.sc.create_product, Name="P", Owner="O", **arguments)
