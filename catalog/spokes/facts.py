"""What `doctor` has seen of an organisation, as values. The findings are drawn from these alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.errors import CatalogError
from catalog.publishing.observed import Observed

Document = Mapping[str, Any]
"""A policy document of IAM."""


@dataclass(frozen=True, kw_only=True)
class LaunchRole:
    """A launch role as an account has it.

    Attributes:
        trust: its trust policy.
        policies: its inline policies by name.
    """

    trust: Document
    policies: Mapping[str, Document]


@dataclass(frozen=True, kw_only=True)
class ExpectedRole:
    """A launch role as it should be.

    Attributes:
        policies: its inline policies by name; None where the catalog does not make the role.
    """

    name: str
    policies: Mapping[str, Document] | None


@dataclass(frozen=True, kw_only=True)
class Account:
    """IAM in one account.

    Attributes:
        error: why it could not be read; the rest is then empty.
        launch_roles: by name; None for one that does not exist.
        roles: ARNs of all its roles, each with its trust policy.
        boundary: whether the permissions boundary exists; None when the manifest names none.
    """

    account: str
    error: CatalogError | None = None
    launch_roles: Mapping[str, LaunchRole | None] = field(default_factory=dict)
    roles: Mapping[str, Document] = field(default_factory=dict)
    boundary: bool | None = None


@dataclass(frozen=True, kw_only=True)
class SeenPortfolio:
    """A portfolio of the hub as a target account sees it.

    Attributes:
        principals: ARNs and patterns that Service Catalog lists there.
        products: tags of each product that is visible in it, by product id.
    """

    principals: frozenset[str]
    products: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Service Catalog and the assets bucket, seen from one account in one region.

    Attributes:
        error: why it could not be read; the rest is then empty.
        portfolios: those that reach the account, by id.
        asset: key of the object that was read for a test, or "" when the bucket holds none.
        asset_error: why that read failed.
    """

    account: str
    region: str
    error: CatalogError | None = None
    portfolios: Mapping[str, SeenPortfolio] = field(default_factory=dict)
    asset: str = ""
    asset_error: CatalogError | None = None


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """That one portfolio reaches one account in one region.

    Attributes:
        portfolio: its key in the manifest.
        node: the organization or OU it is shared to; "" when it is shared to the account.
    """

    account: str
    region: str
    portfolio: str
    node: str


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """What Organizations and Service Catalog say of the organisation.

    Attributes:
        management: account id of the management account, "" when unknown.
        administrators: delegated administrators of Service Catalog; None when unreadable.
        access: ENABLED, DISABLED, UNDER_CHANGE; None when the hub may not ask.
        targets_error: why the accounts of a target could not be listed.
    """

    management: str = ""
    administrators: frozenset[str] | None = None
    access: str | None = None
    targets_error: CatalogError | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that was read.

    Attributes:
        hub: account id of the hub.
        observed: the hub's portfolios and products.
        expected_roles: launch roles that every account should hold, by name.
        patterns: principals that the manifest gives each portfolio, by its key.
        expectations: what should reach whom.
        bucket: name of each region's assets bucket.
    """

    hub: str
    observed: Observed
    organisation: Organisation
    expected_roles: Mapping[str, ExpectedRole]
    patterns: Mapping[str, tuple[str, ...]]
    expectations: tuple[Expectation, ...]
    accounts: Mapping[str, Account]
    places: Mapping[tuple[str, str], Place]
    bucket: Mapping[str, str]
