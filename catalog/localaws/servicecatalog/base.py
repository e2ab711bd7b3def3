"""What every part of the emulated Service Catalog stands on: state, look-ups, replay, time."""

from __future__ import annotations

import copy
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from moto.iam.models import iam_backends

from catalog.localaws.core.faults import Switches
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Service, paginate
from catalog.localaws.servicecatalog import errors
from catalog.localaws.servicecatalog.models import (
    AccountState,
    Node,
    Portfolio,
    Product,
    RegionState,
    Share,
)
from catalog.localaws.servicecatalog.organization import Organization, organization_of
from catalog.localaws.servicecatalog.quotas import Quotas

T = TypeVar("T")
S = TypeVar("S", bound="ServiceCatalogBase")
Method = Callable[[S, Call], dict[str, Any]]
Reach = Literal["OWN", "IMPORTED", "AWS_ORGANIZATIONS"]


class ServiceCatalogBase(Service):
    """State and look-ups of the emulated Service Catalog; its operations are in the mixins.

    Attributes:
        quotas: in force; a test may set others.
        share_errors: account id to error code: shares with organisation nodes fail for these
            accounts, and their action ends COMPLETED_WITH_ERRORS.
        failing_artifacts: names of artifacts whose creation ends FAILED.
    """

    name = "servicecatalog"

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.lock = threading.RLock()
        self.quotas = Quotas()
        self.share_errors: dict[str, str] = {}
        self.failing_artifacts: set[str] = set()
        self.organization_access: dict[str, tuple[bool, float]] = {}
        """Organisation id to (enabled, when the change is through)."""
        self.regions: dict[str, RegionState] = defaultdict(RegionState)
        self._replays: dict[tuple[str, ...], _Replay] = {}

    def new_state(self, account: str, region: str) -> AccountState:  # noqa: ARG002
        """Return the empty state of one account and region."""
        return AccountState()

    @property
    def switches(self) -> Switches:
        """How AWS is to behave where nothing documents it."""
        return self.aws.switches

    @property
    def transition_seconds(self) -> float:
        """How long an asynchronous step takes."""
        return self.aws.faults.transition_seconds

    def now(self) -> float:
        """Return the time that states are reckoned by."""
        return time.monotonic()

    def region(self, call: Call) -> RegionState:
        """Return the state that accounts share in the region of `call`."""
        return self.regions[call.region]

    def account(self, call: Call) -> AccountState:
        """Return the caller's own state in the region of `call`."""
        state: AccountState = self.state(call)
        return state

    def settle(self, region: RegionState) -> None:
        """Bring `region` up to the present: what was in progress and is now through."""
        now = self.now()
        due = [entry for entry in region.doomed if now >= entry[2]]
        for entry in due:
            region.doomed.remove(entry)
            product = region.products.get(entry[0])
            if product is not None:
                product.artifacts.pop(entry[1], None)

    # Who sees what

    def reach(self, portfolio: Portfolio, account: str) -> Reach | None:
        """Return how `account` comes to see `portfolio`, or None."""
        if portfolio.owner == account:
            return "OWN"
        if account in portfolio.accepted_by:
            return "IMPORTED"
        if any(self.organization_shares(portfolio, account)):
            return "AWS_ORGANIZATIONS"
        return None

    def organization_shares(self, portfolio: Portfolio, account: str) -> Iterator[Share]:
        """Yield the shares with organisation nodes that cover `account`."""
        candidates = [s for s in portfolio.shares.values() if s.node.type != "ACCOUNT"]
        if not candidates:
            return
        organization = self.sharing_organization(portfolio.owner)
        if organization is None:
            return
        ancestry = organization.ancestry(account)
        for share in candidates:
            if share.node.value in ancestry and account not in share.failed_accounts:
                yield share

    def sharing_organization(self, account: str) -> Organization | None:
        """Return the account's organisation, if the account may share with its nodes now."""
        organization = organization_of(self.aws, account)
        if organization is None or not organization.may_share(account):
            return None
        return organization if self.access_status(organization.id) == "ENABLED" else None

    def access_status(self, organization_id: str) -> str:
        """Return ENABLED, UNDER_CHANGE or DISABLED."""
        enabled, ready_at = self.organization_access.get(organization_id, (False, 0.0))
        if self.now() < ready_at:
            return "UNDER_CHANGE"
        return "ENABLED" if enabled else "DISABLED"

    def visible_portfolios(self, call: Call) -> list[Portfolio]:
        """Return the portfolios the caller's account has, imported or is given."""
        return [p for p in self.region(call).portfolios.values() if self.reach(p, call.account)]

    def portfolio(self, call: Call, portfolio_id: str) -> Portfolio:
        """Return a portfolio that the caller's account sees.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        found = self.region(call).portfolios.get(portfolio_id)
        if found is None or not self.reach(found, call.account):
            raise errors.not_found(f"Portfolio {portfolio_id} not found.")
        return found

    def own_portfolio(self, call: Call, portfolio_id: str, *, doing: str) -> Portfolio:
        """Return a portfolio that the caller's account owns.

        Raises:
            ServiceError: ResourceNotFoundException, or InvalidParametersException for a portfolio
                that was shared with the caller.
        """
        found = self.portfolio(call, portfolio_id)
        if found.owner != call.account:
            raise errors.shared_with_you(f"{doing} a portfolio")
        return found

    def product(self, call: Call, product_id: str) -> Product:
        """Return a product that the caller's administrators see: an own or a shared one.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        found = self.region(call).products.get(product_id)
        if found is not None and (
            found.owner == call.account
            or any(product_id in p.products for p in self.visible_portfolios(call))
        ):
            return found
        raise errors.not_found(f"Product {product_id} not found.")

    def own_product(self, call: Call, product_id: str, *, doing: str) -> Product:
        """Return a product that the caller's account owns.

        Raises:
            ServiceError: ResourceNotFoundException, or InvalidParametersException for a product
                that was shared with the caller.
        """
        found = self.product(call, product_id)
        if found.owner != call.account:
            raise errors.shared_with_you(doing)
        return found

    def sees_tags(self, call: Call, product: Product) -> bool:
        """Return whether the caller's account sees the tags of `product`."""
        return product.owner == call.account or self.switches.imported_product_tags == "visible"

    def sees_tag_options(self, call: Call, portfolio: Portfolio) -> bool:
        """Return whether the caller's account sees the TagOptions that come with `portfolio`."""
        if portfolio.owner == call.account:
            return True
        accepted = portfolio.shares.get(Node("ACCOUNT", call.account))
        shares = [*self.organization_shares(portfolio, call.account)]
        return any(s.tag_options for s in ([*shares, accepted] if accepted else shares))

    def role_exists(self, role_arn: str) -> bool:
        """Return whether Service Catalog sees an IAM role with exactly this ARN."""
        return any(arn == role_arn for arn, _ in self._roles(role_arn.split(":")[4]))

    def role_named(self, *, account: str, name: str) -> str | None:
        """Return the ARN, with its path, of an account's role by its name, or None."""
        return next((arn for arn, found in self._roles(account) if found == name), None)

    def _roles(self, account: str) -> Iterator[tuple[str, str]]:
        oldest = self.switches.role_lag_seconds
        for role in list(iam_backends[account]["aws"].roles.values()):
            created = role.create_date.replace(tzinfo=UTC)
            if (utc_now() - created).total_seconds() >= oldest:
                yield str(role.arn), str(role.name)

    def associated(self, portfolio: Portfolio, product_id: str) -> bool:
        """Return whether the association is there and no longer in its visibility lag."""
        association = portfolio.products.get(product_id)
        return association is not None and self.now() >= association.seen_from

    def page(
        self, call: Call, items: Sequence[T], *, default: int = 20
    ) -> tuple[list[T], dict[str, str]]:
        """Return one page of `items` and the members to add to the answer for the next one."""
        found, token = paginate(
            items,
            token=call.params.get("PageToken"),
            size=call.params.get("PageSize"),
            default=default,
            error=errors.bad_token,
        )
        return found, {"NextPageToken": token} if token else {}


