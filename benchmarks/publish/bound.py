"""The least time a publish can take: its longest chain of dependent calls, times the latency."""

from __future__ import annotations

from math import ceil

from catalog.publishing.actions import Action, Kind, Plan

# Calls that must follow each other within one action: a create and its read-back, a share and one
# look at its status.
_CALLS = {
    Kind.PORTFOLIO_CREATE: 2,
    Kind.PRODUCT_CREATE: 2,
    Kind.ARTIFACT_CREATE: 2,
    Kind.CONSTRAINT_CREATE: 2,
    Kind.SHARE_CREATE: 2,
    Kind.SHARE_UPDATE: 2,
    Kind.SHARE_DELETE: 2,
}
_SEARCH_PAGE = 20


def apply_chain(plan: Plan) -> int:
    """Return the number of calls on a plan's longest chain."""
    length: dict[str, int] = {}
    for action in plan.actions:
        before = max((length[need] for need in action.needs), default=0)
        length[action.id] = before + _calls(action)
    return max(length.values(), default=0)


def observe_chain(products: int, *, published: bool) -> int:
    """Return the number of calls on the longest chain of reads of one region.

    Who am I, then the portfolios; and if there are any, the pages of its constraints, each page
    needing the last one's token, then a constraint's parameters. Pages of products are as long.
    """
    if not published:
        return 2
    return 1 + 1 + ceil(products / _SEARCH_PAGE) + 1


def _calls(action: Action) -> int:
    if action.kind is Kind.BUCKET_CONFIGURE:
        settings = action.params["settings"]
        # The tags are read before they are written, because writing replaces all of them.
        return len(settings) + ("owner-tag" in settings)
    return _CALLS.get(action.kind, 1)
