"""What a plan consists of: typed actions in a graph, as values that survive JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from catalog.errors import CatalogError


class Kind(StrEnum):
    """What an action does."""

    BUCKET_CREATE = "bucket.create"
    BUCKET_CONFIGURE = "bucket.configure"
    BUCKET_DELETE = "bucket.delete"
    OBJECT_PUT = "object.put"
    OBJECT_TAG = "object.tag"
    OBJECT_DELETE = "object.delete"
    PORTFOLIO_CREATE = "portfolio.create"
    PORTFOLIO_UPDATE = "portfolio.update"
    PORTFOLIO_DELETE = "portfolio.delete"
    PRODUCT_CREATE = "product.create"
    PRODUCT_UPDATE = "product.update"
    PRODUCT_DELETE = "product.delete"
    ARTIFACT_CREATE = "artifact.create"
    ARTIFACT_UPDATE = "artifact.update"
    ASSOCIATION_CREATE = "association.create"
    ASSOCIATION_DELETE = "association.delete"
    CONSTRAINT_CREATE = "constraint.create"
    CONSTRAINT_UPDATE = "constraint.update"
    CONSTRAINT_DELETE = "constraint.delete"
    PRINCIPAL_ASSOCIATE = "principal.associate"
    PRINCIPAL_DISASSOCIATE = "principal.disassociate"
    SHARE_CREATE = "share.create"
    SHARE_UPDATE = "share.update"
    SHARE_DELETE = "share.delete"
    SHARE_ACCEPT = "share.accept"
    DOMAIN_TAG = "domain.tag"
    DOMAIN_UNTAG = "domain.untag"

    @property
    def sign(self) -> str:
        """`+` makes, `~` changes, `-` takes away."""
        verb = self.value.partition(".")[2]
        if verb in {"create", "put", "associate", "accept"}:
            return "+"
        return "-" if verb in {"delete", "disassociate", "untag"} else "~"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One attribute before and after; None where it is absent."""

    attribute: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Action:
    """One change to AWS.

    Attributes:
        id: stable, unique in its plan: `eu-west-1 portfolio.create ml`.
        subject: what people call the thing: `portfolio "ML projects"`.
        reason: why it is done.
        changes: attribute diffs, for updates.
        params: what applying it needs. Values that start with `@` name a resource whose id an
            earlier action, or the plan's `known` ids, will give.
        needs: ids of the actions that must succeed first.
        lane: actions of one lane never run at once; None for no such limit.
    """

    id: str
    kind: Kind
    account: str
    region: str
    subject: str
    reason: str
    changes: tuple[Change, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    lane: str | None = None

    @property
    def destructive(self) -> bool:
        """Whether it takes something away from users."""
        return self.kind.sign == "-"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that apply will do, and what it will not.

    Attributes:
        catalog: the catalog's name.
        account: the hub's account id.
        regions: regions that were read.
        actions: in an order that respects `needs`.
        known: ids that exist already, by region and reference (`@portfolio:ml`).
        notes: things worth knowing that change nothing.
        unreachable: regions, and target accounts as `account/region`, that could not be read, with
            the reason.
        fingerprint: of the observed state that the plan was made for.
    """

    catalog: str
    account: str
    regions: tuple[str, ...]
    actions: tuple[Action, ...]
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unreachable: Mapping[str, CatalogError] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do in the regions that were read."""
        return not self.actions

    def depth(self) -> int:
        """Return how many actions the longest chain of dependent actions has."""
        depth: dict[str, int] = {}
        for action in self.actions:
            depth[action.id] = 1 + max((depth[n] for n in action.needs), default=0)
        return max(depth.values(), default=0)


def portfolio_ref(key: str) -> str:
    """Return the reference of a portfolio's id."""
    return f"@portfolio:{key}"


def product_ref(template: str) -> str:
    """Return the reference of a product's id."""
    return f"@product:{template}"
