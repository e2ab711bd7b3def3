"""Shares: portfolios handed to accounts and to nodes of an organisation."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, locked
from catalog.localaws.servicecatalog.models import (
    Node,
    Portfolio,
    RegionState,
    Share,
    ShareAction,
)
from catalog.localaws.servicecatalog.organization import Organization, may_share, organization_of
from catalog.localaws.servicecatalog.quotas import require_room

_ACCOUNT = "ACCOUNT"
_MEMBER = "ORGANIZATION_MEMBER_ACCOUNT"


class Shares(ServiceCatalogBase):
    """Operations of the sharing side."""

    def settle(self, region: RegionState) -> None:
        """Apply the share actions that are through; drop shares of former administrators."""
        super().settle(region)
        now = self.now()
        for action in [a for a in region.pending_actions if now >= a.ready_at]:
            region.pending_actions.remove(action)
            self._apply(region, action)
        for portfolio_id in list(region.shared_with_nodes):
            portfolio = region.portfolios.get(portfolio_id)
            if portfolio is None:
                region.shared_with_nodes.discard(portfolio_id)
            elif not may_share(self.aws, portfolio.owner):
                region.shared_with_nodes.discard(portfolio_id)
                for node in [n for n in portfolio.shares if n.type != _ACCOUNT]:
                    del portfolio.shares[node]

    @locked
    def create_portfolio_share(self, call: Call) -> dict[str, Any]:
        """Share a portfolio; a share that exists already stays as it is."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="share")
        node = self._node(call)
        self._require_no_action(call, portfolio)
        if node.type == _ACCOUNT:
            self._share_with_account(call, portfolio, node)
            return {}
        exists = node in portfolio.shares
        action = self._begin(call, portfolio, node, kind="noop" if exists else "create")
        return {"PortfolioShareToken": action.token}

    @locked
    def update_portfolio_share(self, call: Call) -> dict[str, Any]:
        """Change what a share carries along; a flag that is not sent stays as it is."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="share")
        node = self._node(call)
        self._require_no_action(call, portfolio)
        share = self._share(portfolio, node)
        if node.type == _ACCOUNT:
            share.tag_options = call.params.get("ShareTagOptions", share.tag_options)
            return {"Status": "COMPLETED"}
        action = self._begin(call, portfolio, node, kind="update", share=share)
        return {"PortfolioShareToken": action.token, "Status": action.status(self.now())}

    @locked
    def delete_portfolio_share(self, call: Call) -> dict[str, Any]:
        """Take a portfolio back."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="share")
        node = self._node(call)
        self._require_no_action(call, portfolio)
        self._share(portfolio, node)
        if node.type == _ACCOUNT:
            del portfolio.shares[node]
            portfolio.accepted_by.discard(node.value)
            portfolio.principals.pop(node.value, None)
            return {}
        action = self._begin(call, portfolio, node, kind="delete")
        return {"PortfolioShareToken": action.token}

    @locked
    def describe_portfolio_share_status(self, call: Call) -> dict[str, Any]:
        """Return how far a share action with an organisation node has come."""
        token = call.params["PortfolioShareToken"]
        action = self.region(call).share_actions.get(token)
        if action is None or action.owner != call.account:
            raise errors.not_found(f"Portfolio share {token} not found.")
        by_code: dict[str, list[str]] = {}
        for account, code in action.errors.items():
            by_code.setdefault(code, []).append(account)
        return {
            "PortfolioShareToken": token,
            "PortfolioId": action.portfolio_id,
            "OrganizationNodeValue": action.node.value,
            "Status": action.status(self.now()),
            "ShareDetails": {
                "SuccessfulShares": list(action.successful),
                "ShareErrors": [
                    {"Accounts": accounts, "Error": code, "Message": f"{code} while sharing."}
                    for code, accounts in by_code.items()
                ],
            },
        }

    @locked
    def describe_portfolio_shares(self, call: Call) -> dict[str, Any]:
        """List a portfolio's shares of one type."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="list the shares of")
        shares = [s for s in portfolio.shares.values() if s.node.type == call.params["Type"]]
        page, more = self.page(call, shares, default=100)
        return {
            "PortfolioShareDetails": [
                {
                    "PrincipalId": share.node.value,
                    "Type": share.node.type,
                    "Accepted": share.node.type != _ACCOUNT
                    or share.node.value in portfolio.accepted_by,
                    "ShareTagOptions": share.tag_options,
                    "SharePrincipals": share.principals,
                }
                for share in page
            ],
            **more,
        }

    @locked
    def list_portfolio_access(self, call: Call) -> dict[str, Any]:
        """List the accounts a portfolio is shared with, or those that get it through a node."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="list the shares of")
        if parent := call.params.get("OrganizationParentId"):
            organization = self._require_organization(call)
            shared = {n.value for n in portfolio.shares if n.type != _ACCOUNT}
            accounts = [
                a
                for a in organization.accounts_under(parent)
                if shared & organization.ancestry(a) and a != call.account
            ]
        else:
            accounts = [n.value for n in portfolio.shares if n.type in (_ACCOUNT, _MEMBER)]
        page, more = self.page(call, accounts, default=100)
        return {"AccountIds": page, **more}

    @locked
    def list_organization_portfolio_access(self, call: Call) -> dict[str, Any]:
        """List the organisation nodes of one type that a portfolio is shared with."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="list the shares of")
        self._require_organization(call)
        kind = call.params["OrganizationNodeType"]
        wanted = _MEMBER if kind == _ACCOUNT else kind
        nodes = [n for n in portfolio.shares if n.type == wanted]
        page, more = self.page(call, nodes)
        return {"OrganizationNodes": [{"Type": kind, "Value": n.value} for n in page], **more}

    def _node(self, call: Call) -> Node:
        account, node = call.params.get("AccountId"), call.params.get("OrganizationNode")
        if (account is None) == (node is None):
            raise errors.invalid("Specify either AccountId or OrganizationNode.")
        if node is None:
            if account == call.account:
                raise errors.invalid("You cannot share a portfolio with your own account.")
            if call.params.get("SharePrincipals"):
                raise errors.invalid("SharePrincipals is for shares with an organization only.")
            return Node(_ACCOUNT, str(account))
        kind, value = node.get("Type"), str(node.get("Value", "")).rpartition("/")[2]
        prefixes = {"ORGANIZATION": "o-", "ORGANIZATIONAL_UNIT": "ou-", _ACCOUNT: ""}
        if kind not in prefixes or not value.startswith(prefixes[kind]):
            raise errors.invalid("OrganizationNode needs a Type and a Value of that type.")
        organization = self._require_organization(call)
        if not organization.has_node(value):
            raise errors.not_found(f"Organization node {value} not found.")
        return Node(_MEMBER if kind == _ACCOUNT else kind, value)

    def _require_organization(self, call: Call) -> Organization:
        organization = organization_of(self.aws, call.account)
        if organization is None:
            raise errors.unsupported(f"Account {call.account} is not in an organization.")
        if self.access_status(organization.id) != "ENABLED":
            raise errors.unsupported(
                "Service Catalog has no access to the organization: call "
                "EnableAWSOrganizationsAccess in the management account."
            )
        if not organization.may_share(call.account):
            raise errors.unsupported(
                f"Account {call.account} is neither the management account nor a delegated "
                "administrator of Service Catalog."
            )
        return organization

    def _require_no_action(self, call: Call, portfolio: Portfolio) -> None:
        scope = self.switches.share_lock_scope
        regions = list(self.regions.values()) if scope == "account" else [self.region(call)]
        now = self.now()
        for region in regions:
            for action in region.pending_actions:
                same = action.portfolio_id == portfolio.id or scope != "portfolio"
                if action.owner == call.account and same and now < action.ready_at:
                    raise errors.invalid_state(
                        "Cannot process more than one portfolio share action at the same time."
                    )

    def _share_with_account(self, call: Call, portfolio: Portfolio, node: Node) -> None:
        if node in portfolio.shares:
            return
        require_room(
            count=sum(n.type == _ACCOUNT for n in portfolio.shares),
            quota=self.quotas.shares_per_portfolio,
            what="shared accounts per portfolio",
        )
        portfolio.shares[node] = Share(
            node=node, tag_options=call.params.get("ShareTagOptions", False)
        )

    def _share(self, portfolio: Portfolio, node: Node) -> Share:
        if node not in portfolio.shares:
            raise errors.not_found(
                f"Portfolio {portfolio.id} is not shared with {node.type} {node.value}."
            )
        return portfolio.shares[node]

    def _begin(
        self, call: Call, portfolio: Portfolio, node: Node, *, kind: str, share: Share | None = None
    ) -> ShareAction:
        now = self.now()
        action = ShareAction(
            token=ids.new_id("share"),
            kind=kind,
            portfolio_id=portfolio.id,
            owner=call.account,
            node=node,
            tag_options=call.params.get("ShareTagOptions", share.tag_options if share else False),
            principals=call.params.get("SharePrincipals", share.principals if share else False),
            started_at=now,
            ready_at=now if kind == "noop" else now + self.transition_seconds,
        )
        region = self.region(call)
        region.share_actions[action.token] = action
        if kind == "noop":
            self._apply(region, action)
        else:
            region.pending_actions.append(action)
        return action

    def _apply(self, region: RegionState, action: ShareAction) -> None:
        action.applied = True
        portfolio = region.portfolios.get(action.portfolio_id)
        organization = organization_of(self.aws, action.owner)
        if portfolio is None or organization is None:
            return
        accounts = [a for a in organization.accounts_under(action.node.value) if a != action.owner]
        refused = self.share_errors if action.kind == "create" else {}
        action.errors = {a: refused[a] for a in accounts if a in refused}
        action.successful = tuple(a for a in accounts if a not in action.errors)
        if action.kind == "create":
            portfolio.shares[action.node] = Share(
                node=action.node,
                tag_options=action.tag_options,
                principals=action.principals,
                failed_accounts=frozenset(action.errors),
            )
            region.shared_with_nodes.add(portfolio.id)
        elif action.kind == "update" and action.node in portfolio.shares:
            portfolio.shares[action.node].tag_options = action.tag_options
            portfolio.shares[action.node].principals = action.principals
        elif action.kind == "delete":
            portfolio.shares.pop(action.node, None)
