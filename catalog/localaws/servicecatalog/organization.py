"""The organisation as Service Catalog sees it: who is in it, under what, and who administers."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.localaws.core.local import LocalAws
from catalog.localaws.organizations.model import OrganizationView

SERVICE_PRINCIPAL = "servicecatalog.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Organization:
    """One organisation.

    Attributes:
        administrators: the delegated administrators of Service Catalog.
    """

    id: str
    management: str
    administrators: frozenset[str]
    view: OrganizationView

    def may_share(self, account: str) -> bool:
        """Return whether `account` may share with organisation nodes."""
        return account == self.management or account in self.administrators

    def accounts_under(self, node: str) -> list[str]:
        """Return the accounts below an organisation, root, OU or account id."""
        if node in self.view.accounts(self.management):
            return [node]
        return self.view.accounts_under(node) or []

    def ancestry(self, account: str) -> frozenset[str]:
        """Return the account's own id, its OUs', the root's and the organisation's."""
        path = self.view.path(account)
        return frozenset([account, *path]) if path and path[0] == self.id else frozenset()

    def has_node(self, node: str) -> bool:
        """Return whether `node` is the organisation or something in it."""
        if node in self.view.accounts(self.management):
            return True
        if node.startswith("o-"):
            return node == self.id
        return self.view.accounts_under(node) is not None


def organization_of(aws: LocalAws, account: str) -> Organization | None:
    """Return the organisation that `account` belongs to, or None."""
    view = aws.organizations
    organization_id, management = view.organization_id(account), view.management_account(account)
    if organization_id is None or management is None:
        return None
    return Organization(
        id=organization_id,
        management=management,
        administrators=frozenset(
            view.delegated_administrators(account, service_principal=SERVICE_PRINCIPAL)
        ),
        view=view,
    )


def may_share(aws: LocalAws, account: str) -> bool:
    """Return whether `account` manages an organisation or administers Service Catalog in one."""
    view = aws.organizations
    return view.is_management_account(account) or view.is_delegated_administrator(
        account, service_principal=SERVICE_PRINCIPAL
    )
