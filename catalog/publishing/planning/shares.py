"""Shares of a portfolio."""

from __future__ import annotations

from catalog.publishing.actions import Kind, portfolio_ref
from catalog.publishing.desired import DesiredPortfolio
from catalog.publishing.observed import ObservedPortfolio
from catalog.publishing.planning.accepts import plan_accepts
from catalog.publishing.planning.draft import Draft, differences
from catalog.publishing.targeting import DesiredShare


def plan_shares(
    draft: Draft, wanted: DesiredPortfolio, seen: ObservedPortfolio | None, ready: tuple[str, ...]
) -> None:
    """Plan the shares of a portfolio, once all else of it is `ready`."""
    present = {(s.node_type, s.node): s for s in (seen.shares if seen else ())}
    made: list[str] = []
    for share in wanted.shares:
        node = (share.node_type, share.node)
        label = f'"{wanted.name}" to {share.node}'
        params = {"portfolio": portfolio_ref(wanted.key), **_share_params(share)}
        current = present.pop(node, None)
        if current is None:
            made.append(
                draft.add(
                    Kind.SHARE_CREATE,
                    f"{wanted.key} {share.node}",
                    subject=label,
                    reason="it is not shared there",
                    params=params,
                    # Last: what is shared must be complete.
                    needs=ready,
                    lane=_lane(draft, wanted.key, share.node_type),
                )
            )
            continue
        flags = {
            "SharePrincipals": str(current.share_principals),
            "ShareTagOptions": str(current.share_tag_options),
        }
        changes = differences(
            flags,
            {
                "SharePrincipals": str(share.share_principals),
                "ShareTagOptions": str(share.share_tag_options),
            },
        )
        if changes:
            draft.add(
                Kind.SHARE_UPDATE,
                f"{wanted.key} {share.node}",
                subject=label,
                reason="its flags differ",
                changes=changes,
                params=params,
                needs=ready,
                lane=_lane(draft, wanted.key, share.node_type),
            )
    # What goes does so only after its successors work: nobody loses the portfolio in between.
    made += plan_accepts(draft, wanted, seen)
    _announce(draft, wanted, {node_type for node_type, _ in present}, seen)
    for node_type, other in sorted(present):
        unshare(
            draft, portfolio_ref(wanted.key), wanted.key, wanted.name, node_type, other, tuple(made)
        )


def unshare(
    draft: Draft,
    portfolio: str,
    key: str,
    name: str,
    node_type: str,
    node: str,
    needs: tuple[str, ...],
) -> str:
    """Plan the end of a share; return the action."""
    return draft.add(
        Kind.SHARE_DELETE,
        f"{key} {node}",
        subject=f'"{name}" to {node}',
        reason="no target names it",
        params={"portfolio": portfolio, "node_type": node_type, "node": node},
        needs=needs,
        lane=_lane(draft, key, node_type),
    )


def _lane(draft: Draft, key: str, node_type: str) -> str:
    # AWS finishes shares to accounts at once: only those of one portfolio keep each other waiting.
    return draft.lane("share", key if node_type == "ACCOUNT" else "")


def _announce(
    draft: Draft,
    wanted: DesiredPortfolio,
    leaving: set[str],
    seen: ObservedPortfolio | None,
) -> None:
    """Say what a change of distribution means for users."""
    before = {s.node_type for s in (seen.shares if seen else ())}
    after = {s.node_type for s in wanted.shares}
    nodes = {"ORGANIZATION", "ORGANIZATIONAL_UNIT"}
    if leaving & nodes and not after & nodes and "ACCOUNT" in after:
        change = "shares with the organization to shares with accounts"
    elif "ACCOUNT" in leaving and "ACCOUNT" not in after and before and after & nodes:
        change = "shares with accounts to shares with the organization"
    else:
        return
    draft.notes.append(
        f'{draft.region}: portfolio "{wanted.name}" changes from {change}. Product and version ids '
        "stay. Accounts that no target names lose it; what they have launched keeps running"
    )


def _share_params(share: DesiredShare) -> dict[str, object]:
    return {
        "node_type": share.node_type,
        "node": share.node,
        "share_principals": share.share_principals,
        "share_tag_options": share.share_tag_options,
    }
