"""Idempotency tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any


def _create(bench: Any, token: str, **kwargs: Any) -> str:
    made = bench.sc.create_portfolio(
        **{"DisplayName": "P", "ProviderName": "Platform", "IdempotencyToken": token, **kwargs}
    )
    return str(made["PortfolioDetail"]["Id"])


def test_the_same_request_gets_the_same_answer(bench: Any) -> None:
    assert _create(bench, "t") == _create(bench, "t")
    assert len(bench.sc.list_portfolios()["PortfolioDetails"]) == 1


def test_another_request_with_the_same_token_is_refused(bench: Any, refused: Any) -> None:
    _create(bench, "t")
    refused("InvalidParametersException", _create, bench=bench, token="t", DisplayName="Q")


def test_a_token_is_of_one_account_and_region(bench: Any) -> None:
    there = [bench.at(region="eu-west-1"), bench.at(account="888888888888")]
    assert len({_create(b, "t") for b in (bench, *there)}) == 3


def test_a_replay_may_name_what_is_gone(bench: Any, refused: Any) -> None:
    first = _create(bench, "t")
    bench.sc.delete_portfolio(Id=first)
    assert _create(bench, "t") == first
    refused("ResourceNotFoundException", bench.sc.describe_portfolio, Id=first)


def test_a_token_is_forgotten_after_its_lifetime(bench: Any) -> None:
    first = _create(bench, "t")
    bench.aws.switches.token_replay_seconds = 0.0
    assert _create(bench, "t") != first


def test_a_refused_request_leaves_its_token_unused(bench: Any, refused: Any) -> None:
    arguments = {
        "Name": "P",
        "Owner": "O",
        "ProductType": "CLOUD_FORMATION_TEMPLATE",
        "IdempotencyToken": "t",
    }
    bad = {"Info": {"LoadTemplateFromURL": "https://none.s3.amazonaws.com/x"}}
    create = bench.sc.create_product
    refused("InvalidParametersException", create, **arguments, ProvisioningArtifactParameters=bad)
    create(**arguments, ProvisioningArtifactParameters=bench.artifact())


def test_at_the_same_time_one_is_made(bench: Any) -> None:
    bench.template_url()
    parameters = bench.artifact()

    def create(_: int) -> str:
        made = bench.sc.create_product(
            Name="P",
            Owner="O",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            IdempotencyToken="t",
            ProvisioningArtifactParameters=parameters,
        )
        return str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1
    assert len(bench.sc.search_products_as_admin()["ProductViewDetails"]) == 1
