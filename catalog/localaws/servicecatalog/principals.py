"""Principals: who may launch a portfolio's products."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, patterns
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, locked
from catalog.localaws.servicecatalog.models import Portfolio, PortfolioPrincipal
from catalog.localaws.servicecatalog.quotas import require_room

_PATTERN = "IAM_PATTERN"


class Principals(ServiceCatalogBase):
    """Operations on the principals of portfolios."""

    @locked
    def associate_principal_with_portfolio(self, call: Call) -> dict[str, Any]:
        """Let a principal launch from an own or a shared portfolio; again is no error."""
        portfolio = self.portfolio(call, call.params["PortfolioId"])
        principal = PortfolioPrincipal(call.params["PrincipalARN"], call.params["PrincipalType"])
        patterns.validate(principal_arn=principal.arn, principal_type=principal.type)
        held = portfolio.principals.setdefault(call.account, {})
        if principal in held:
            return {}
        if principal.type == _PATTERN:
            require_room(
                count=sum(p.type == _PATTERN for p in held),
                quota=self.quotas.patterns_per_portfolio,
                what="principals of type IAM_PATTERN per portfolio",
            )
        require_room(
            count=len(held),
            quota=self.quotas.principals_per_portfolio,
            what="principals per portfolio",
        )
        for product_id in portfolio.products:
            require_room(
                count=self._principals_of_product(call, product_id),
                quota=self.quotas.principals_per_product,
                what="principals per product",
            )
        held[principal] = None
        return {}

    @locked
    def disassociate_principal_from_portfolio(self, call: Call) -> dict[str, Any]:
        """Take a principal's access away; ARN and type must be those it was given with."""
        portfolio = self.portfolio(call, call.params["PortfolioId"])
        principal = PortfolioPrincipal(
            call.params["PrincipalARN"], call.params.get("PrincipalType", "IAM")
        )
        held = portfolio.principals.get(call.account, {})
        if principal not in held:
            raise errors.not_found(
                f"Principal {principal.arn} of type {principal.type} is not associated with "
                f"portfolio {portfolio.id}."
            )
        del held[principal]
        return {}

    @locked
    def list_principals_for_portfolio(self, call: Call) -> dict[str, Any]:
        """List a portfolio's principals; a recipient also sees the patterns shared with it."""
        portfolio = self.portfolio(call, call.params["PortfolioId"])
        principals = (
            self.principals_in_effect(portfolio, call.account)
            if self.switches.principal_patterns_in_imports
            else list(portfolio.principals.get(call.account, {}))
        )
        page, more = self.page(call, principals)
        return {
            "Principals": [{"PrincipalARN": p.arn, "PrincipalType": p.type} for p in page],
            **more,
        }

    def principals_in_effect(self, portfolio: Portfolio, account: str) -> list[PortfolioPrincipal]:
        """Return the principals that may launch from `portfolio` in `account`."""
        own = list(portfolio.principals.get(account, {}))
        if account == portfolio.owner:
            return own
        if not any(s.principals for s in self.organization_shares(portfolio, account)):
            return own
        shared = [p for p in portfolio.principals.get(portfolio.owner, {}) if p.type == _PATTERN]
        return own + [p for p in shared if p not in own]

    def _principals_of_product(self, call: Call, product_id: str) -> int:
        return sum(
            len(p.principals.get(call.account, {}))
            for p in self.region(call).portfolios.values()
            if product_id in p.products
        )
