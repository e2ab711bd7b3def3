"""Templates that Studio lists from S3: one visible version of each, and domains that look there."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.errors import VersionConflict
from catalog.publishing.actions import Change, Kind
from catalog.publishing.assets import (
    ACCOUNTS,
    EMPTY_SHA256,
    STUDIO_OBJECT_TAGS,
    StudioName,
    read_studio_key,
)
from catalog.publishing.desired import DesiredStudioTemplate
from catalog.publishing.observed import ObservedDomain
from catalog.publishing.ownership import CATALOG_TAG, LOCATION_TAG
from catalog.publishing.planning.draft import Draft


def plan_studio(draft: Draft, objects: Mapping[str, str], bucket: tuple[str, ...]) -> None:
    """Plan the templates in Studio's folders, then the domains that name them."""
    published: dict[tuple[str, str], list[tuple[str, StudioName]]] = {}
    for key in sorted(draft.seen.studio):
        found = read_studio_key(key)
        if found:
            published.setdefault((found[0], found[1].template), []).append((key, found[1]))
    shown: dict[str, str] = {}
    successors: dict[tuple[str, str], str] = {}
    for template in draft.wanted.studio:
        place = (template.folder, template.template)
        key, action = _publish(draft, template, published.get(place, []), objects, bucket)
        shown[key] = action
        successors[place] = action
    for key, tags in draft.seen.studio.items():
        if key not in shown and set(STUDIO_OBJECT_TAGS) & set(tags):
            found = read_studio_key(key)
            successor = successors.get((found[0], found[1].template), "") if found else ""
            _tag_object(
                draft,
                key,
                {k: v for k, v in tags.items() if k not in STUDIO_OBJECT_TAGS},
                reason="another version is current" if successor else "no target names it",
                # Never a moment in which Studio shows no version at all.
                needs=(successor,) if successor else (),
            )
    _plan_domains(draft, {a for a in shown.values() if a}, bucket)


def _publish(
    draft: Draft,
    template: DesiredStudioTemplate,
    published: list[tuple[str, StudioName]],
    objects: Mapping[str, str],
    bucket: tuple[str, ...],
) -> tuple[str, str]:
    """Plan one template; return its key and the action that makes it visible, if any."""
    needs = (
        *bucket,
        *(a for k, a in objects.items() if k in template.assets or k.startswith("wheels/")),
    )
    # Content that is there already keeps the release it was first published with.
    same = [
        key
        for key, name in published
        if name.digest == template.digest
        and (template.development or name.version == template.version)
    ]
    same.sort(key=lambda key: not set(STUDIO_OBJECT_TAGS) & set(draft.seen.studio[key]))
    if same:
        tags = draft.seen.studio[same[0]]
        if all(tags.get(k) == v for k, v in STUDIO_OBJECT_TAGS.items()):
            return same[0], ""
        wanted = {**tags, **STUDIO_OBJECT_TAGS}
        return same[0], _tag_object(
            draft, same[0], wanted, reason="it is the current version", needs=needs
        )
    clash = next((name for _, name in published if name.version == template.version), None)
    if clash:
        draft.refusals.append(
            VersionConflict(
                f"template {template.template!r} has changed but its version {template.version} "
                f"is published already (digest {clash.digest[:12]}, now {template.digest[:12]})",
                where=draft.where,
                next_step="Bump version in its template.yml and add a CHANGELOG.md entry.",
            )
        )
        return template.object.key, ""
    return template.object.key, draft.put(
        template.object.key, needs, f"version {template.version} for Studio"
    )


def _tag_object(
    draft: Draft, key: str, tags: Mapping[str, str], *, reason: str, needs: tuple[str, ...]
) -> str:
    before = draft.seen.studio[key]
    return draft.add(
        Kind.OBJECT_TAG,
        key,
        subject=f"object {key}",
        reason=reason,
        changes=tuple(
            Change(attribute=f"tag {name}", before=before.get(name), after=tags.get(name))
            for name in sorted({*before, *tags})
            if before.get(name) != tags.get(name)
        ),
        params={"bucket": draft.wanted.bucket, "key": key, "tags": dict(tags)},
        needs=needs,
    )


