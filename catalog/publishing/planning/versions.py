"""Which versions of a product are missing, drifted, doubled or in conflict. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from catalog.errors import CatalogError, ForeignResource, Location, VersionConflict
from catalog.publishing import ownership
from catalog.publishing.actions import Change
from catalog.publishing.assets import digest_of_template_url
from catalog.publishing.desired import DesiredProduct
from catalog.publishing.observed import ObservedArtifact, ObservedProduct


@dataclass(frozen=True, kw_only=True)
class VersionUpdate:
    """A change of a published version's description, guidance or activity."""

    artifact: ObservedArtifact
    reason: str
    changes: tuple[Change, ...]


@dataclass(kw_only=True)
class VersionPlan:
    """What a product's versions need.

    Attributes:
        create: whether the wanted version is missing.
    """

    create: bool = False
    updates: list[VersionUpdate] = field(default_factory=list)
    refusals: list[CatalogError] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Known:
    artifact: ObservedArtifact
    record: ownership.ArtifactRecord
    unlabelled: bool = False


def plan_versions(
    *, product: DesiredProduct, seen: ObservedProduct | None, account: str, region: str
) -> VersionPlan:
    """Compare a product's published versions with the wanted one."""
    plan = VersionPlan()
    if seen is None:
        plan.create = True
        return plan
    where = Location(account=account, region=region)
    wanted = product.artifact
    known, unknown = _recognised(product, seen)
    for artifact in unknown:
        if artifact.name == wanted.name:
            plan.refusals.append(
                ForeignResource(
                    f'version {artifact.name} of "{product.name}" ({artifact.id}) was not '
                    "published by this catalog",
                    where=where,
                    next_step="Delete or rename that version, or bump the template's.",
                )
            )
            return plan
    current = _current(product, known)
    if current is None:
        clash = next((k for k in known if k.artifact.name == wanted.name), None)
        if clash:
            plan.refusals.append(
                VersionConflict(
                    f"template {product.template!r} has changed but its version {wanted.name} is "
                    f"published already (digest {clash.record.digest[:12]}, now "
                    f"{wanted.record.digest[:12]})",
                    where=where,
                    next_step="Bump version in its template.yml and add a CHANGELOG.md entry.",
                )
            )
            return plan
        plan.create = True
    first_of: set[tuple[str, str]] = set()
    for item in known:
        identity = (item.artifact.name, item.record.digest)
        duplicate = identity in first_of
        first_of.add(identity)
        update = _update(product, item, is_current=item is current, duplicate=duplicate)
        if update:
            plan.updates.append(update)
    return plan


def _recognised(
    product: DesiredProduct, seen: ObservedProduct
) -> tuple[list[_Known], list[ObservedArtifact]]:
    """Split versions into those this catalog published and others, oldest first."""
    known, unknown = [], []
    for artifact in seen.artifacts:
        record = ownership.artifact_record(artifact.description)
        if record is None:
            # A description edited by hand: the template's own address still tells.
            origin = digest_of_template_url(
                artifact.template_url, template=product.template, version=artifact.name
            )
            if origin:
                record = replace(product.artifact.record, digest=origin[0], release=origin[1])
        if record and (record.catalog, record.template) == (
            product.artifact.record.catalog,
            product.template,
        ):
            unlabelled = ownership.artifact_record(artifact.description) is None
            known.append(_Known(artifact=artifact, record=record, unlabelled=unlabelled))
        else:
            unknown.append(artifact)
    return known, unknown


def _current(product: DesiredProduct, known: list[_Known]) -> _Known | None:
    """Return the published version that holds the wanted content.

    A development version has a new name at every commit; one of equal content will do.
    """
    wanted = product.artifact
    same = [k for k in known if k.record.digest == wanted.record.digest]
    named = [k for k in same if k.artifact.name == wanted.name]
    if named:
        return named[0]
    if wanted.development:
        return next((k for k in same if k.record.version == wanted.record.version), None)
    return None


def _update(
    product: DesiredProduct, item: _Known, *, is_current: bool, duplicate: bool
) -> VersionUpdate | None:
    artifact = item.artifact
    after: dict[str, str] = {}
    if duplicate:
        after["active"] = "false"
        reason = "an older version of the same name and content is offered"
    else:
        retired = ownership.is_retired(artifact.description)
        deprecated = retired or artifact.name in product.deprecated_versions
        after["guidance"] = "DEPRECATED" if deprecated else "DEFAULT"
        reason = "template.yml lists it as deprecated" if deprecated else "it differs"
        reason = "it was retired" if retired else reason
        if is_current:
            after["active"] = "true"
            after["description"] = ownership.artifact_description(
                changelog=product.artifact.changelog, record=item.record
            )
        elif item.unlabelled:
            after["description"] = ownership.artifact_description(
                changelog=artifact.description, record=item.record
            )
    before = {
        "guidance": artifact.guidance,
        "active": "true" if artifact.active else "false",
        "description": artifact.description,
    }
    changes = tuple(
        Change(attribute=name, before=before[name], after=value)
        for name, value in after.items()
        if before[name] != value
    )
    return VersionUpdate(artifact=artifact, reason=reason, changes=changes) if changes else None
