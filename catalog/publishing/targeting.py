"""What a manifest's targets come to in one region, overlaps resolved. Pure.

The widest share wins: an OU below one that has the portfolio gets no share of its own, nor does an
account that gets it through its organization. Templates in S3 add up: an account that several
targets name sees the templates of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.manifest import CatalogManifest, Distribution, Reach, Target
from catalog.publishing import assets

# AWS: a tag's value holds 256 characters, `s3://`, the bucket's name and the slashes included.
_FOLDER_LIMIT = 150


@dataclass(frozen=True, kw_only=True)
class DesiredShare:
    """A share of a portfolio.

    Attributes:
        node_type: `ORGANIZATION`, `ORGANIZATIONAL_UNIT` or `ACCOUNT`.
        node: bare id; Service Catalog takes ARNs of the `aws` partition only.
        share_principals: whether principal names go along; never to a single account (AWS).
        share_tag_options: whether TagOptions go along.
    """

    node_type: str
    node: str
    share_principals: bool = True
    share_tag_options: bool = True


@dataclass(frozen=True, kw_only=True)
class DesiredSpoke:
    """What must be in one target account and region.

    Attributes:
        portfolios: keys of the portfolios that it must accept.
        location: `s3://` URL that its Studio domains must name, or empty.
    """

    account: str
    portfolios: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True, kw_only=True)
class Targeting:
    """The targets of one region.

    Attributes:
        portfolios: keys of those that Service Catalog offers, in the manifest's order.
        shares: of each of them.
        folders: names of the templates of each Studio folder of the assets bucket.
        spokes: sorted by account.
        notes: overlaps and what became of them.
    """

    portfolios: tuple[str, ...]
    shares: Mapping[str, tuple[DesiredShare, ...]]
    folders: Mapping[str, frozenset[str]]
    spokes: tuple[DesiredSpoke, ...]
    notes: tuple[str, ...]


def target_region(
    *, manifest: CatalogManifest, region: str, reaches: Sequence[Reach], bucket: str
) -> Targeting:
    """Return what the targets of a region come to.

    Args:
        manifest: names the targets.
        region: one of the catalog's.
        reaches: what each target reaches, in the manifest's order.
        bucket: the region's assets bucket.
    """
    targets = [
        (target, reach)
        for target, reach in zip(manifest.targets, reaches, strict=True)
        if region in manifest.regions_of(target=target)
    ]
    notes: list[str] = []
    shares: dict[str, tuple[DesiredShare, ...]] = {}
    accepts: dict[str, list[str]] = {}
    for key in manifest.portfolios:
        sharing = [
            (target, reach)
            for target, reach in targets
            if key in target.portfolios and target.distribution is not Distribution.STUDIO_S3
        ]
        if not sharing:
            continue
        nodes, covered = _nodes(f"{region}: portfolio {key!r}", sharing, notes)
        accounts = _accounts(f"{region}: portfolio {key!r}", sharing, covered, notes)
        shares[key] = (*nodes, *accounts)
        for share in accounts:
            accepts.setdefault(share.node, []).append(key)
    folders, locations = _studio(manifest, targets, bucket)
    return Targeting(
        portfolios=tuple(shares),
        shares=shares,
        folders=folders,
        spokes=tuple(
            DesiredSpoke(
                account=account,
                portfolios=tuple(accepts.get(account, ())),
                location=locations.get(account, ""),
            )
            for account in sorted({*accepts, *locations})
        ),
        notes=tuple(notes),
    )


def _nodes(
    what: str, sharing: Sequence[tuple[Target, Reach]], notes: list[str]
) -> tuple[list[DesiredShare], set[str]]:
    """Return the shares to the organization and OUs, and the accounts that they reach."""
    shares: list[DesiredShare] = []
    covered: set[str] = set()
    wide = [(t, r) for t, r in sharing if t.distribution is Distribution.ORGANIZATION]
    for target, reach in wide:
        covered |= reach.accounts
        node = target.ou or target.organization or ""
        wider = next(
            (t for t, r in wide if t is not target and (t.organization or node in r.units)), None
        )
        if wider and target.ou:
            notes.append(
                f"{what} reaches {node} by the share to {wider.ou or wider.organization}; "
                "it gets none of its own"
            )
            continue
        shares.append(
            DesiredShare(
                node_type="ORGANIZATIONAL_UNIT" if target.ou else "ORGANIZATION", node=node
            )
        )
    return sorted(shares, key=lambda s: s.node), covered


def _accounts(
    what: str, sharing: Sequence[tuple[Target, Reach]], covered: set[str], notes: list[str]
) -> list[DesiredShare]:
    wanted = {
        account
        for target, reach in sharing
        if target.distribution is Distribution.ACCOUNT
        for account in reach.accounts
    }
    doubled = sorted(wanted & covered)
    if doubled:
        some = ", ".join(doubled[:3]) + (", ..." if len(doubled) > 3 else "")
        notes.append(
            f"{what} reaches {len(doubled)} accounts of distribution 'account' through the "
            f"organization already ({some}); they get no share of their own"
        )
    return [
        DesiredShare(node_type="ACCOUNT", node=account, share_principals=False)
        for account in sorted(wanted - covered)
    ]


def _studio(
    manifest: CatalogManifest, targets: Sequence[tuple[Target, Reach]], bucket: str
) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Return the templates of each folder, and the location that each account's domains name.

    A domain names one location (its tag has one value), so accounts with the same portfolios share
    a folder.
    """
    offered: dict[str, set[str]] = {}
    for target, reach in targets:
        if target.distribution is Distribution.STUDIO_S3:
            for account in reach.accounts:
                offered.setdefault(account, set()).update(target.portfolios)
    folders: dict[str, frozenset[str]] = {}
    locations = {}
    for account, keys in offered.items():
        folder = _folder([key for key in manifest.portfolios if key in keys])
        folders[folder] = frozenset(t for key in keys for t in manifest.portfolios[key].templates)
        locations[account] = f"s3://{bucket}/{folder}"
    return folders, locations


def _folder(keys: Sequence[str]) -> str:
    # A key holds no dot, so two sets of keys never make the same name.
    name = ".".join(sorted(keys))
    if len(name) > _FOLDER_LIMIT:
        name = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{assets.STUDIO}{name}/"
