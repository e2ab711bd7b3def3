"""What is published where, as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from catalog.cli.publication import Outlook, Sources
from catalog.publishing import ownership


def status_to_dict(*, outlook: Outlook, sources: Sources) -> dict[str, Any]:
    """Return the published state as JSON-ready values."""
    return {
        "catalog": sources.manifest.catalog,
        "hub": sources.manifest.hub.account,
        "roles": [
            {
                "account": stack.account,
                "state": stack.state,
                "status": stack.status,
                "error": stack.error.message if stack.error else None,
            }
            for stack in outlook.roles
        ],
        "regions": {
            region: {
                "products": [
                    {
                        "id": product.id,
                        "name": product.name,
                        "template": product.tags.get(ownership.TEMPLATE_TAG),
                        "versions": [
                            {
                                "id": artifact.id,
                                "name": artifact.name,
                                "active": artifact.active,
                                "guidance": artifact.guidance,
                                "created": artifact.created,
                            }
                            for artifact in product.artifacts
                        ],
                    }
                    for product in seen.products
                ],
                "portfolios": [
                    {
                        "id": portfolio.id,
                        "name": portfolio.name,
                        "products": sorted(portfolio.product_ids),
                        "principals": sorted(arn for arn, _ in portfolio.principals),
                        "shares": [
                            {
                                "type": share.node_type,
                                "node": share.node,
                                "principals": share.share_principals,
                            }
                            for share in portfolio.shares
                        ],
                    }
                    for portfolio in seen.portfolios
                ],
            }
            for region, seen in outlook.observed.regions.items()
        },
        "pending": len(outlook.plan.actions) + len(outlook.role_actions),
    }


def print_status(console: Console, *, outlook: Outlook, sources: Sources) -> None:
    """Print the published state."""
    versions = Table("region", "product", "template", "version", "state", box=None)
    shares = Table("region", "portfolio", "shared to", "principals", box=None)
    for region, seen in outlook.observed.regions.items():
        for product in seen.products:
            for artifact in product.artifacts:
                state = artifact.guidance.lower() if artifact.active else "inactive"
                template = product.tags.get(ownership.TEMPLATE_TAG, "")
                versions.add_row(region, product.name, template, artifact.name, state)
        for portfolio in seen.portfolios:
            nodes = ", ".join(share.node for share in portfolio.shares) or "nobody"
            principals = ", ".join(sorted(arn for arn, _ in portfolio.principals))
            shares.add_row(region, portfolio.name, nodes, principals)
    roles = Table("account", "roles", "stack", box=None)
    for stack in outlook.roles:
        reason = stack.error.message if stack.error else stack.status
        roles.add_row(stack.account, stack.state, reason)
    console.print(f"[bold]{sources.manifest.catalog}[/] in hub {sources.manifest.hub.account}\n")
    for table in (versions, shares, roles):
        console.print(table)
        console.print()
    pending = len(outlook.plan.actions) + len(outlook.role_actions)
    if pending:
        console.print(f"{pending} actions pending: `publish-catalog plan` shows them.")
    else:
        console.print("AWS is as the catalog says.")
