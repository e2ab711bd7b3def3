"""What CloudFormation remembers of stack sets: instances, operations, results."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.localaws.cloudformation.model import now

TRUSTED_SERVICE = "member.org.stacksets.cloudformation.amazonaws.com"
Place = tuple[str, str]  # account, region


@dataclass(kw_only=True)
class Instance:
    """A stack of a set in one account and region.

    Attributes:
        unit: the OU it was deployed through, for service-managed sets.
        overrides: parameter values of this instance alone.
        status: CURRENT, OUTDATED or INOPERABLE.
        detailed: PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED.
    """

    account: str
    region: str
    unit: str | None = None
    stack_id: str | None = None
    overrides: dict[str, str] = field(default_factory=dict)
    status: str = "OUTDATED"
    detailed: str = "PENDING"
    reason: str | None = None
    operation_id: str = ""


@dataclass(kw_only=True)
class Result:
    """How an operation went in one account and region."""

    status: str = "PENDING"
    reason: str | None = None
    unit: str | None = None


@dataclass(kw_only=True)
class Operation:
    """One operation on a set's instances."""

    id: str
    action: str
    preferences: Mapping[str, Any]
    targets: Mapping[str, Any] | None
    retain: bool = False
    status: str = "QUEUED"
    created: datetime = field(default_factory=now)
    ended: datetime | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    results: dict[Place, Result] = field(default_factory=dict)


@dataclass(kw_only=True)
class StackSet:
    """A stack set, in the account that owns it (the management account, if service-managed).

    Attributes:
        deployed: OU id to the regions that automatic deployment covers.
    """

    id: str
    name: str
    account: str
    region: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: tuple[str, ...]
    permission_model: str
    description: str | None = None
    administration_role: str | None = None
    execution_role: str | None = None
    auto_deployment: dict[str, Any] = field(default_factory=dict)
    managed_execution: bool = False
    status: str = "ACTIVE"
    instances: dict[Place, Instance] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    deployed: dict[str, set[str]] = field(default_factory=dict)
    busy: threading.Lock = field(default_factory=threading.Lock)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def arn(self) -> str:
        """The set's ARN."""
        return f"arn:aws:cloudformation:{self.region}:{self.account}:stackset/{self.id}"

    @property
    def service_managed(self) -> bool:
        """Whether Organizations provides its permissions."""
        return self.permission_model == "SERVICE_MANAGED"

    @property
    def running(self) -> bool:
        """Whether an operation has not ended yet."""
        return any(o.status in ("RUNNING", "QUEUED", "STOPPING") for o in self.operations.values())
