"""What the emulated Service Catalog remembers.

States that only time changes (CREATING to AVAILABLE) are not stored: each object knows when it
is ready, and `now` is always `time.monotonic()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from catalog.localaws.cloudformation.template import Template
from catalog.localaws.servicecatalog import ids


class PortfolioPrincipal(NamedTuple):
    """A principal associated with a portfolio."""

    arn: str
    type: str


class Node(NamedTuple):
    """Whom a portfolio is shared with.

    `type` is as DescribePortfolioShares names it: ACCOUNT, ORGANIZATION, ORGANIZATIONAL_UNIT or
    ORGANIZATION_MEMBER_ACCOUNT.
    """

    type: str
    value: str


class Association(NamedTuple):
    """A product in a portfolio.

    `seen_from` is when other calls begin to see it; `source` is the shared portfolio that a
    recipient took the product from, else None.
    """

    seen_from: float
    source: str | None = None


@dataclass(kw_only=True)
class Share:
    """A share in effect."""

    node: Node
    tag_options: bool = False
    principals: bool = False
    failed_accounts: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class ShareAction:
    """A create, update or delete of a share on its way through an organisation."""

    token: str
    kind: str
    portfolio_id: str
    owner: str
    node: Node
    tag_options: bool
    principals: bool
    started_at: float
    ready_at: float
    applied: bool = False
    successful: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    def status(self, now: float) -> str:
        """Return NOT_STARTED, IN_PROGRESS, COMPLETED or COMPLETED_WITH_ERRORS."""
        if not self.applied:
            waited = now - self.started_at
            return (
                "NOT_STARTED" if waited < (self.ready_at - self.started_at) / 4 else "IN_PROGRESS"
            )
        return "COMPLETED_WITH_ERRORS" if self.errors else "COMPLETED"


@dataclass(kw_only=True)
class Portfolio:
    """A portfolio; recipients of a share see this very object."""

    id: str
    owner: str
    region: str
    name: str
    provider: str
    description: str | None
    created: datetime
    tags: dict[str, str]
    tag_options: list[str] = field(default_factory=list)
    products: dict[str, Association] = field(default_factory=dict)
    principals: dict[str, dict[PortfolioPrincipal, None]] = field(default_factory=dict)
    """Account id (owner or recipient) to the principals it associated, in order."""
    shares: dict[Node, Share] = field(default_factory=dict)
    accepted_by: set[str] = field(default_factory=set)

    @property
    def arn(self) -> str:
        """The portfolio's ARN."""
        return ids.portfolio_arn(account=self.owner, region=self.region, portfolio_id=self.id)


@dataclass(kw_only=True)
class Artifact:
    """A provisioning artifact: one version of a product."""

    id: str
    name: str | None
    description: str | None
    type: str
    created: datetime
    info: dict[str, str]
    template: Template
    template_url: str
    """Where the service keeps its own copy of the template."""
    ready_at: float
    active: bool = True
    guidance: str = "DEFAULT"
    failed: bool = False
    lost: bool = False
    """Created beside another one of the same product; gone once it would be ready."""
    source_id: str | None = None

    def status(self, now: float) -> str:
        """Return CREATING, AVAILABLE or FAILED."""
        if now < self.ready_at:
            return "CREATING"
        return "FAILED" if self.failed else "AVAILABLE"


@dataclass(kw_only=True)
class Product:
    """A product with its artifacts, oldest first."""

    id: str
    view_id: str
    owner: str
    region: str
    type: str
    created: datetime
    text: dict[str, str]
    """Name, Owner, ShortDescription, Distributor, SupportDescription, SupportEmail, SupportUrl."""
    tags: dict[str, str]
    tag_options: list[str] = field(default_factory=list)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    source_id: str | None = None

    @property
    def arn(self) -> str:
        """The product's ARN."""
        return ids.product_arn(account=self.owner, region=self.region, product_id=self.id)

    @property
    def name(self) -> str:
        """The product's name, which is not unique."""
        return self.text["Name"]


@dataclass(kw_only=True)
class Constraint:
    """A constraint on a product in a portfolio."""

    id: str
    owner: str
    portfolio_id: str
    product_id: str
    type: str
    description: str
    parameters: str
    ready_at: float

    def status(self, now: float) -> str:
        """Return CREATING or AVAILABLE."""
        return "CREATING" if now < self.ready_at else "AVAILABLE"


@dataclass(kw_only=True)
class TagOption:
    """A key and value that portfolios and products can offer."""

    id: str
    owner: str
    key: str
    value: str
    active: bool = True


@dataclass(kw_only=True)
class Copy:
    """One CopyProduct run."""

    owner: str
    product: Product
    """The copy, or the existing product with the copied artifacts added."""
    artifacts: list[Artifact]
    ready_at: float
    is_new: bool
    applied: bool = False
    failure: str = ""


@dataclass(kw_only=True)
class Record:
    """One request on a provisioned product, and how it went."""

    id: str
    type: str
    provisioned_id: str
    provisioned_name: str
    product_id: str
    artifact_id: str
    path_id: str
    created: datetime
    updated: datetime
    user_arn: str
    session_arn: str
    launch_role_arn: str | None
    tags: dict[str, str]
    status: str = "CREATED"
    errors: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class Provisioned:
    """A provisioned product: a launch and its stack."""

    id: str
    name: str
    account: str
    region: str
    product_id: str
    product_name: str
    artifact_id: str
    artifact_name: str
    path_id: str
    created: datetime
    user_arn: str
    session_arn: str
    token: str
    launch_role_arn: str | None
    tags: dict[str, str]
    parameters: dict[str, str]
    status: str = "UNDER_CHANGE"
    status_message: str | None = None
    stack_id: str = ""
    last_record: str = ""
    last_provisioning_record: str = ""
    last_successful_record: str = ""
    outputs: list[dict[str, str]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The provisioned product's ARN."""
        return ids.provisioned_product_arn(
            account=self.account, region=self.region, name=self.name, provisioned_id=self.id
        )


@dataclass(kw_only=True)
class Plan:
    """A provisioned-product plan: a change set that waits for a yes."""

    id: str
    name: str
    provisioned_id: str
    provisioned_name: str
    product_id: str
    artifact_id: str
    path_id: str
    created: datetime
    updated: datetime
    user_arn: str
    session_arn: str
    parameters: list[dict[str, Any]]
    tags: list[dict[str, str]]
    notification_arns: list[str]
    creates: bool
    """Whether the plan launches a new provisioned product rather than updating one."""
    status: str = "CREATE_IN_PROGRESS"
    status_message: str | None = None
    change_set: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(kw_only=True)
class RegionState:
    """What crosses accounts within one region.

    The last four hold what time or an organisation still has to change, so that bringing a region
    up to the present does not take longer the more is in it.
    """

    portfolios: dict[str, Portfolio] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    tag_options: dict[str, TagOption] = field(default_factory=dict)
    share_actions: dict[str, ShareAction] = field(default_factory=dict)
    copies: dict[str, Copy] = field(default_factory=dict)
    doomed: list[tuple[str, str, float]] = field(default_factory=list)
    """Product and artifact that vanish, and when."""
    pending_actions: list[ShareAction] = field(default_factory=list)
    pending_copies: list[Copy] = field(default_factory=list)
    shared_with_nodes: set[str] = field(default_factory=set)
    """Portfolios shared with nodes of an organisation."""


@dataclass(kw_only=True)
class AccountState:
    """What belongs to one account in one region."""

    provisioned: dict[str, Provisioned] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
