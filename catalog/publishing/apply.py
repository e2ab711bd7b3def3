"""Runs a plan: everything independent at once, whatever else fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import StrEnum

from catalog.aws import Aws
from catalog.errors import CatalogError, Location, PartialFailure
from catalog.publishing.actions import Action, Kind, Plan
from catalog.publishing.backends import assets_bucket, service_catalog, shares, spokes
from catalog.publishing.context import Context, Patience, StoppedError


class State(StrEnum):
    """How far an action is."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    NOT_STARTED = "not started"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One step of an apply, for showing.

    Attributes:
        seconds: how long the action took, once it has ended.
        finished: actions that have ended, this one included.
        total: actions of the plan.
    """

    action: Action
    state: State
    seconds: float = 0.0
    error: CatalogError | None = None
    finished: int = 0
    total: int = 0


@dataclass(kw_only=True)
class ApplyReport:
    """How an apply ended.

    Attributes:
        states: of every action, by its id.
        errors: of the failed actions, by id.
        unreachable: regions and accounts that the plan could not cover.
        seconds: wall time.
    """

    plan: Plan
    states: dict[str, State] = field(default_factory=dict)
    errors: dict[str, CatalogError] = field(default_factory=dict)
    unreachable: Mapping[str, CatalogError] = field(default_factory=dict)
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether everything that was wanted is done, everywhere."""
        return not self.unreachable and all(s is State.DONE for s in self.states.values())

    def table(self) -> list[tuple[str, str, int, int, int, str]]:
        """Return rows of (account, region, done, failed, not done, first error)."""
        unreachable = {_place(self.plan, key): error for key, error in self.unreachable.items()}
        places: dict[tuple[str, str], list[Action]] = {
            (self.plan.account, region): [] for region in self.plan.regions
        }
        for action in self.plan.actions:
            places.setdefault((action.account, action.region), []).append(action)
        for place in unreachable:
            places.setdefault(place, [])
        rows = []
        for place, actions in places.items():
            states = [self.states.get(a.id, State.NOT_STARTED) for a in actions]
            errors = [self.errors[a.id] for a in actions if a.id in self.errors]
            if place in unreachable:
                errors.insert(0, unreachable[place])
            rows.append(
                (
                    *place,
                    states.count(State.DONE),
                    states.count(State.FAILED),
                    len(states) - states.count(State.DONE) - states.count(State.FAILED),
                    errors[0].message.splitlines()[0] if errors else "",
                )
            )
        return rows

    def raise_for_failure(self) -> None:
        """Raise unless everything succeeded.

        Raises:
            PartialFailure: with a table per account and region, and every error.
        """
        if self.succeeded:
            return
        lines = [
            f"{account}/{region}: {done} done, {failed} failed, {left} not done"
            for account, region, done, failed, left, _ in self.table()
        ]
        lines += [_line(error) for error in (*self.unreachable.values(), *self.errors.values())]
        what = "interrupted" if self.interrupted else "not everything was published"
        steps = [e.next_step for e in (*self.unreachable.values(), *self.errors.values())]
        raise PartialFailure(
            "\n  ".join([what, *lines]),
            next_step=" ".join(dict.fromkeys(s for s in steps if s))
            or "Run it again; what is done stays done.",
        )


def apply_plan(
    *,
    plan: Plan,
    aws: Aws,
    contents: Mapping[str, bytes],
    progress: Callable[[Progress], None] | None = None,
    workers: int = 32,
    patience: Patience | None = None,
    stop: threading.Event | None = None,
) -> ApplyReport:
    """Carry out a plan. Call `raise_for_failure` on the report.

    Args:
        plan: what to do.
        aws: how to call AWS.
        contents: `DesiredState.contents` of the bundles that the plan was made from.
        progress: called from one thread at every step.
        workers: actions in flight at most.
        patience: how long to wait for AWS.
        stop: set it to begin nothing new and come back soon.
    """
    context = Context(
        aws=aws,
        catalog=plan.catalog,
        contents=contents,
        patience=patience or Patience(),
        stop=stop or threading.Event(),
        ids={region: dict(ids) for region, ids in plan.known.items()},
    )
    return _Run(plan, context, progress or (lambda _step: None), workers).run()


