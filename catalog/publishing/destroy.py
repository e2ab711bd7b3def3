"""The plan that takes away everything that a catalog owns, and nothing else. Pure."""

from __future__ import annotations

from dataclasses import replace

from catalog.manifest.models import CatalogManifest
from catalog.publishing.actions import Action, Kind, Plan
from catalog.publishing.observed import Observed
from catalog.publishing.plan import PlanOptions, make_plan
from catalog.publishing.retire import bare_state

_REASON = "the catalog is destroyed"


def plan_destruction(
    *, manifest: CatalogManifest, observed: Observed, with_buckets: bool = False
) -> Plan:
    """Return the actions that leave nothing of this catalog in the hub.

    The caller has made sure that no account has provisioned anything from its products.

    Args:
        manifest: names the catalog and the hub.
        observed: what the catalog owns.
        with_buckets: delete the assets buckets too, with every version of every object.
    """
    desired = bare_state(manifest)
    products = frozenset(p.id for seen in observed.regions.values() for p in seen.products)
    plan = make_plan(
        desired=desired, observed=observed, options=PlanOptions(unused_products=products)
    )
    actions = [replace(action, reason=_REASON) for action in plan.actions]
    if with_buckets:
        for region, seen in observed.regions.items():
            owner = (seen.bucket_settings or {}).get("owner-tag")
            if owner != manifest.catalog:
                continue
            bucket = desired.regions[region].bucket
            actions.append(
                Action(
                    id=f"{region} {Kind.BUCKET_DELETE} {bucket}",
                    kind=Kind.BUCKET_DELETE,
                    account=observed.account,
                    region=region,
                    subject=f"assets bucket {bucket} with everything in it",
                    reason=_REASON,
                    params={"bucket": bucket},
                    # Last: other actions still write to it.
                    needs=tuple(a.id for a in actions if a.region == region),
                )
            )
    return replace(plan, actions=tuple(actions))
