"""Carries out portfolio shares. AWS takes one share action at a time and finishes it later."""

from __future__ import annotations

from typing import Any

from catalog.aws import error_code
from catalog.errors import AwsCallFailed, CatalogError, Location
from catalog.publishing.actions import Action
from catalog.publishing.context import Context, is_missing

# Statuses of DescribePortfolioShareStatus that are ends.
_ENDS = frozenset({"COMPLETED", "COMPLETED_WITH_ERRORS", "ERROR"})
_RECREATIONS = 3


def create_share(context: Context, action: Action) -> None:
    """Share a portfolio, and stay until every account has it.

    A share that ended with errors does not heal: it is deleted and made again.

    Raises:
        AwsCallFailed: some accounts did not get it, named with AWS's reason.
    """
    failure: CatalogError | None = None
    for _ in range(_RECREATIONS):
        answer = _act(context, action, "create_portfolio_share", **_flags(action))
        failure = _finish(context, action, answer.get("PortfolioShareToken"))
        if failure is None:
            return
        delete_share(context, action)
    raise failure or AwsCallFailed("no attempt was made")


def update_share(context: Context, action: Action) -> None:
    """Set a share's flags."""
    answer = _act(context, action, "update_portfolio_share", **_flags(action))
    failure = _finish(context, action, answer.get("PortfolioShareToken"))
    if failure:
        raise failure


def delete_share(context: Context, action: Action) -> None:
    """Stop sharing with a node, and stay until AWS has done so."""
    try:
        answer = _act(context, action, "delete_portfolio_share")
    except CatalogError as error:
        if is_missing(error):
            return
        raise
    failure = _finish(context, action, answer.get("PortfolioShareToken"))
    if failure:
        raise failure


def _act(context: Context, action: Action, operation: str, **flags: Any) -> dict[str, Any]:
    node = action.params["node"]
    target: dict[str, Any] = {
        "OrganizationNode": {"Type": action.params["node_type"], "Value": node}
    }
    if action.params["node_type"] == "ACCOUNT":
        target = {"AccountId": node}
    last: CatalogError | None = None
    for _ in context.attempts(context.patience.finish):
        try:
            return context.call(
                action.account,
                action.region,
                operation,
                PortfolioId=context.resolve(action.region, action.params["portfolio"]),
                **target,
                **flags,
            )
        except CatalogError as error:
            # "Cannot process more than one portfolio share action": another publisher's, or one
            # that an earlier run began.
            if error_code(error) != "InvalidStateException":
                raise
            last = error
    raise last or AwsCallFailed("no attempt was made")


def _flags(action: Action) -> dict[str, bool]:
    flags = {"ShareTagOptions": bool(action.params["share_tag_options"])}
    # CreatePortfolioShare: SharePrincipals is for an organization and its OUs only.
    if action.params["node_type"] != "ACCOUNT":
        flags["SharePrincipals"] = bool(action.params["share_principals"])
    return flags


def _finish(context: Context, action: Action, token: str | None) -> CatalogError | None:
    """Wait for a share action; return what went wrong with it."""
    if not token:
        return None
    where = Location(account=action.account, region=action.region)
    for _ in context.attempts(context.patience.finish):
        answer = context.call(
            action.account,
            action.region,
            "describe_portfolio_share_status",
            PortfolioShareToken=token,
        )
        status = answer.get("Status")
        if status == "COMPLETED":
            return None
        if status in _ENDS:
            errors = (answer.get("ShareDetails") or {}).get("ShareErrors") or ()
            reasons = "; ".join(
                f"{', '.join(e.get('Accounts') or ('?',))}: {e.get('Error') or ''} "
                f"{e.get('Message') or ''}".rstrip()
                for e in errors
            )
            return AwsCallFailed(
                f"share {action.subject} ended {status}: {reasons or 'AWS gives no reason'}",
                where=where,
                next_step="Fix what AWS names for these accounts, then run it again.",
            )
    return AwsCallFailed(
        f"share {action.subject} is still in progress",
        where=where,
        next_step="Run it again later; AWS goes on with it meanwhile.",
    )
