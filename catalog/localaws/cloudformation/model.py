"""What CloudFormation remembers: stacks, their resources and events, change sets."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.localaws.cloudformation.parameters import ParameterValue
from catalog.localaws.cloudformation.template import Resource, Template

_clock = threading.Lock()
_last = datetime.fromtimestamp(0, tz=UTC)


def now() -> datetime:
    """Return the time, later by a microsecond at least than what was returned before."""
    global _last  # noqa: PLW0603 - events of a stack are told apart, and ordered, by their time
    with _clock:
        _last = max(datetime.now(tz=UTC), _last + timedelta(microseconds=1))
        return _last


@dataclass(kw_only=True)
class StackResource:
    """One resource of a stack.

    Attributes:
        properties: resolved, with the stack's tags, as last given to the handler.
        attributes: what `Fn::GetAtt` can return.
        needs: logical ids that it depends on.
    """

    logical_id: str
    type: str
    definition: Resource
    needs: set[str]
    physical_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str | None = None
    timestamp: datetime = field(default_factory=now)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One row of DescribeStackEvents."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    timestamp: datetime
    token: str | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a create or update runs with, and what a rollback of an update goes back to."""

    template: Template
    parameters: Mapping[str, ParameterValue]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Stack:
    """A stack; deleted ones stay, found by id only."""

    id: str
    name: str
    account: str
    region: str
    settings: Settings
    status: str
    reason: str | None = None
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    retain_except_on_create: bool = False
    timeout_minutes: int | None = None
    termination_protection: bool = False
    parent_id: str | None = None
    root_id: str | None = None
    change_set_id: str | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    token: str | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    deleting: bool = False
    busy: threading.Lock = field(default_factory=threading.Lock)
    previous: Settings | None = None
    unfinished: dict[str, StackResource] = field(default_factory=dict)

    @property
    def arn_prefix(self) -> str:
        """Everything of the id before the resource part."""
        return self.id.rsplit(":", 1)[0]

    def record(self, resource: StackResource | None = None) -> None:
        """Append an event with the present status of the stack or of one of its resources."""
        if resource is not None:
            resource.timestamp = now()
        when = resource.timestamp if resource else now()
        event_id = str(uuid.uuid4())
        if resource:
            event_id = f"{resource.logical_id}-{resource.status}-{when:%Y-%m-%dT%H:%M:%S.%fZ}"
        self.events.append(
            Event(
                id=event_id,
                logical_id=resource.logical_id if resource else self.name,
                physical_id=(resource.physical_id or "") if resource else self.id,
                type=resource.type if resource else "AWS::CloudFormation::Stack",
                status=resource.status if resource else self.status,
                reason=resource.reason if resource else self.reason,
                timestamp=when,
                token=self.token,
            )
        )

    def move(self, status: str, reason: str | None = None) -> None:
        """Set the stack's status and record it."""
        self.status, self.reason = status, reason
        self.record()

    def mark(self, resource: StackResource, status: str, reason: str | None = None) -> None:
        """Set a resource's status and record it."""
        resource.status, resource.reason = status, reason
        self.record(resource)


@dataclass(kw_only=True)
class ChangeSet:
    """A change set, executed or not."""

    id: str
    name: str
    stack: Stack
    type: str
    settings: Settings
    options: dict[str, Any]
    description: str | None
    status: str = "CREATE_PENDING"
    reason: str | None = None
    execution_status: str = "UNAVAILABLE"
    changes: list[dict[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=now)


@dataclass(kw_only=True)
class State:
    """One account and region."""

    stacks: dict[str, Stack] = field(default_factory=dict)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    stack_sets: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def find(self, name: str) -> Stack | None:
        """Return the stack of a name (living ones only) or id (deleted ones too)."""
        if name in self.stacks:
            return self.stacks[name]
        for stack in self.stacks.values():
            if stack.name == name and stack.status != "DELETE_COMPLETE":
                return stack
        return None

    def exports(self) -> dict[str, tuple[str, Stack]]:
        """Return export name to value and stack."""
        return {
            output["ExportName"]: (output["OutputValue"], stack)
            for stack in list(self.stacks.values())
            if stack.status != "DELETE_COMPLETE"
            for output in stack.outputs
            if "ExportName" in output
        }
