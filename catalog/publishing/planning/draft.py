"""What the planning of one region works on and adds to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.errors import CatalogError, Location
from catalog.publishing import ownership
from catalog.publishing.actions import Action, Change, Kind
from catalog.publishing.desired import DesiredRegion, DesiredState
from catalog.publishing.observed import ObservedRegion


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What a plan may do beyond publishing.

    Attributes:
        unused_products: ids of products that no account has provisioned, as the fleet knows it.
            Only these are deleted when no portfolio offers them; others stay in the hub, where
            existing projects need them.
    """

    unused_products: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Draft:
    """The plan of one region while it is made."""

    desired: DesiredState
    wanted: DesiredRegion
    seen: ObservedRegion
    options: PlanOptions
    actions: list[Action] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refusals: list[CatalogError] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    @property
    def region(self) -> str:
        """The region's name."""
        return self.wanted.region

    @property
    def where(self) -> Location:
        """The hub in this region."""
        return Location(account=self.desired.account, region=self.region)

    def add(  # noqa: PLR0913 - an action has that many parts
        self,
        kind: Kind,
        key: str,
        *,
        subject: str,
        reason: str,
        changes: tuple[Change, ...] = (),
        params: Mapping[str, object],
        needs: tuple[str, ...] = (),
        lane: str | None = None,
        account: str = "",
    ) -> str:
        """Add an action, in the hub unless an account is named; return its id."""
        action = Action(
            id=self._id(kind, key),
            kind=kind,
            account=account or self.desired.account,
            region=self.region,
            subject=subject,
            reason=reason,
            changes=changes,
            params=params,
            needs=tuple(dict.fromkeys(needs)),
            lane=lane,
        )
        self.actions.append(action)
        self.ids.add(action.id)
        return action.id

    def planned(self, kind: Kind, key: str) -> str:
        """Return the id of an action if it has been added, else an empty text."""
        action_id = self._id(kind, key)
        return action_id if action_id in self.ids else ""

    def _id(self, kind: Kind, key: str) -> str:
        return f"{self.region} {kind.value} {key}"

    def update(
        self,
        kind: Kind,
        *,
        key: str,
        subject: str,
        target: Mapping[str, str],
        attributes: tuple[Change, ...],
        tags: tuple[Mapping[str, str], Mapping[str, str]],
    ) -> list[str]:
        """Add an update of attributes and tags, if there is anything to update."""
        before, after = tags
        add, remove = ownership.tag_changes(observed=before, desired=after)
        changes = (
            *attributes,
            *(
                Change(attribute=f"tag {k}", before=before.get(k), after=add[k])
                for k in sorted(add)
            ),
            *(Change(attribute=f"tag {k}", before=before[k], after=None) for k in remove),
        )
        if not changes:
            return []
        return [
            self.add(
                kind,
                key,
                subject=subject,
                reason="it differs",
                changes=changes,
                params={
                    **target,
                    "attributes": {c.attribute: c.after for c in attributes},
                    "add_tags": add,
                    "remove_tags": list(remove),
                },
            )
        ]

    def put(self, key: str, bucket: tuple[str, ...], reason: str) -> str:
        """Add the upload of an asset or template; return its id."""
        templates = [p.artifact.template for p in self.wanted.products]
        templates += [t.object for t in self.wanted.studio]
        item = next(o for o in (*self.wanted.objects, *templates) if o.key == key)
        return self.add(
            Kind.OBJECT_PUT,
            key,
            subject=f"object {key}",
            reason=reason,
            params={
                "bucket": self.wanted.bucket,
                "key": key,
                "sha256": item.sha256,
                "size": item.size,
                "content_type": item.content_type,
                "tags": dict(item.tags),
            },
            needs=bucket,
        )

    def lane(self, kind: str, name: str) -> str:
        """Return the name of a lane of this account and region."""
        return f"{kind} {self.desired.account} {self.region} {name}".strip()


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Return what `after` changes in `before`."""
    return tuple(
        Change(attribute=name, before=before.get(name), after=value)
        for name, value in after.items()
        if before.get(name) != value
    )