class _Replay:
    """One idempotency token: what it was used for and what it answered."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.params: dict[str, Any] | None = None
        self.response: dict[str, Any] = {}
        self.at = 0.0


def locked(method: Method[S]) -> Method[S]:
    """Run an operation alone, on state that is up to date."""

    @functools.wraps(method)
    def run(self: S, call: Call) -> dict[str, Any]:
        with self.lock:
            self.settle(self.region(call))
            return method(self, call)

    return run


def idempotent(member: str) -> Callable[[Method[S]], Method[S]]:
    """Replay an operation's answer when its token (request member `member`) comes again.

    The same token with other parameters is refused; the model reference does not say what AWS
    does then. A refused request leaves its token unused.
    """

    def wrap(method: Method[S]) -> Method[S]:
        @functools.wraps(method)
        def run(self: S, call: Call) -> dict[str, Any]:
            key = (call.account, call.region, call.operation, call.params[member])
            with self.lock:
                replay = self._replays.setdefault(key, _Replay())
            with replay.lock:
                params = {k: v for k, v in call.params.items() if k != member}
                expired = self.now() - replay.at > self.switches.token_replay_seconds
                if replay.params is not None and not expired:
                    if replay.params != params:
                        raise errors.invalid(
                            f"{member} was already used with different parameters."
                        )
                    return copy.deepcopy(replay.response)
                response = method(self, call)
                replay.params, replay.response = params, copy.deepcopy(response)
                replay.at = self.now()
                return response

        return run

    return wrap


def utc_now() -> datetime:
    """Return the time as AWS reports it."""
    return datetime.now(UTC)


def tag_map(tags: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    """Return an API tag list as a dict."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def retag(tags: dict[str, str], call: Call, *, quota: int) -> dict[str, str]:
    """Return `tags` with the request's RemoveTags and AddTags applied.

    Raises:
        ServiceError: InvalidParametersException when that leaves more than `quota` tags.
    """
    removed = set(call.params.get("RemoveTags", ()))
    kept = {k: v for k, v in tags.items() if k not in removed}
    return require_tags({**kept, **tag_map(call.params.get("AddTags"))}, quota=quota)


def require_tags(tags: dict[str, str], *, quota: int) -> dict[str, str]:
    """Refuse more tags than a resource may have.

    Raises:
        ServiceError: InvalidParametersException.
    """
    if len(tags) > quota:
        raise errors.invalid(f"A resource can have at most {quota} tags.")
    return tags
