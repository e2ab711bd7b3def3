"""Which quotas of Service Catalog a plan will come close to, or break. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from catalog.publishing.actions import Action, Kind
from catalog.publishing.observed import (
    ObservedArtifact,
    ObservedPortfolio,
    ObservedProduct,
    ObservedRegion,
)
from catalog.publishing.quotas import usages


def forecast(
    *, seen: ObservedRegion, actions: Iterable[Action], known: Mapping[str, str]
) -> Iterator[str]:
    """Yield a note for each quota that is nine tenths full, or over, when the actions are done.

    Args:
        seen: what the region holds.
        actions: the region's part of a plan.
        known: ids behind references, of what exists already.
    """
    for usage in usages(outcome(seen=seen, actions=actions, known=known)):
        if usage.left < 0:
            yield (
                f"{usage.region}: {usage.what} would be {usage.used}, and AWS allows "
                f"{usage.quota} unless that was raised: the last {-usage.left} will be refused"
            )
        elif usage.nearly_full:
            yield f"{usage.region}: {usage.what} will be {usage.used}; AWS allows {usage.quota}"


def outcome(
    *, seen: ObservedRegion, actions: Iterable[Action], known: Mapping[str, str]
) -> ObservedRegion:
    """Return the region as the actions leave it, as far as quotas count; new ids are references."""
    portfolios = {portfolio.id: portfolio for portfolio in seen.portfolios}
    products = {product.id: product for product in seen.products}
    for action in actions:
        params = {
            name: known.get(value, value) if isinstance(value, str) else value
            for name, value in action.params.items()
        }
        _apply_to_products(action.kind, params, products)
        _apply_to_portfolios(action.kind, params, portfolios)
    return replace(seen, portfolios=tuple(portfolios.values()), products=tuple(products.values()))


def _apply_to_products(
    kind: Kind, params: Mapping[str, Any], products: dict[str, ObservedProduct]
) -> None:
    if kind is Kind.PRODUCT_CREATE:
        ref = str(params["ref"])
        first = ObservedArtifact(id=ref, name=str(params["version"]))
        products[ref] = ObservedProduct(
            id=ref, name=params["attributes"]["Name"], artifacts=(first,)
        )
    elif kind is Kind.PRODUCT_DELETE:
        products.pop(str(params["product"]), None)
    elif kind is Kind.ARTIFACT_CREATE:
        product = products[str(params["product"])]
        new = ObservedArtifact(id=str(params["url"]), name=str(params["version"]))
        products[product.id] = replace(product, artifacts=(*product.artifacts, new))


def _apply_to_portfolios(
    kind: Kind, params: Mapping[str, Any], portfolios: dict[str, ObservedPortfolio]
) -> None:
    if kind is Kind.PORTFOLIO_CREATE:
        ref = str(params["ref"])
        portfolios[ref] = ObservedPortfolio(id=ref, name=params["attributes"]["DisplayName"])
        return
    if kind is Kind.PORTFOLIO_DELETE:
        portfolios.pop(str(params["portfolio"]), None)
        return
    portfolio = portfolios.get(str(params.get("portfolio", "")))
    if portfolio is None:
        return
    ids, principals = portfolio.product_ids, portfolio.principals
    principal = (str(params.get("principal", "")), str(params.get("type", "")))
    if kind is Kind.ASSOCIATION_CREATE:
        ids |= {str(params["product"])}
    elif kind is Kind.ASSOCIATION_DELETE:
        ids -= {str(params["product"])}
    elif kind is Kind.PRINCIPAL_ASSOCIATE:
        principals |= {principal}
    elif kind is Kind.PRINCIPAL_DISASSOCIATE:
        principals -= {principal}
    portfolios[portfolio.id] = replace(portfolio, product_ids=ids, principals=principals)
