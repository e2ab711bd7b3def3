"""Any sequence of calls leaves what a simple model of Service Catalog says.

The model knows ids and links only. Every rule makes a call that the model can judge, right or
wrong, and every invariant reads the whole state back through the API.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

ACCOUNTS = ("777777777771", "777777777772")
ROLES = ("role/a", "role/b")


class Model:
    """Portfolios with what is linked to them; products with their artifacts."""

    def __init__(self) -> None:
        self.products: dict[str, set[str]] = {}
        self.portfolios: dict[str, dict[str, set[str]]] = {}

    def holders(self, product: str) -> list[str]:
        return [p for p, links in self.portfolios.items() if product in links["products"]]


class Catalog(RuleBasedStateMachine):
    bench: Any
    parameters: Any
    portfolios: Bundle[str] = Bundle("portfolios")
    products: Bundle[str] = Bundle("products")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.sc = self.bench.sc
        for portfolio in self._ids("list_portfolios", "PortfolioDetails"):
            self._empty(portfolio)
        for product in self._product_ids():
            self.sc.delete_product(Id=product)

    def _empty(self, portfolio: str) -> None:
        for product in self.bench.products_in(portfolio):
            self.sc.disassociate_product_from_portfolio(PortfolioId=portfolio, ProductId=product)
        for principal in self._principals(portfolio):
            self.sc.disassociate_principal_from_portfolio(
                PortfolioId=portfolio, PrincipalARN=principal
            )
        for account in self._accounts(portfolio):
            self.sc.delete_portfolio_share(PortfolioId=portfolio, AccountId=account)
        self.sc.delete_portfolio(Id=portfolio)

    # Reading

    def _ids(self, operation: str, member: str) -> list[str]:
        pages = self.sc.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2})
        return [detail["Id"] for page in pages for detail in page[member]]

    def _product_ids(self) -> list[str]:
        found = self.sc.search_products_as_admin()["ProductViewDetails"]
        return [d["ProductViewSummary"]["ProductId"] for d in found]

    def _principals(self, portfolio: str) -> list[str]:
        page = self.sc.list_principals_for_portfolio(PortfolioId=portfolio)
        return [p["PrincipalARN"] for p in page["Principals"]]

    def _accounts(self, portfolio: str) -> list[str]:
        accounts: list[str] = self.sc.list_portfolio_access(PortfolioId=portfolio)["AccountIds"]
        return accounts

    def _code(self, call: Callable[..., Any], **kwargs: Any) -> str:
        try:
            call(**kwargs)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "ok"

    # Changing

    @rule(target=portfolios)
    def create_portfolio(self) -> str:
        portfolio = str(self.bench.portfolio())
        self.model.portfolios[portfolio] = {"products": set(), "principals": set(), "shares": set()}
        return portfolio

    @rule(target=products)
    def create_product(self) -> str:
        made = self.sc.create_product(
            Name="P",
            Owner="O",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters=self.parameters,
        )
        product = str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])
        self.model.products[product] = {made["ProvisioningArtifactDetail"]["Id"]}
        return product

    @rule(portfolio=portfolios, product=products)
    def associate(self, portfolio: str, product: str) -> None:
        code = self._code(
            self.sc.associate_product_with_portfolio, PortfolioId=portfolio, ProductId=product
        )
        known = portfolio in self.model.portfolios and product in self.model.products
        assert code == ("ok" if known else "ResourceNotFoundException")
        if known:
            self.model.portfolios[portfolio]["products"].add(product)

    @rule(portfolio=portfolios, product=products)
    def disassociate(self, portfolio: str, product: str) -> None:
        code = self._code(
            self.sc.disassociate_product_from_portfolio, PortfolioId=portfolio, ProductId=product
        )
        links = self.model.portfolios.get(portfolio, {"products": set()})["products"]
        assert code == ("ok" if product in links else "ResourceNotFoundException")
        links.discard(product)

    @rule(portfolio=portfolios, role=st.sampled_from(ROLES), on=st.booleans())
    def principal(self, portfolio: str, role: str, *, on: bool) -> None:
        arn = f"arn:aws:iam::{self.bench.account}:{role}"
        verb = "associate" if on else "disassociate"
        preposition = "with" if on else "from"
        call = getattr(self.sc, f"{verb}_principal_{preposition}_portfolio")
        code = self._code(call, PortfolioId=portfolio, PrincipalARN=arn, PrincipalType="IAM")
        self._toggled(code, portfolio, "principals", arn, on=on)

    @rule(portfolio=portfolios, account=st.sampled_from(ACCOUNTS), on=st.booleans())
    def share(self, portfolio: str, account: str, *, on: bool) -> None:
        call = self.sc.create_portfolio_share if on else self.sc.delete_portfolio_share
        code = self._code(call, PortfolioId=portfolio, AccountId=account)
        self._toggled(code, portfolio, "shares", account, on=on)

    def _toggled(self, code: str, portfolio: str, kind: str, value: str, *, on: bool) -> None:
        links = self.model.portfolios.get(portfolio)
        allowed = links is not None and (on or value in links[kind])
        assert code == ("ok" if allowed else "ResourceNotFoundException")
        if links is not None and allowed:
            (links[kind].add if on else links[kind].discard)(value)

    @rule(product=products)
    def add_artifact(self, product: str) -> None:
        try:
            made = self.sc.create_provisioning_artifact(
                ProductId=product, Parameters=self.parameters
            )
        except self.sc.exceptions.ResourceNotFoundException:
            assert product not in self.model.products
            return
        self.model.products[product].add(made["ProvisioningArtifactDetail"]["Id"])

    @rule(product=products, data=st.data())
    def delete_artifact(self, product: str, data: Any) -> None:
        artifacts = self.model.products.get(product, set())
        chosen = data.draw(st.sampled_from(sorted(artifacts) or ["pa-none"]))
        code = self._code(
            self.sc.delete_provisioning_artifact, ProductId=product, ProvisioningArtifactId=chosen
        )
        expected = {0: "ResourceNotFoundException", 1: "ResourceInUseException"}
        assert code == expected.get(len(artifacts), "ok")
        if code == "ok":
            artifacts.discard(chosen)

    @rule(target=portfolios, portfolio=consumes(portfolios))
    def delete_portfolio(self, portfolio: str) -> Any:
        code = self._code(self.sc.delete_portfolio, Id=portfolio)
        links = self.model.portfolios.get(portfolio)
        if links is None:
            assert code == "ResourceNotFoundException"
        elif any(links.values()):
            assert code == "ResourceInUseException"
        else:
            assert code == "ok"
            del self.model.portfolios[portfolio]
        return multiple(portfolio)

    @rule(target=products, product=consumes(products))
    def delete_product(self, product: str) -> Any:
        code = self._code(self.sc.delete_product, Id=product)
        if product not in self.model.products:
            assert code == "ResourceNotFoundException"
        elif self.model.holders(product):
            assert code == "ResourceInUseException"
        else:
            assert code == "ok"
            del self.model.products[product]
        return multiple(product)

    # What must hold

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        assert self._ids("list_portfolios", "PortfolioDetails") == list(self.model.portfolios)
        assert set(self._product_ids()) == set(self.model.products)
        for portfolio, links in self.model.portfolios.items():
            assert set(self.bench.products_in(portfolio)) == links["products"]
            assert set(self._principals(portfolio)) == links["principals"]
            assert set(self._accounts(portfolio)) == links["shares"]
        for product, artifacts in self.model.products.items():
            listed = self.sc.list_provisioning_artifacts(ProductId=product)
            assert {a["Id"] for a in listed["ProvisioningArtifactDetails"]} == artifacts
            holding = self.sc.list_portfolios_for_product(ProductId=product)["PortfolioDetails"]
            assert sorted(p["Id"] for p in holding) == sorted(self.model.holders(product))


def test_any_sequence_of_calls(bench: Any) -> None:
    bench.aws.faults.transition_seconds = 0.0
    parameters = bench.artifact()

    class OnTheBench(Catalog):
        pass

    OnTheBench.bench, OnTheBench.parameters = bench, parameters
    run_state_machine_as_test(
        OnTheBench,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
