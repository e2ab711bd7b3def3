"""What target accounts do with a portfolio that is shared to them one by one."""

from __future__ import annotations

from catalog.publishing.actions import Kind, portfolio_ref
from catalog.publishing.desired import DesiredPortfolio
from catalog.publishing.observed import ObservedPortfolio
from catalog.publishing.planning.draft import Draft


def plan_accepts(
    draft: Draft, wanted: DesiredPortfolio, seen: ObservedPortfolio | None
) -> list[str]:
    """Plan the accepts of a portfolio and its principals there; return the actions.

    An account that could not be read is left out; the plan names it as not covered.
    """
    done: list[str] = []
    for spoke in draft.wanted.spokes:
        found = draft.seen.spokes.get(spoke.account)
        if found is None or wanted.key not in spoke.portfolios:
            continue
        shared = draft.planned(Kind.SHARE_CREATE, f"{wanted.key} {spoke.account}")
        # A portfolio that is shared anew has lost its accept and principals with the old share.
        present = found.accepted.get(seen.id) if seen and not shared else None
        needs = (shared,) if shared else ()
        if present is None:
            needs = (
                draft.add(
                    Kind.SHARE_ACCEPT,
                    f"{wanted.key} {spoke.account}",
                    account=spoke.account,
                    subject=f'"{wanted.name}"',
                    reason="it has not been accepted",
                    params={"portfolio": portfolio_ref(wanted.key)},
                    needs=needs,
                ),
            )
            done += needs
        done += _principals(draft, wanted, spoke.account, present or frozenset(), needs)
    return done


def _principals(
    draft: Draft,
    wanted: DesiredPortfolio,
    account: str,
    present: frozenset[tuple[str, str]],
    needs: tuple[str, ...],
) -> list[str]:
    patterns = {(arn, "IAM_PATTERN") for arn in wanted.principals}
    removed = [
        _principal(draft, Kind.PRINCIPAL_DISASSOCIATE, wanted, account, principal, needs)
        for principal in sorted(present - patterns)
    ]
    # Ten patterns at most: those that go make room for those that come.
    room = tuple(removed) if len(present | patterns) > 10 else ()
    return [
        _principal(draft, Kind.PRINCIPAL_ASSOCIATE, wanted, account, principal, (*needs, *room))
        for principal in sorted(patterns - present)
    ]


def _principal(
    draft: Draft,
    kind: Kind,
    wanted: DesiredPortfolio,
    account: str,
    principal: tuple[str, str],
    needs: tuple[str, ...],
) -> str:
    arn, principal_type = principal
    grants = kind is Kind.PRINCIPAL_ASSOCIATE
    return draft.add(
        kind,
        f"{wanted.key} {account} {arn}",
        account=account,
        subject=f'{arn} on "{wanted.name}"',
        reason="it may launch" if grants else "the manifest does not name it",
        params={
            "portfolio": portfolio_ref(wanted.key),
            "principal": arn,
            "type": principal_type,
        },
        needs=needs,
    )
