"""Which accounts a catalog's targets mean, as AWS Organizations has them now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.aws import Aws
from catalog.manifest.models import CatalogManifest

# Organizations is global; its endpoint lives in us-east-1 for the aws partition
# (docs.aws.amazon.com/general/latest/gr/ao.html).
_REGION = "us-east-1"


def target_accounts(*, aws: Aws, manifest: CatalogManifest) -> tuple[str, ...]:
    """Return the active accounts of all targets, sorted, without the hub.

    Raises:
        CatalogError: Organizations refused; the hub must be the management account or a
            delegated administrator.
    """
    found: set[str] = set()
    for target in manifest.targets:
        if target.accounts:
            found.update(target.accounts)
        elif target.ou:
            found.update(_below(aws, manifest.hub.account, target.ou))
        else:
            found.update(_active(_pages(aws, manifest.hub.account, "list_accounts", "Accounts")))
    return tuple(sorted(found - {manifest.hub.account}))


def _below(aws: Aws, hub: str, parent: str) -> Iterator[str]:
    waiting = [parent]
    while waiting:
        unit = waiting.pop()
        yield from _active(_pages(aws, hub, "list_accounts_for_parent", "Accounts", ParentId=unit))
        children = _pages(
            aws, hub, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit
        )
        waiting.extend(child["Id"] for child in children)


def _active(accounts: Iterator[dict[str, Any]]) -> Iterator[str]:
    return (account["Id"] for account in accounts if account.get("Status", "ACTIVE") == "ACTIVE")


def _pages(
    aws: Aws, hub: str, operation: str, result: str, **params: str
) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = aws.call(
            account=hub,
            region=_REGION,
            service="organizations",
            operation=operation,
            **params,
            **token,
        )
        yield from page[result]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
