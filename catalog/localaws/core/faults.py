"""What can go wrong on purpose: latency, throttling, lost responses, server errors, kills.

Also the switches for behaviours that AWS leaves undocumented.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from catalog.localaws.core.service import ServiceError


class Killed(BaseException):
    """The process under test dies here; nothing may catch it but the test."""


class ConnectionLost(Exception):
    """The connection broke; unless it never stood, the client cannot tell if the call had effect.

    Attributes:
        before_effect: whether the request never arrived.
    """

    def __init__(self, message: str, *, before_effect: bool) -> None:
        super().__init__(message)
        self.before_effect = before_effect


class Fault(StrEnum):
    """What happens to a chosen call.

    KILL and KILL_AFTER end the caller before or after the effect, as `kill -9` would.
    """

    LOST_RESPONSE = "lost response"
    CONNECTION_REFUSED = "connection refused"
    SERVER_ERROR = "server error"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    EXPIRED_CREDENTIALS = "expired credentials"
    ACCESS_DENIED = "access denied"
    KILL = "kill"
    KILL_AFTER = "kill after"


_AFTER = frozenset({Fault.LOST_RESPONSE, Fault.KILL_AFTER})


@dataclass(frozen=True, kw_only=True)
class CallSite:
    """A call, as fault rules see it.

    Attributes:
        number: how many calls clients made before it, plus one.
        mutating_number: the same among mutating calls; of a read, the last mutating call's.
    """

    service: str
    operation: str
    account: str
    region: str
    principal: str
    mutating: bool
    number: int
    mutating_number: int


@dataclass(kw_only=True)
class Rule:
    """Injects `fault` into the calls that match every given condition.

    Attributes:
        when: any further condition.
        skip: how many matching calls pass before the first fault.
        times: how many calls it hits; None for all.
        hits: how many calls it has hit.
    """

    fault: Fault
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    region: str | None = None
    mutating: bool | None = None
    when: Callable[[CallSite], bool] | None = None
    skip: int = 0
    times: int | None = 1
    hits: int = 0
    _passed: int = 0

    def _matches(self, site: CallSite) -> bool:
        conditions = (
            (self.service, site.service),
            (self.operation, site.operation),
            (self.account, site.account),
            (self.region, site.region),
            (self.mutating, site.mutating),
        )
        return all(wanted is None or wanted == actual for wanted, actual in conditions) and (
            self.when is None or self.when(site)
        )

    def strikes(self, site: CallSite) -> bool:
        """Tell whether this call is hit, and count it."""
        if self.times is not None and self.hits >= self.times:
            return False
        if not self._matches(site):
            return False
        if self._passed < self.skip:
            self._passed += 1
            return False
        self.hits += 1
        return True


@dataclass(kw_only=True)
class Throttle:
    """A request quota: each account, region and operation has a token bucket of its own.

    Attributes:
        rate: tokens per second.
        burst: bucket size.
        service: botocore name; None for every service.
        operation: "CreatePortfolio"; None for every operation, each with its own bucket.
    """

    rate: float
    burst: float
    service: str | None = None
    operation: str | None = None
    refused: int = 0
    _buckets: dict[tuple[str, str, str, str], tuple[float, float]] = field(default_factory=dict)

    def admits(self, site: CallSite, *, now: float) -> bool:
        """Take a token for this call; False when the bucket is empty."""
        if self.service not in (None, site.service) or self.operation not in (None, site.operation):
            return True
        key = (site.account, site.region, site.service, site.operation)
        tokens, then = self._buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if admitted else tokens, now)
        self.refused += not admitted
        return admitted


class Faults:
    """The faults of one LocalAws. Thread-safe; rules may be added while it runs.

    Only clients' calls are counted and hit, never those that emulated services make themselves.

    Args:
        latency_seconds: added to every call.
        latency_by_service: instead of `latency_seconds`, for these services.
        transition_seconds: how long asynchronous things stay CREATING, DELETING and so on.
    """

    def __init__(
        self,
        *,
        latency_seconds: float = 0.0,
        latency_by_service: Mapping[str, float] | None = None,
        transition_seconds: float = 0.02,
    ) -> None:
        self.latency_seconds = latency_seconds
        self.latency_by_service = dict(latency_by_service or {})
        self.transition_seconds = transition_seconds
        self._rules: list[Rule] = []
        self._throttles: list[Throttle] = []
        self._lock = threading.Lock()
        self._calls = 0
        self._mutating_calls = 0

    def inject(  # noqa: PLR0913 - one argument per property of a call
        self,
        fault: Fault,
        *,
        service: str | None = None,
        operation: str | None = None,
        account: str | None = None,
        region: str | None = None,
        mutating: bool | None = None,
        when: Callable[[CallSite], bool] | None = None,
        skip: int = 0,
        times: int | None = 1,
    ) -> Rule:
        """Add a rule and return it, so that a test can read its `hits`."""
        rule = Rule(
            fault=fault,
            service=service,
            operation=operation,
            account=account,
            region=region,
            mutating=mutating,
            when=when,
            skip=skip,
            times=times,
        )
        with self._lock:
            self._rules.append(rule)
        return rule

    def kill_at(self, number: int, *, mutating: bool = True, after: bool = False) -> Rule:
        """Kill the caller at its `number`-th call (the first is 1) from now on."""
        return self.inject(
            Fault.KILL_AFTER if after else Fault.KILL,
            mutating=True if mutating else None,
            skip=number - 1,
        )

    def throttle(
        self,
        *,
        rate: float,
        burst: float,
        service: str | None = None,
        operation: str | None = None,
    ) -> Throttle:
        """Add a request quota and return it, so that a test can read what it `refused`."""
        quota = Throttle(rate=rate, burst=burst, service=service, operation=operation)
        with self._lock:
            self._throttles.append(quota)
        return quota

    def clear(self) -> None:
        """Remove every rule, quota and latency; counters stay."""
        with self._lock:
            self._rules.clear()
            self._throttles.clear()
            self.latency_seconds = 0.0
            self.latency_by_service.clear()

    def number(self, *, mutating: bool) -> tuple[int, int]:
        """Count a client's call; returns (calls, mutating calls) so far."""
        with self._lock:
            self._calls += 1
            self._mutating_calls += mutating
            return self._calls, self._mutating_calls

    def before(self, site: CallSite) -> Fault | None:
        """Delay a call and decide its fate.

        Returns:
            The fault to apply after the effect, if any.

        Raises:
            ServiceError: the injected error.
            ConnectionLost: before any effect.
            Killed: before any effect.
        """
        latency = self.latency_by_service.get(site.service, self.latency_seconds)
        if latency > 0:
            time.sleep(latency)
        with self._lock:
            now = time.monotonic()
            refused = [quota for quota in self._throttles if not quota.admits(site, now=now)]
            struck = next((rule.fault for rule in self._rules if rule.strikes(site)), None)
        if refused or struck is Fault.THROTTLED:
            raise throttling_error(site.service)
        if struck is None or struck in _AFTER:
            return struck
        _apply(struck, site)
        return None

    @staticmethod
    def after(fault: Fault | None, site: CallSite) -> None:
        """Apply a fault that strikes once the effect has happened."""
        if fault is Fault.LOST_RESPONSE:
            raise ConnectionLost(
                f"response of {site.service} {site.operation} lost", before_effect=False
            )
        if fault is Fault.KILL_AFTER:
            raise Killed(f"after {site.service} {site.operation}")


