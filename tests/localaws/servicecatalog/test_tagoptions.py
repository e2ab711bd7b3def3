"""TagOptions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


def _option(bench: Any, key: str = "team", value: str = "a") -> str:
    made = bench.sc.create_tag_option(Key=key, Value=value)["TagOptionDetail"]
    assert made["Id"].startswith("tag-")
    assert (made["Active"], made["Owner"]) == (True, bench.account)
    return str(made["Id"])


def test_life_of_a_tag_option(bench: Any, refused: Any) -> None:
    option, portfolio, (product, _) = _option(bench), bench.portfolio(), bench.product()
    associate = bench.sc.associate_tag_option_with_resource
    associate(ResourceId=portfolio, TagOptionId=option)
    associate(ResourceId=product, TagOptionId=option)
    refused("DuplicateResourceException", associate, ResourceId=portfolio, TagOptionId=option)
    shown = bench.sc.describe_portfolio(Id=portfolio)["TagOptions"]
    assert [(o["Key"], o["Value"]) for o in shown] == [("team", "a")]
    assert bench.sc.describe_product_as_admin(Id=product)["TagOptions"] == shown
    of = bench.sc.list_resources_for_tag_option
    assert {r["Id"] for r in of(TagOptionId=option)["ResourceDetails"]} == {portfolio, product}
    only = of(TagOptionId=option, ResourceType="Product")["ResourceDetails"]
    assert [r["Id"] for r in only] == [product]
    refused("InvalidParametersException", of, TagOptionId=option, ResourceType="Stack")
    refused("ResourceInUseException", bench.sc.delete_tag_option, Id=option)
    for resource in (portfolio, product):
        bench.sc.disassociate_tag_option_from_resource(ResourceId=resource, TagOptionId=option)
    refused(
        "ResourceNotFoundException",
        bench.sc.disassociate_tag_option_from_resource,
        ResourceId=product,
        TagOptionId=option,
    )
    bench.sc.delete_tag_option(Id=option)
    refused("ResourceNotFoundException", bench.sc.describe_tag_option, Id=option)


def test_pairs_are_unique_per_account(bench: Any, refused: Any) -> None:
    _option(bench)
    other = _option(bench, value="b")
    create = bench.sc.create_tag_option
    refused("DuplicateResourceException", create, Key="team", Value="a")
    refused("DuplicateResourceException", bench.sc.update_tag_option, Id=other, Value="a")
    _option(bench.at(region="eu-west-1"))


def test_filters_and_activity(bench: Any) -> None:
    first, second = _option(bench, value="a"), _option(bench, value="b")
    _option(bench, key="stage", value="a")
    bench.sc.update_tag_option(Id=second, Active=False)

    def ids(**filters: Any) -> set[str]:
        page = bench.sc.list_tag_options(Filters=filters)["TagOptionDetails"]
        return {o["Id"] for o in page}

    assert ids(Key="team") == {first, second}
    assert ids(Key="team", Active=True) == {first}
    assert len(ids(Value="a")) == 2


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("describe_tag_option", {"Id": "tag-x"}),
        ("update_tag_option", {"Id": "tag-x"}),
        ("delete_tag_option", {"Id": "tag-x"}),
        ("list_resources_for_tag_option", {"TagOptionId": "tag-x"}),
        ("associate_tag_option_with_resource", {"TagOptionId": "tag-x", "ResourceId": "port-x"}),
        (
            "disassociate_tag_option_from_resource",
            {"TagOptionId": "tag-x", "ResourceId": "port-x"},
        ),
    ],
)
def test_unknown(bench: Any, refused: Any, operation: str, arguments: Any) -> None:
    refused("ResourceNotFoundException", getattr(bench.sc, operation), **arguments)
    if "ResourceId" in arguments:
        arguments = {**arguments, "TagOptionId": _option(bench)}
        refused("ResourceNotFoundException", getattr(bench.sc, operation), **arguments)


def test_quotas(bench: Any, refused: Any) -> None:
    bench.service.quotas = replace(
        bench.service.quotas, values_per_tag_option=1, tag_options_per_resource=1
    )
    first = _option(bench)
    refused("LimitExceededException", bench.sc.create_tag_option, Key="team", Value="b")
    second, portfolio = _option(bench, key="stage"), bench.portfolio()
    bench.sc.associate_tag_option_with_resource(ResourceId=portfolio, TagOptionId=first)
    refused(
        "LimitExceededException",
        bench.sc.associate_tag_option_with_resource,
        ResourceId=portfolio,
        TagOptionId=second,
    )