def _plan_domains(draft: Draft, ready: set[str], bucket: tuple[str, ...]) -> None:
    located = {s.account: s.location for s in draft.wanted.spokes if s.location}
    without = []
    for account, location in located.items():
        seen = draft.seen.spokes.get(account)
        if seen is None:
            continue
        if not seen.domains:
            without.append(account)
        for domain in seen.domains:
            _link(draft, account, domain, location, tuple(sorted(ready)), bucket)
    if without:
        some = ", ".join(without[:3]) + (", ..." if len(without) > 3 else "")
        draft.notes.append(
            f"{draft.region}: {len(without)} accounts have no Studio domain here ({some}); one "
            "that is made later is tagged by the next run"
        )
    for account in sorted(draft.seen.linked - set(located)):
        _unlink(draft, account)


def _link(
    draft: Draft,
    account: str,
    domain: ObservedDomain,
    location: str,
    ready: tuple[str, ...],
    bucket: tuple[str, ...],
) -> None:
    wanted = {CATALOG_TAG: draft.desired.catalog, LOCATION_TAG: location}
    present = domain.tags.get(LOCATION_TAG)
    ours = domain.tags.get(CATALOG_TAG) == draft.desired.catalog
    if present and present != location and not ours:
        draft.notes.append(
            f"{account}/{draft.region}: Studio domain {domain.id} names {present}, which this "
            "catalog has not set; it is left alone"
        )
        return
    # Noted down before the tag is set, so that a run that is killed in between is no loss.
    ledger: tuple[str, ...] = ()
    if account not in draft.seen.linked:
        key = f"{ACCOUNTS}{account}"
        ledger = (draft.planned(Kind.OBJECT_PUT, key) or _note_down(draft, key, bucket),)
    changes = tuple(
        Change(attribute=f"tag {key}", before=domain.tags.get(key), after=value)
        for key, value in wanted.items()
        if domain.tags.get(key) != value
    )
    if changes:
        draft.add(
            Kind.DOMAIN_TAG,
            f"{account} {domain.id}",
            account=account,
            subject=f"Studio domain {domain.name or domain.id}",
            reason="it lists templates from there",
            changes=changes,
            params={"domain": domain.arn, "location": location},
            needs=(*ready, *ledger),
        )


def _note_down(draft: Draft, key: str, bucket: tuple[str, ...]) -> str:
    return draft.add(
        Kind.OBJECT_PUT,
        key,
        subject=f"object {key}",
        reason="its Studio domains point here",
        params={
            "bucket": draft.wanted.bucket,
            "key": key,
            "sha256": EMPTY_SHA256,
            "size": 0,
            "content_type": "application/octet-stream",
            "tags": {},
        },
        needs=bucket,
    )


def _unlink(draft: Draft, account: str) -> None:
    """Let go of an account that no target names any more."""
    seen = draft.seen.spokes.get(account)
    if seen is None:
        draft.notes.append(
            f"{account}/{draft.region}: no target names the account any more and it cannot be "
            "entered; its Studio domains may still name this catalog's templates"
        )
        return
    done = tuple(
        draft.add(
            Kind.DOMAIN_UNTAG,
            f"{account} {domain.id}",
            account=account,
            subject=f"Studio domain {domain.name or domain.id}",
            reason="no target names the account",
            changes=tuple(
                Change(attribute=f"tag {key}", before=domain.tags[key], after=None)
                for key in (CATALOG_TAG, LOCATION_TAG)
                if key in domain.tags
            ),
            params={"domain": domain.arn},
        )
        for domain in seen.domains
        if domain.tags.get(CATALOG_TAG) == draft.desired.catalog
    )
    key = f"{ACCOUNTS}{account}"
    draft.add(
        Kind.OBJECT_DELETE,
        key,
        subject=f"object {key}",
        reason="none of its Studio domains points here any more",
        params={"bucket": draft.wanted.bucket, "key": key},
        needs=done,
    )
