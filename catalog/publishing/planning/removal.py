"""Taking away what the catalog owns and no longer wants."""

from __future__ import annotations

from collections.abc import Collection

from catalog.publishing.actions import Kind
from catalog.publishing.observed import ObservedPortfolio
from catalog.publishing.planning.draft import Draft
from catalog.publishing.planning.shares import unshare


def withdraw_product(
    draft: Draft,
    portfolio: ObservedPortfolio,
    product_id: str,
    ref: str,
    label: str,
    needs: tuple[str, ...] = (),
) -> str:
    """Plan that a portfolio no longer offers a product; return the last action."""
    name = next((p.name for p in draft.seen.products if p.id == product_id), product_id)
    removed = tuple(
        draft.add(
            Kind.CONSTRAINT_DELETE,
            constraint.id,
            subject=f'launch constraint of "{name}" in {label}',
            reason="the portfolio no longer offers the product",
            params={"constraint": constraint.id},
            needs=needs,
        )
        for constraint in portfolio.constraints
        if constraint.product_id == product_id and constraint.type == "LAUNCH"
    )
    return draft.add(
        Kind.ASSOCIATION_DELETE,
        f"{portfolio.id} {product_id}",
        subject=f'"{name}" in {label}',
        reason="the portfolio no longer offers it",
        params={"portfolio": ref, "product": product_id},
        needs=removed or needs,
    )


def withdraw_portfolio(
    draft: Draft, portfolio: ObservedPortfolio, own_products: Collection[str]
) -> None:
    """Plan the end of an owned portfolio that the manifest does not name for this region."""
    unshared = tuple(
        unshare(draft, portfolio.id, portfolio.id, portfolio.name, share.node_type, share.node, ())
        for share in portfolio.shares
    )
    label = f'"{portfolio.name}"'
    emptied = [
        withdraw_product(draft, portfolio, product_id, portfolio.id, label, unshared)
        for product_id in sorted(portfolio.product_ids)
        if product_id in own_products
    ]
    emptied += [
        draft.add(
            Kind.PRINCIPAL_DISASSOCIATE,
            f"{portfolio.id} {arn}",
            subject=f"{arn} on {label}",
            reason="the portfolio goes",
            params={"portfolio": portfolio.id, "principal": arn, "type": kind},
            needs=unshared,
        )
        for arn, kind in sorted(portfolio.principals)
    ]
    foreign = portfolio.product_ids - set(own_products)
    others = [
        c for c in portfolio.constraints if c.type != "LAUNCH" or c.product_id not in own_products
    ]
    if foreign or others:
        draft.notes.append(
            f"{draft.region}: portfolio {label} ({portfolio.id}) stays: it holds products or "
            "constraints that this catalog does not own"
        )
    else:
        draft.add(
            Kind.PORTFOLIO_DELETE,
            portfolio.id,
            subject=f"portfolio {label}",
            reason="the manifest does not name it for this region",
            params={"portfolio": portfolio.id},
            needs=(*unshared, *emptied),
        )
