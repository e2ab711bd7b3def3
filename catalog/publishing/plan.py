"""Desired minus observed is the plan. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import CatalogError, ForeignResource, VersionConflict
from catalog.publishing.actions import Plan
from catalog.publishing.desired import DesiredState
from catalog.publishing.forecast import forecast
from catalog.publishing.observed import Observed
from catalog.publishing.planning.bucket import plan_bucket, plan_objects
from catalog.publishing.planning.draft import Draft, PlanOptions
from catalog.publishing.planning.portfolios import choose_portfolios, plan_portfolio
from catalog.publishing.planning.products import (
    choose_products,
    plan_product,
    plan_surplus_products,
)
from catalog.publishing.planning.removal import withdraw_portfolio
from catalog.publishing.planning.studio import plan_studio

__all__ = ["PlanOptions", "make_plan"]


def make_plan(
    *, desired: DesiredState, observed: Observed, options: PlanOptions | None = None
) -> Plan:
    """Return the actions that turn the observed state into the desired one.

    Raises:
        VersionConflict: a published version whose content has changed.
        ForeignResource: something that the catalog does not own is in the way.
    """
    drafts = [
        Draft(
            desired=desired,
            wanted=desired.regions[region],
            seen=seen,
            options=options or PlanOptions(),
        )
        for region, seen in observed.regions.items()
        if region in desired.regions
    ]
    for draft in drafts:
        _plan_region(draft)
        in_hub = [action for action in draft.actions if action.account == desired.account]
        draft.notes.extend(forecast(seen=draft.seen, actions=in_hub, known=draft.known))
    _refuse([refusal for draft in drafts for refusal in draft.refusals])
    return Plan(
        catalog=desired.catalog,
        account=desired.account,
        regions=tuple(draft.region for draft in drafts),
        actions=tuple(action for draft in drafts for action in draft.actions),
        known={draft.region: draft.known for draft in drafts},
        notes=tuple(note for draft in drafts for note in draft.notes),
        unreachable=dict(observed.failures),
        fingerprint=observed.fingerprint(),
    )


def _plan_region(draft: Draft) -> None:
    draft.notes.extend(draft.wanted.notes)
    bucket = plan_bucket(draft)
    objects = plan_objects(draft, bucket)
    products, surplus = choose_products(draft)
    ready = {
        product.template: plan_product(
            draft, product, products.get(product.template), objects, bucket
        )
        for product in draft.wanted.products
    }
    plan_studio(draft, objects, bucket)
    portfolios, extra = choose_portfolios(draft)
    own_products = {p.id for p in draft.seen.products}
    for portfolio in draft.wanted.portfolios:
        plan_portfolio(
            draft, portfolio, portfolios.get(portfolio.key), ready, products, own_products
        )
    for unwanted in extra:
        withdraw_portfolio(draft, unwanted, own_products)
    plan_surplus_products(draft, surplus)


def _refuse(refusals: Sequence[CatalogError]) -> None:
    for kind in (VersionConflict, ForeignResource):
        found = [r for r in refusals if isinstance(r, kind)]
        if found:
            lines = [f"{r.where}: {r.message}" if r.where else r.message for r in found]
            raise kind("\n".join(lines), next_step=found[0].next_step)
