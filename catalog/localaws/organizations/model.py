"""The state of one organisation, and the questions other services ask about it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def now() -> datetime:
    """Return the time in UTC, to the second, as AWS gives it."""
    return datetime.now(tz=UTC).replace(microsecond=0)


@dataclass(kw_only=True)
class Account:
    """A member account.

    Attributes:
        parent: id of the OU or root it is in.
        usable_at: `time.monotonic()` from when its creation has finished.
        services: service principals it is delegated administrator of, with the date.
    """

    id: str
    name: str
    email: str
    parent: str
    joined_method: str
    creation_id: str
    usable_at: float
    created: datetime = field(default_factory=now)
    status: str = "ACTIVE"
    tags: dict[str, str] = field(default_factory=dict)
    services: dict[str, datetime] = field(default_factory=dict)
    delegated_since: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether CreateAccount has finished."""
        return time.monotonic() >= self.usable_at


@dataclass(kw_only=True)
class Unit:
    """An organizational unit, or the root (whose `parent` is empty)."""

    id: str
    name: str
    parent: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class OrganizationState:
    """One organisation; its ids follow from its management account, so runs can be compared.

    Attributes:
        trusted: service principals with trusted access, with the date.
    """

    management: str
    feature_set: str
    accounts: dict[str, Account] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    trusted: dict[str, datetime] = field(default_factory=dict)
    _made: int = 0

    @property
    def id(self) -> str:
        """`o-` and ten characters."""
        return f"o-{_derive(f'organization {self.management}', 10)}"

    @property
    def root_id(self) -> str:
        """`r-` and four characters."""
        return f"r-{_derive(f'root {self.management}', 4)}"

    def new_unit_id(self) -> str:
        """`ou-`, the root's four characters, and eight of its own."""
        self._made += 1
        own = _derive(f"unit {self.management} {self._made}", 8)
        return f"ou-{self.root_id.removeprefix('r-')}-{own}"

    def new_account_id(self) -> str:
        """Return twelve digits that no account of this organisation has."""
        while True:
            self._made += 1
            digest = hashlib.sha256(f"account {self.management} {self._made}".encode()).digest()
            digits = str(10**11 + int.from_bytes(digest) % (9 * 10**11))
            if digits not in self.accounts:
                return digits

    def new_creation_id(self) -> str:
        """`car-` and 32 characters."""
        self._made += 1
        return f"car-{_derive(f'creation {self.management} {self._made}', 32)}"

    def arn(self, kind: str, identifier: str = "") -> str:
        """Return the ARN of an `account`, `ou`, `root` or the `organization` itself."""
        prefix = f"arn:aws:organizations::{self.management}:{kind}/{self.id}"
        return f"{prefix}/{identifier}" if identifier else prefix

    def units_below(self, node: str) -> set[str]:
        """Return `node` and every OU below it."""
        found = {node}
        while True:
            more = {u.id for u in self.units.values() if u.parent in found} - found
            if not more:
                return found
            found |= more

    def active_accounts(self) -> Iterator[Account]:
        """Yield the accounts that are neither being created nor closed."""
        return (a for a in self.accounts.values() if a.status == "ACTIVE" and a.is_ready)

    def path(self, node: str) -> list[str]:
        """Return the ids from the organisation down to `node`, an OU or the root."""
        chain: list[str] = []
        while node:
            chain.append(node)
            node = self.units[node].parent
        return [self.id, *reversed(chain)]


class OrganizationView:
    """Read-only answers for other emulated services, over every organisation. Thread-safe."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.organizations: list[OrganizationState] = []

    def of(self, account: str) -> OrganizationState | None:
        """Return the organisation that `account` is in, or None."""
        with self.lock:
            return next((o for o in self.organizations if account in o.accounts), None)

    def management_account(self, account: str) -> str | None:
        """Return the management account of the organisation `account` is in, or None."""
        organization = self.of(account)
        return organization.management if organization else None

    def organization_id(self, account: str) -> str | None:
        """Return the id (`o-...`) of the organisation `account` is in, or None."""
        organization = self.of(account)
        return organization.id if organization else None

    def is_management_account(self, account: str) -> bool:
        """Tell whether `account` manages its organisation."""
        return self.management_account(account) == account

    def is_delegated_administrator(self, account: str, *, service_principal: str) -> bool:
        """Tell whether `account` is a delegated administrator of an AWS service."""
        return account in self.delegated_administrators(
            account, service_principal=service_principal
        )

    def delegated_administrators(self, account: str, *, service_principal: str) -> list[str]:
        """Return the delegated administrators of a service in the organisation of `account`."""
        with self.lock:
            organization = self.of(account)
            members = organization.accounts.values() if organization else ()
            return [a.id for a in members if service_principal in a.services]

    def service_access_enabled(self, account: str, *, service_principal: str) -> bool:
        """Tell whether trusted access of a service is on in the organisation of `account`."""
        organization = self.of(account)
        return organization is not None and service_principal in organization.trusted

    def accounts(self, account: str) -> list[str]:
        """Return all active accounts of the organisation of `account`."""
        with self.lock:
            organization = self.of(account)
            return [a.id for a in organization.active_accounts()] if organization else []

    def accounts_under(self, node: str) -> list[str] | None:
        """Return the active accounts under an OU, root or organisation id, nested OUs included.

        Returns:
            None when no organisation has such a node.
        """
        with self.lock:
            for organization in self.organizations:
                if node == organization.id:
                    return [a.id for a in organization.active_accounts()]
                if node in organization.units:
                    below = organization.units_below(node)
                    return [a.id for a in organization.active_accounts() if a.parent in below]
        return None

    def path(self, account: str) -> list[str]:
        """Return the ids from the organisation down to the parent of `account`."""
        with self.lock:
            organization = self.of(account)
            if organization is None:
                return []
            return organization.path(organization.accounts[account].parent)


def _derive(seed: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    characters = []
    for _ in range(length):
        number, rest = divmod(number, len(_LETTERS))
        characters.append(_LETTERS[rest])
    return "".join(characters)
