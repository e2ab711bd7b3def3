"""How an emulated service is written: one class, one method per operation.

The gateway finds the service and operation of a request, authenticates and authorises the caller,
parses and validates the input against botocore's model, calls the method, validates the output
against botocore's model and serialises it. A service that overrides only some operations of a
service that moto has leaves the others to moto.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from catalog.localaws.core.local import LocalAws

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who signs a request.

    Attributes:
        account: 12-digit account id the credentials belong to.
        arn: `arn:aws:iam::ACCT:root`, `arn:aws:iam::ACCT:user/NAME`, or
            `arn:aws:sts::ACCT:assumed-role/ROLE/SESSION`.
        role_arn: the IAM role behind an assumed-role session (with its path), else None.
        access_key: the access key id that was used; empty for an anonymous caller.
        unique_id: what `sts:GetCallerIdentity` gives as UserId.
        session_policies: JSON documents handed to `sts:AssumeRole`.
        session_tags: tags handed to `sts:AssumeRole`.
    """

    account: str
    arn: str
    role_arn: str | None = None
    access_key: str = ""
    unique_id: str = ""
    session_policies: tuple[str, ...] = ()
    session_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_administrator(self) -> bool:
        """Whether these are the account's own (root) keys, which no policy limits."""
        return self.arn.endswith(":root")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated, authorised, parsed request.

    Attributes:
        params: the input as boto3 would pass it, validated against the model.
        aws: the running local AWS, for clients of other services.
        credentials: the caller's own, to act on the caller's behalf (forward access sessions).
        via: principal of the AWS service that makes the request on the caller's behalf, or empty.
    """

    service: str
    operation: str
    account: str
    region: str
    principal: Principal
    params: dict[str, Any]
    aws: LocalAws
    credentials: dict[str, str]
    via: str = ""


class ServiceError(Exception):
    """An AWS error response.

    Args:
        code: the error's name as botocore declares it (`ResourceNotFoundException`).
        message: AWS's text.
        status: HTTP status code; the model's own is used when this is left at 400.
        fields: further members of the modelled error shape.
    """

    default_status: ClassVar[int] = 400

    def __init__(
        self, code: str, message: str, *, status: int = default_status, **fields: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


class Service:
    """Base of every emulated service; one instance per LocalAws.

    A subclass sets `name` (botocore's service name) and defines one method per operation, named as
    boto3's (`create_portfolio`), taking a Call and returning the output in API shape. State is in
    `self.state(call)`, one object per account and region, made by `new_state`.

    Attributes:
        name: botocore's service name.
        validation_code: the error code this service answers invalid input with.
        falls_back_to_moto: whether operations that the class lacks are moto's. False when the two
            would answer from different states; such operations are then not emulated.
        extra_enum_values: what AWS returns although botocore's enum lacks it, by shape.
        resources: for each operation ("CreatePortfolio"), the ARNs that authorisation checks, from
            (params, account, region). Merged into `core/authorization/resources.py`.
        actions: for each operation whose IAM action is not `prefix:Operation`, the actions needed.
        passed_roles: for each operation that hands roles to an AWS service, the function that
            returns (role ARN, service principal) pairs from params; checked as `iam:PassRole`.
    """

    name: ClassVar[str]
    validation_code: ClassVar[str] = "ValidationException"
    falls_back_to_moto: ClassVar[bool] = True
    extra_enum_values: ClassVar[Mapping[str, frozenset[str]]] = {}
    resources: ClassVar[Mapping[str, Callable[[dict[str, Any], str, str], list[str]]]] = {}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    passed_roles: ClassVar[Mapping[str, Callable[[dict[str, Any]], list[tuple[str, str]]]]] = {}

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self._states: dict[tuple[str, str], Any] = {}
        self._states_lock = threading.Lock()

    def new_state(self, account: str, region: str) -> Any:  # noqa: ARG002 - for subclasses
        """Return the empty state of one account and region."""
        raise LookupError(f"{self.name} keeps no state")

    def state_of(self, account: str, region: str) -> Any:
        """Return the state of one account and region, made on first use."""
        key = (account, region)
        with self._states_lock:
            if key not in self._states:
                self._states[key] = self.new_state(account, region)
            return self._states[key]

    def state(self, call: Call) -> Any:
        """Return the state that `call` addresses."""
        return self.state_of(call.account, call.region)

    def http_routes(self) -> dict[str, WSGIApplication]:
        """Return WSGI applications by URL prefix ("/git/"), served beside the AWS API."""
        return {}

    def on_event(self, event: dict[str, Any]) -> None:
        """Receive every event that any service puts on a bus; runs in a background thread."""

    def before_moto(self, call: Call) -> None:
        """Refuse, or prepare for, a request that moto is about to answer."""

    def tags_of(self, arn: str) -> Mapping[str, str] | None:  # noqa: ARG002 - for subclasses
        """Return the tags of one of this service's resources, for `aws:ResourceTag/...`."""
        return None

    def on_delegated_administrator_removed(self, *, account: str, service_principal: str) -> None:
        """Learn that an account no longer administers a service for its organisation."""

    def stop(self) -> None:
        """Release what outlives a request (subprocesses, sockets); called once, on stop."""


def paginate(
    items: Sequence[T],
    *,
    token: str | None,
    size: int | None,
    default: int,
    error: Callable[[], Exception],
) -> tuple[list[T], str | None]:
    """Return one page and the next token, as AWS lists do.

    Args:
        items: the whole result, in a stable order.
        token: the caller's page token, or None for the first page.
        size: the caller's page size, capped at `default`.
        default: the operation's page size.
        error: makes the exception raised for a token that this list never gave out.
    """
    try:
        start = int(token, 36) if token else 0
    except ValueError:
        raise error() from None
    if start < 0 or start > len(items):
        raise error()
    end = start + min(size or default, default)
    if end >= len(items):
        return list(items[start:]), None
    digits, n = "", end
    while n:
        n, r = divmod(n, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[r] + digits
    return list(items[start:end]), digits
