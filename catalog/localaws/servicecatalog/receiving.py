"""The receiving side of shares, and Service Catalog's access to the organisation."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, locked
from catalog.localaws.servicecatalog.models import Node, Portfolio
from catalog.localaws.servicecatalog.organization import Organization, organization_of
from catalog.localaws.servicecatalog.portfolios import portfolio_detail

_IMPORTED = "IMPORTED"
_ORGANIZATIONS = "AWS_ORGANIZATIONS"


class Receiving(ServiceCatalogBase):
    """Operations of recipients, and of the management account on the organisation."""

    @locked
    def accept_portfolio_share(self, call: Call) -> dict[str, Any]:
        """Import a portfolio shared with this account; organisation shares need no accept."""
        portfolio = self._offered(call)
        if call.params.get("PortfolioShareType", _IMPORTED) == _IMPORTED:
            portfolio.accepted_by.add(call.account)
        return {}

    @locked
    def reject_portfolio_share(self, call: Call) -> dict[str, Any]:
        """Refuse, or give back, a portfolio shared with this account."""
        portfolio = self._offered(call)
        if call.params.get("PortfolioShareType", _IMPORTED) == _IMPORTED:
            portfolio.accepted_by.discard(call.account)
            portfolio.principals.pop(call.account, None)
        return {}

    @locked
    def list_accepted_portfolio_shares(self, call: Call) -> dict[str, Any]:
        """List the portfolios this account imported, or gets through its organisation.

        AWS_SERVICECATALOG, for portfolios that AWS itself shares, is always empty here.
        """
        kind = call.params.get("PortfolioShareType", _IMPORTED)
        found = [
            p
            for p in self.region(call).portfolios.values()
            if p.owner != call.account
            and (
                (kind == _IMPORTED and call.account in p.accepted_by)
                or (kind == _ORGANIZATIONS and any(self.organization_shares(p, call.account)))
            )
        ]
        page, more = self.page(call, found, default=100)
        return {"PortfolioDetails": [portfolio_detail(p) for p in page], **more}

    @locked
    def enable_aws_organizations_access(self, call: Call) -> dict[str, Any]:
        """Give Service Catalog access to the organisation."""
        organization = self._managed(call)
        if self.access_status(organization.id) == "UNDER_CHANGE":
            raise errors.invalid_state("Access to the organization is under change.")
        enabled, _ = self.organization_access.get(organization.id, (False, 0.0))
        if not enabled:
            self._set_access(organization, enabled=True)
        return {}

    @locked
    def disable_aws_organizations_access(self, call: Call) -> dict[str, Any]:
        """Take the access back; refused while there are delegated administrators."""
        organization = self._managed(call)
        if organization.administrators:
            raise errors.invalid_state(
                "Access cannot be disabled while the organization has delegated administrators."
            )
        if self.access_status(organization.id) == "UNDER_CHANGE":
            raise errors.invalid_state("Access to the organization is under change.")
        if self.access_status(organization.id) == "ENABLED":
            self._set_access(organization, enabled=False)
        return {}

    @locked
    def get_aws_organizations_access_status(self, call: Call) -> dict[str, Any]:
        """Return ENABLED, UNDER_CHANGE or DISABLED."""
        organization = self._organization(call)
        if not organization.may_share(call.account):
            raise _not_management()
        return {"AccessStatus": self.access_status(organization.id)}

    def _set_access(self, organization: Organization, *, enabled: bool) -> None:
        self.organization_access[organization.id] = (
            enabled,
            self.now() + self.transition_seconds,
        )

    def _organization(self, call: Call) -> Organization:
        organization = organization_of(self.aws, call.account)
        if organization is None:
            raise errors.not_found(f"Account {call.account} is not in an organization.")
        return organization

    def _managed(self, call: Call) -> Organization:
        organization = self._organization(call)
        if organization.management != call.account:
            raise _not_management()
        return organization

    def _offered(self, call: Call) -> Portfolio:
        portfolio = self.region(call).portfolios.get(call.params["PortfolioId"])
        kind = call.params.get("PortfolioShareType", _IMPORTED)
        offered = portfolio is not None and (
            (kind == _IMPORTED and Node("ACCOUNT", call.account) in portfolio.shares)
            or (kind == _ORGANIZATIONS and any(self.organization_shares(portfolio, call.account)))
        )
        if portfolio is None or not offered:
            raise errors.not_found("Portfolio not found")
        return portfolio


def _not_management() -> Exception:
    return errors.unsupported(
        "Only the management account of the organization can call this operation."
    )
