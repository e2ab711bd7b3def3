"""Which accounts a catalog's targets mean, as AWS Organizations has them now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from catalog.aws import Aws
from catalog.manifest.models import CatalogManifest
from catalog.manifest.reach import Reach

# Organizations is global; its endpoint lives in us-east-1 for the aws partition
# (docs.aws.amazon.com/general/latest/gr/ao.html).
_REGION = "us-east-1"


def target_reaches(*, aws: Aws, manifest: CatalogManifest) -> tuple[Reach, ...]:
    """Return what each target reaches: active accounts only, without the hub.

    An account that joins an OU is in the next answer, one that was closed is not.

    Raises:
        CatalogError: Organizations refused; the hub must be the management account or a
            delegated administrator.
    """
    hub = manifest.hub.account
    below: dict[str, Reach] = {}

    def unit(ou: str) -> Reach:
        if ou not in below:
            below[ou] = _below(aws, hub, ou)
        return below[ou]

    reaches = []
    for target in manifest.targets:
        if target.accounts:
            reach = Reach(accounts=frozenset(target.accounts))
        elif target.ou:
            reach = unit(target.ou)
        else:
            reach = Reach(
                accounts=frozenset(_active(_pages(aws, hub, "list_accounts", "Accounts")))
            )
        without = {hub}
        if target.exclude:
            without.update(target.exclude.accounts)
            without.update(*(unit(ou).accounts for ou in target.exclude.ous))
        reaches.append(Reach(accounts=reach.accounts - without, units=reach.units))
    return tuple(reaches)


def reached_accounts(reaches: Iterable[Reach]) -> tuple[str, ...]:
    """Return the accounts of all targets, sorted."""
    return tuple(sorted({account for reach in reaches for account in reach.accounts}))


def _below(aws: Aws, hub: str, parent: str) -> Reach:
    accounts: set[str] = set()
    units: set[str] = set()
    waiting = [parent]
    while waiting:
        unit = waiting.pop()
        units.add(unit)
        accounts.update(
            _active(_pages(aws, hub, "list_accounts_for_parent", "Accounts", ParentId=unit))
        )
        children = _pages(
            aws, hub, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit
        )
        waiting.extend(child["Id"] for child in children)
    return Reach(accounts=frozenset(accounts), units=frozenset(units))


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
