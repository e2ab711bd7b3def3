"""What AWS holds now, as values: the owned part, and names of what is in its way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from catalog.errors import CatalogError


@dataclass(frozen=True, kw_only=True)
class ObservedArtifact:
    """A provisioning artifact.

    Attributes:
        template_url: read only where the description carries no record; else empty.
    """

    id: str
    name: str
    description: str = ""
    active: bool = True
    guidance: str = "DEFAULT"
    created: str = ""
    template_url: str = ""


@dataclass(frozen=True, kw_only=True)
class ObservedProduct:
    """An owned product."""

    id: str
    name: str
    owner: str = ""
    description: str = ""
    distributor: str = ""
    support_description: str = ""
    support_email: str = ""
    support_url: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    artifacts: tuple[ObservedArtifact, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedConstraint:
    """A constraint of an owned portfolio.

    Attributes:
        parameters: None where they were not read.
    """

    id: str
    type: str
    product_id: str
    description: str = ""
    parameters: str | None = None


@dataclass(frozen=True, kw_only=True)
class ObservedShare:
    """A share of an owned portfolio; `node` is an organization, OU or account id."""

    node_type: str
    node: str
    share_principals: bool
    share_tag_options: bool


@dataclass(frozen=True, kw_only=True)
class ObservedPortfolio:
    """An owned portfolio."""

    id: str
    name: str
    provider: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    product_ids: frozenset[str] = frozenset()
    constraints: tuple[ObservedConstraint, ...] = ()
    principals: frozenset[tuple[str, str]] = frozenset()
    shares: tuple[ObservedShare, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedDomain:
    """A SageMaker Studio domain."""

    id: str
    arn: str
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ObservedSpoke:
    """A target account in one region.

    Attributes:
        accepted: (ARN, type) of the principals of each portfolio of the hub that was accepted.
        domains: its Studio domains.
    """

    account: str
    accepted: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    domains: tuple[ObservedDomain, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ObservedRegion:
    """The hub in one region.

    Attributes:
        bucket_settings: None when the assets bucket does not exist.
        objects: keys in the assets bucket.
        studio: tags of the objects in Studio's folders, by key.
        linked: accounts whose Studio domains this catalog has tagged.
        spokes: target accounts that were read.
        foreign_names: names of portfolios and products that belong to others.
    """

    region: str
    bucket_settings: Mapping[str, str] | None = None
    objects: frozenset[str] = frozenset()
    portfolios: tuple[ObservedPortfolio, ...] = ()
    products: tuple[ObservedProduct, ...] = ()
    studio: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    linked: frozenset[str] = frozenset()
    spokes: Mapping[str, ObservedSpoke] = field(default_factory=dict)
    foreign_names: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All regions that answered, and the errors of those, and of accounts, that did not.

    Attributes:
        failures: by region, or by `account/region` for a target account.
    """

    account: str
    regions: Mapping[str, ObservedRegion]
    failures: Mapping[str, CatalogError] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Return a hash that changes when anything observed changes."""
        state = {region: asdict(seen) for region, seen in self.regions.items()}
        text = json.dumps(
            [self.account, state, sorted(self.failures)],
            sort_keys=True,
            default=sorted,
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()
