"""Portfolios: create, change, delete, list."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import (
    ServiceCatalogBase,
    idempotent,
    locked,
    require_tags,
    retag,
    tag_list,
    tag_map,
    utc_now,
)
from catalog.localaws.servicecatalog.models import Portfolio
from catalog.localaws.servicecatalog.quotas import require_room
from catalog.localaws.servicecatalog.tagoptions import tag_option_details

_PAGE = 100


class Portfolios(ServiceCatalogBase):
    """Operations on portfolios."""

    @idempotent("IdempotencyToken")
    @locked
    def create_portfolio(self, call: Call) -> dict[str, Any]:
        """Create a portfolio; names are not unique."""
        portfolios = self.region(call).portfolios
        owned = sum(p.owner == call.account for p in portfolios.values())
        require_room(count=owned, quota=self.quotas.portfolios, what="portfolios per region")
        tags = tag_map(call.params.get("Tags"))
        portfolio = Portfolio(
            id=ids.new_id("port"),
            owner=call.account,
            region=call.region,
            name=call.params["DisplayName"],
            provider=call.params["ProviderName"],
            description=call.params.get("Description"),
            created=utc_now(),
            tags=require_tags(tags, quota=self.quotas.tags_per_resource),
        )
        portfolios[portfolio.id] = portfolio
        return _with_tags(portfolio)

    @locked
    def update_portfolio(self, call: Call) -> dict[str, Any]:
        """Change a portfolio's texts and tags."""
        portfolio = self.own_portfolio(call, call.params["Id"], doing="update")
        tags = retag(portfolio.tags, call, quota=self.quotas.tags_per_resource)
        portfolio.tags = tags
        portfolio.name = call.params.get("DisplayName", portfolio.name)
        portfolio.provider = call.params.get("ProviderName", portfolio.provider)
        portfolio.description = call.params.get("Description", portfolio.description)
        return _with_tags(portfolio)

    @locked
    def delete_portfolio(self, call: Call) -> dict[str, Any]:
        """Delete a portfolio that nothing hangs on any more."""
        region = self.region(call)
        portfolio = self.own_portfolio(call, call.params["Id"], doing="delete")
        held = {
            "Products": portfolio.products,
            "Principals": portfolio.principals.get(call.account),
            "Constraints": [
                c for c in region.constraints.values() if c.portfolio_id == portfolio.id
            ],
            "Shares": portfolio.shares,
        }
        for what, things in held.items():
            if things:
                raise errors.in_use(f"Portfolio {portfolio.id} still has associated {what}")
        del region.portfolios[portfolio.id]
        return {}

    @locked
    def describe_portfolio(self, call: Call) -> dict[str, Any]:
        """Return an own or a shared portfolio with its tags and TagOptions."""
        portfolio = self.portfolio(call, call.params["Id"])
        options = portfolio.tag_options if self.sees_tag_options(call, portfolio) else []
        return {
            "PortfolioDetail": portfolio_detail(portfolio),
            "Tags": tag_list(portfolio.tags),
            "TagOptions": tag_option_details(self.region(call), options),
            "Budgets": [],
        }

    @locked
    def list_portfolios(self, call: Call) -> dict[str, Any]:
        """List the account's own portfolios, without those shared with it."""
        owned = [p for p in self.region(call).portfolios.values() if p.owner == call.account]
        found, more = self.page(call, owned, default=_PAGE)
        return {"PortfolioDetails": [portfolio_detail(p) for p in found], **more}

    @locked
    def list_portfolios_for_product(self, call: Call) -> dict[str, Any]:
        """List the visible portfolios that hold a product."""
        product = self.product(call, call.params["ProductId"])
        holding = [p for p in self.visible_portfolios(call) if self.associated(p, product.id)]
        found, more = self.page(call, holding, default=_PAGE)
        return {"PortfolioDetails": [portfolio_detail(p) for p in found], **more}


def portfolio_detail(portfolio: Portfolio) -> dict[str, Any]:
    """Return PortfolioDetail; an unset description is absent, as AWS leaves it."""
    detail = {
        "Id": portfolio.id,
        "ARN": portfolio.arn,
        "DisplayName": portfolio.name,
        "CreatedTime": portfolio.created,
        "ProviderName": portfolio.provider,
    }
    return (
        detail
        if portfolio.description is None
        else {**detail, "Description": portfolio.description}
    )


def _with_tags(portfolio: Portfolio) -> dict[str, Any]:
    answer: dict[str, Any] = {"PortfolioDetail": portfolio_detail(portfolio)}
    return {**answer, "Tags": tag_list(portfolio.tags)} if portfolio.tags else answer
