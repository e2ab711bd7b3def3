"""The assets bucket and what must be in it."""

from __future__ import annotations

from catalog.errors import ForeignResource
from catalog.publishing.actions import Kind
from catalog.publishing.planning.draft import Draft, differences


def plan_bucket(draft: Draft) -> tuple[str, ...]:
    """Plan the bucket; return what uploads must wait for."""
    if not draft.wanted.uses_bucket and draft.seen.bucket_settings is None:
        return ()
    if not draft.wanted.uses_bucket and not draft.seen.studio:
        return ()
    settings, seen = draft.wanted.settings, draft.seen.bucket_settings
    name = f"assets bucket {draft.wanted.bucket}"
    if seen is not None and seen["owner-tag"] not in ("none", draft.desired.catalog):
        draft.refusals.append(
            ForeignResource(
                f"{name} belongs to the catalog {seen['owner-tag']!r}",
                where=draft.where,
                next_step="Choose another assets.bucket_prefix in catalog.yml.",
            )
        )
        return ()
    needs: tuple[str, ...] = ()
    if seen is None:
        needs = (
            draft.add(
                Kind.BUCKET_CREATE,
                draft.wanted.bucket,
                subject=name,
                reason="it does not exist",
                params={"bucket": draft.wanted.bucket},
            ),
        )
    changes = differences(seen or {}, settings)
    if changes:
        needs = (
            draft.add(
                Kind.BUCKET_CONFIGURE,
                draft.wanted.bucket,
                subject=name,
                reason="its settings differ" if seen else "encrypted, versioned, private",
                changes=changes if seen else (),
                params={
                    "bucket": draft.wanted.bucket,
                    "settings": {c.attribute: settings[c.attribute] for c in changes},
                },
                needs=needs,
            ),
        )
    return needs


def plan_objects(draft: Draft, bucket: tuple[str, ...]) -> dict[str, str]:
    """Plan the uploads of missing assets; return their actions by key."""
    return {
        item.key: draft.put(item.key, bucket, "it is not there")
        for item in draft.wanted.objects
        if item.key not in draft.seen.objects
    }
