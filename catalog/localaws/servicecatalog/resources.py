"""Which resources IAM is asked about, operation by operation.

Source: "Actions, resources, and condition keys for AWS Service Catalog" in the Service
Authorization Reference. Portfolios and products are the only resource types; operations that the
reference lists without one are authorised against `*`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from catalog.localaws.servicecatalog import ids

Resources = Callable[[dict[str, Any], str, str], list[str]]


def _portfolio(member: str) -> Resources:
    def arns(params: dict[str, Any], account: str, region: str) -> list[str]:
        return [
            ids.portfolio_arn(account=account, region=region, portfolio_id=params.get(member, "*"))
        ]

    return arns


def _product(member: str) -> Resources:
    def arns(params: dict[str, Any], account: str, region: str) -> list[str]:
        return [ids.product_arn(account=account, region=region, product_id=params.get(member, "*"))]

    return arns


def _copied(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["SourceProductArn"]]


def _portfolio_and_product(params: dict[str, Any], account: str, region: str) -> list[str]:
    return _portfolio("PortfolioId")(params, account, region) + _product("ProductId")(
        params, account, region
    )


def _tagged(params: dict[str, Any], account: str, region: str) -> list[str]:
    kind = _product if params["ResourceId"].startswith("prod-") else _portfolio
    return kind("ResourceId")(params, account, region)


RESOURCES: Mapping[str, Resources] = {
    **dict.fromkeys(
        (
            "AcceptPortfolioShare",
            "AssociatePrincipalWithPortfolio",
            "CreatePortfolioShare",
            "DeletePortfolioShare",
            "DescribePortfolioShares",
            "DisassociatePrincipalFromPortfolio",
            "ListConstraintsForPortfolio",
            "ListOrganizationPortfolioAccess",
            "ListPortfolioAccess",
            "ListPrincipalsForPortfolio",
            "RejectPortfolioShare",
            "UpdatePortfolioShare",
        ),
        _portfolio("PortfolioId"),
    ),
    **dict.fromkeys(("DeletePortfolio", "DescribePortfolio", "UpdatePortfolio"), _portfolio("Id")),
    "CreatePortfolio": _portfolio("Id"),
    **dict.fromkeys(
        (
            "CreateProvisionedProductPlan",
            "CreateProvisioningArtifact",
            "DeleteProvisioningArtifact",
            "DescribeProvisioningArtifact",
            "DescribeProvisioningParameters",
            "ListLaunchPaths",
            "ListPortfoliosForProduct",
            "ListProvisioningArtifacts",
            "ProvisionProduct",
            "UpdateProvisioningArtifact",
        ),
        _product("ProductId"),
    ),
    **dict.fromkeys(
        ("DeleteProduct", "DescribeProduct", "DescribeProductAsAdmin", "UpdateProduct"),
        _product("Id"),
    ),
    "CreateProduct": _product("Id"),
    **dict.fromkeys(
        (
            "AssociateProductWithPortfolio",
            "CreateConstraint",
            "DisassociateProductFromPortfolio",
        ),
        _portfolio_and_product,
    ),
    "CopyProduct": _copied,
    **dict.fromkeys(
        ("AssociateTagOptionWithResource", "DisassociateTagOptionFromResource"), _tagged
    ),
}
