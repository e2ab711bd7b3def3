"""What emulated services ask about the organisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.localaws.core.moto_bridge import MotoBridge


class OrganizationView:
    """A read-only view of every organisation in the local AWS. Thread-safe."""

    def __init__(self, moto: MotoBridge) -> None:
        self._moto = moto

    def _backends(self) -> Iterator[Any]:
        from moto.organizations.models import organizations_backends  # noqa: PLC0415 - first use

        for partitions in list(organizations_backends.values()):
            backend = partitions["aws"]
            if backend.org is not None:
                yield backend

    def _backend_of(self, account: str) -> Any | None:
        for backend in self._backends():
            if any(member.id == account for member in backend.accounts):
                return backend
        return None

    def management_account(self, account: str) -> str | None:
        """Return the management account of the organisation `account` is in, or None."""
        with self._moto.lock:
            backend = self._backend_of(account)
            return str(backend.org.master_account_id) if backend else None

    def organization_id(self, account: str) -> str | None:
        """Return the id (`o-...`) of the organisation `account` is in, or None."""
        with self._moto.lock:
            backend = self._backend_of(account)
            return str(backend.org.id) if backend else None

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
        with self._moto.lock:
            backend = self._backend_of(account)
            if backend is None:
                return []
            return [
                str(admin.account.id)
                for admin in backend.admins
                if service_principal in admin.services
            ]

    def service_access_enabled(self, account: str, *, service_principal: str) -> bool:
        """Tell whether trusted access of a service is on in the organisation of `account`."""
        with self._moto.lock:
            backend = self._backend_of(account)
            return bool(backend) and any(
                service["ServicePrincipal"] == service_principal for service in backend.services
            )

    def accounts(self, account: str) -> list[str]:
        """Return all active accounts of the organisation of `account`."""
        with self._moto.lock:
            backend = self._backend_of(account)
            return [str(m.id) for m in backend.accounts if m.status == "ACTIVE"] if backend else []

    def accounts_under(self, node: str) -> list[str] | None:
        """Return the active accounts under an OU, root or organisation id, nested OUs included.

        Returns:
            None when no organisation has such a node.
        """
        with self._moto.lock:
            for backend in self._backends():
                if node == backend.org.id:
                    return [str(m.id) for m in backend.accounts if m.status == "ACTIVE"]
                units = {str(unit.id): unit for unit in backend.ou}
                if node in units:
                    below = _descendants(node, units)
                    return [
                        str(m.id)
                        for m in backend.accounts
                        if m.status == "ACTIVE" and m.parent_id in below
                    ]
        return None

    def path(self, account: str) -> list[str]:
        """Return the ids from the organisation down to the parent of `account`."""
        with self._moto.lock:
            backend = self._backend_of(account)
            if backend is None:
                return []
            units = {str(unit.id): unit for unit in backend.ou}
            member = next(m for m in backend.accounts if m.id == account)
            chain: list[str] = []
            node: str | None = member.parent_id
            while node in units:
                chain.append(str(node))
                node = units[str(node)].parent_id
            return [str(backend.org.id), *reversed(chain)]


def _descendants(node: str, units: dict[str, Any]) -> set[str]:
    found = {node}
    grew = True
    while grew:
        more = {key for key, unit in units.items() if unit.parent_id in found} - found
        found |= more
        grew = bool(more)
    return found