class _Run:
    def __init__(
        self, plan: Plan, context: Context, progress: Callable[[Progress], None], workers: int
    ) -> None:
        self.context = context
        self.progress = progress
        self.workers = workers
        self.report = ApplyReport(plan=plan, unreachable=plan.unreachable)
        self.actions = {action.id: action for action in plan.actions}
        self.waiting = {a.id: {n for n in a.needs if n in self.actions} for a in plan.actions}
        self.followers: dict[str, list[str]] = {}
        for action_id, needs in self.waiting.items():
            for need in needs:
                self.followers.setdefault(need, []).append(action_id)
        self.urgency = self._urgency()
        self.ready = [i for i, needs in self.waiting.items() if not needs]
        self.busy_lanes: set[str] = set()
        self.running: dict[Future[float], str] = {}

    def run(self) -> ApplyReport:
        began = time.monotonic()
        with ThreadPoolExecutor(self.workers, thread_name_prefix="apply") as pool:
            try:
                self._start_ready(pool)
                while self.running:
                    done, _ = wait(self.running, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._settle(future)
                    self._start_ready(pool)
            except KeyboardInterrupt:
                self._wind_down()
            except BaseException:
                # A bug or a kill: nothing new is begun, and the cause is not hidden.
                self.context.stop.set()
                raise
        for action_id in self.actions:
            self.report.states.setdefault(action_id, State.NOT_STARTED)
        self.report.interrupted = self.context.stop.is_set()
        self.report.seconds = time.monotonic() - began
        return self.report

    def _urgency(self) -> dict[str, int]:
        """Return how many actions hang in a row behind each: the longest chains go first."""
        height: dict[str, int] = {}
        for action_id in reversed(self.actions):
            height[action_id] = 1 + max(
                (height.get(f, 0) for f in self.followers.get(action_id, ())), default=0
            )
        return height

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        if self.context.stop.is_set():
            return
        self.ready.sort(key=lambda i: -self.urgency[i])
        later = []
        for action_id in self.ready:
            action = self.actions[action_id]
            full = len(self.running) >= self.workers
            if full or (action.lane is not None and action.lane in self.busy_lanes):
                later.append(action_id)
                continue
            if action.lane is not None:
                self.busy_lanes.add(action.lane)
            self._tell(action, State.STARTED)
            self.running[pool.submit(self._carry_out, action)] = action_id
        self.ready = later

    def _carry_out(self, action: Action) -> float:
        began = time.monotonic()
        execute(self.context, action)
        return time.monotonic() - began

    def _settle(self, future: Future[float]) -> None:
        action = self.actions[self.running.pop(future)]
        if action.lane is not None:
            self.busy_lanes.discard(action.lane)
        try:
            seconds = future.result()
        except StoppedError:
            self.report.states[action.id] = State.NOT_STARTED
        except CatalogError as error:
            self.report.errors[action.id] = error
            self._end(action, State.FAILED, error=error)
            self._block_followers(action.id)
        else:
            self._end(action, State.DONE, seconds=seconds)
            for follower in self.followers.get(action.id, ()):
                self.waiting[follower].discard(action.id)
                if not self.waiting[follower] and follower not in self.report.states:
                    self.ready.append(follower)

    def _block_followers(self, action_id: str) -> None:
        for follower in self.followers.get(action_id, ()):
            if follower not in self.report.states:
                self._end(self.actions[follower], State.BLOCKED)
                self._block_followers(follower)

    def _wind_down(self) -> None:
        self.context.stop.set()
        done, _ = wait(self.running)
        for future in done:
            self._settle(future)

    def _end(
        self,
        action: Action,
        state: State,
        *,
        seconds: float = 0.0,
        error: CatalogError | None = None,
    ) -> None:
        self.report.states[action.id] = state
        self._tell(action, state, seconds=seconds, error=error)

    def _tell(
        self,
        action: Action,
        state: State,
        *,
        seconds: float = 0.0,
        error: CatalogError | None = None,
    ) -> None:
        self.progress(
            Progress(
                action=action,
                state=state,
                seconds=seconds,
                error=error,
                finished=len(self.report.states),
                total=len(self.actions),
            )
        )


def execute(context: Context, action: Action) -> None:
    """Carry out one action.

    Raises:
        CatalogError: with the account and region it failed in.
    """
    try:
        _EXECUTORS[action.kind](context, action)
    except CatalogError as error:
        if error.where is None:
            error.where = Location(account=action.account, region=action.region)
        raise


def _create_bucket(context: Context, action: Action) -> None:
    assets_bucket.create_bucket(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
    )


def _set_bucket(context: Context, action: Action) -> None:
    assets_bucket.set_bucket(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
        settings=action.params["settings"],
    )


def _delete_bucket(context: Context, action: Action) -> None:
    assets_bucket.delete_bucket(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
    )


def _put_object(context: Context, action: Action) -> None:
    assets_bucket.put_object(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
        key=action.params["key"],
        content=context.content(action.params["sha256"]),
        content_type=action.params["content_type"],
        tags=action.params["tags"],
    )


def _tag_object(context: Context, action: Action) -> None:
    assets_bucket.set_object_tags(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
        key=action.params["key"],
        tags=action.params["tags"],
    )


def _delete_object(context: Context, action: Action) -> None:
    assets_bucket.delete_object(
        aws=context.aws,
        account=action.account,
        region=action.region,
        bucket=action.params["bucket"],
        key=action.params["key"],
    )


_EXECUTORS: Mapping[Kind, Callable[[Context, Action], None]] = {
    Kind.BUCKET_CREATE: _create_bucket,
    Kind.BUCKET_CONFIGURE: _set_bucket,
    Kind.BUCKET_DELETE: _delete_bucket,
    Kind.OBJECT_PUT: _put_object,
    Kind.OBJECT_TAG: _tag_object,
    Kind.OBJECT_DELETE: _delete_object,
    Kind.PORTFOLIO_CREATE: service_catalog.create_portfolio,
    Kind.PORTFOLIO_UPDATE: service_catalog.update_portfolio,
    Kind.PORTFOLIO_DELETE: service_catalog.delete_portfolio,
    Kind.PRODUCT_CREATE: service_catalog.create_product,
    Kind.PRODUCT_UPDATE: service_catalog.update_product,
    Kind.PRODUCT_DELETE: service_catalog.delete_product,
    Kind.ARTIFACT_CREATE: service_catalog.create_artifact,
    Kind.ARTIFACT_UPDATE: service_catalog.update_artifact,
    Kind.ASSOCIATION_CREATE: service_catalog.associate_product,
    Kind.ASSOCIATION_DELETE: service_catalog.disassociate_product,
    Kind.CONSTRAINT_CREATE: service_catalog.create_constraint,
    Kind.CONSTRAINT_UPDATE: service_catalog.update_constraint,
    Kind.CONSTRAINT_DELETE: service_catalog.delete_constraint,
    Kind.PRINCIPAL_ASSOCIATE: spokes.associate_principal,
    Kind.PRINCIPAL_DISASSOCIATE: service_catalog.disassociate_principal,
    Kind.SHARE_CREATE: shares.create_share,
    Kind.SHARE_UPDATE: shares.update_share,
    Kind.SHARE_DELETE: shares.delete_share,
    Kind.SHARE_ACCEPT: spokes.accept_share,
    Kind.DOMAIN_TAG: spokes.tag_domain,
    Kind.DOMAIN_UNTAG: spokes.untag_domain,
}


def _place(plan: Plan, key: str) -> tuple[str, str]:
    account, _, region = key.rpartition("/")
    return account or plan.account, region


def _line(error: CatalogError) -> str:
    return f"{error.where}: {error.message}" if error.where else error.message
