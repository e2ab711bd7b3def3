"""Which accounts each target of a manifest reaches, as values."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.manifest.models import CatalogManifest


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What one target reaches.

    Attributes:
        accounts: ids of its active accounts, exclusions and the hub left out.
        units: ids of its OU and of all OUs below.
    """

    accounts: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()


def stated_reaches(*, manifest: CatalogManifest) -> tuple[Reach, ...]:
    """Return the reach of each target as far as the manifest alone tells."""
    return tuple(
        Reach(
            accounts=frozenset(target.accounts or ()),
            units=frozenset([target.ou] if target.ou else ()),
        )
        for target in manifest.targets
    )