def throttling_error(service: str) -> ServiceError:
    """Return the error AWS throttles with, in the dialect of `service`."""
    if service == "s3":
        return ServiceError("SlowDown", "Please reduce your request rate.", status=503)
    if service in ("cloudformation", "iam", "sts", "sns", "cloudwatch"):
        return ServiceError("Throttling", "Rate exceeded")
    return ServiceError("ThrottlingException", "Rate exceeded")


def _apply(fault: Fault, site: CallSite) -> None:
    what = f"{site.service} {site.operation}"
    if fault is Fault.KILL:
        raise Killed(f"before {what}")
    if fault is Fault.CONNECTION_REFUSED:
        raise ConnectionLost(f"no connection for {what}", before_effect=True)
    raise {
        Fault.SERVER_ERROR: ServiceError(
            "InternalFailure", "We encountered an internal error. Please try again.", status=500
        ),
        Fault.UNAVAILABLE: ServiceError(
            "ServiceUnavailable", "Service is unable to handle request.", status=503
        ),
        Fault.EXPIRED_CREDENTIALS: ServiceError(
            "ExpiredToken", "The security token included in the request is expired", status=403
        ),
        Fault.ACCESS_DENIED: ServiceError(
            "AccessDenied" if site.service in ("s3", "iam", "sts") else "AccessDeniedException",
            f"User: {site.principal} is not authorized to perform: {site.service}:{site.operation}"
            " with an explicit deny in a service control policy",
            status=403 if site.service in ("s3", "iam", "sts") else 400,
        ),
    }[fault]


@dataclass(kw_only=True)
class Switches:
    """Behaviours that AWS documents nowhere; docs/local-aws.md explains each.

    Attributes:
        imported_product_tags: whether a product's tags are seen through a portfolio that was
            shared into the account.
        share_lock_scope: what "one share action at a time" is counted over.
        token_replay_seconds: how long an idempotency token returns the first answer.
        principal_patterns_in_imports: whether shared name patterns are listed to the recipient.
        concurrent_artifacts: whether an artifact created while another one of its product is
            still CREATING is `lost` (its id stops existing) or `kept`.
        association_lag_seconds: how long other calls do not see a new product association; None
            is the time of one transition.
        launch_role_checked: whether CreateConstraint refuses a launch role that its own account
            does not have ("profile does not exist").
        disassociate_with_constraints: whether a product with constraints leaves a portfolio
            (`allowed`, they go too) or is `refused` as in use.
        role_lag_seconds: how long Service Catalog does not see a new IAM role.
    """

    imported_product_tags: Literal["visible", "lost"] = "visible"
    share_lock_scope: Literal["portfolio", "account", "region"] = "account"
    token_replay_seconds: float = 86_400.0
    principal_patterns_in_imports: bool = True
    concurrent_artifacts: Literal["lost", "kept"] = "lost"
    association_lag_seconds: float | None = None
    launch_role_checked: bool = True
    disassociate_with_constraints: Literal["refused", "allowed"] = "refused"
    role_lag_seconds: float = 0.0
