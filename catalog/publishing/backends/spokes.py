"""What target accounts hold: accepted portfolios with their principals, and Studio domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.aws import Aws
from catalog.errors import AwsCallFailed, CatalogError
from catalog.publishing.actions import Action
from catalog.publishing.context import Context, is_missing
from catalog.publishing.observed import ObservedDomain, ObservedSpoke
from catalog.publishing.ownership import CATALOG_TAG, LOCATION_TAG


def read_spoke(
    *, aws: Aws, hub: str, account: str, region: str, portfolios: bool, domains: bool
) -> ObservedSpoke:
    """Read one account in one region.

    Args:
        aws: how to call AWS.
        hub: account id of the hub; portfolios of others are not looked into.
        account: the account to read.
        region: the region to read.
        portfolios: whether accepted portfolios matter.
        domains: whether Studio domains matter.
    """
    reader = _Reader(aws, account, region)
    return ObservedSpoke(
        account=account,
        accepted=dict(reader.accepted(hub)) if portfolios else {},
        domains=tuple(reader.domains()) if domains else (),
    )


class _Reader:
    def __init__(self, aws: Aws, account: str, region: str) -> None:
        self._aws = aws
        self._place = {"account": account, "region": region}

    def accepted(self, hub: str) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
        for portfolio in self._aws.pages(
            **self._place,
            service="servicecatalog",
            operation="list_accepted_portfolio_shares",
            result="PortfolioDetails",
            PortfolioShareType="IMPORTED",
            PageSize=100,
        ):
            # arn:aws:catalog:REGION:OWNER:portfolio/port-...
            if portfolio["ARN"].split(":")[4] == hub:
                principals = self._aws.pages(
                    **self._place,
                    service="servicecatalog",
                    operation="list_principals_for_portfolio",
                    result="Principals",
                    PortfolioId=portfolio["Id"],
                    PageSize=20,
                )
                yield (
                    portfolio["Id"],
                    frozenset((p["PrincipalARN"], p["PrincipalType"]) for p in principals),
                )

    def domains(self) -> Iterator[ObservedDomain]:
        for domain in self._listed("list_domains", "Domains"):
            if domain.get("Status") not in ("Deleting", "Delete_Failed", "Failed"):
                arn = domain["DomainArn"]
                tags = self._listed("list_tags", "Tags", ResourceArn=arn)
                yield ObservedDomain(
                    id=domain["DomainId"],
                    arn=arn,
                    name=domain.get("DomainName") or "",
                    tags={tag["Key"]: tag["Value"] for tag in tags},
                )

    def _listed(self, operation: str, result: str, **params: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._aws.call(
                **self._place, service="sagemaker", operation=operation, **params, **token
            )
            yield from page.get(result) or ()
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


def accept_share(context: Context, action: Action) -> None:
    """Accept a portfolio once its share has reached the account; again is no error."""
    portfolio = context.resolve(action.region, action.params["portfolio"])
    _when_there(
        context,
        action,
        "accept_portfolio_share",
        PortfolioId=portfolio,
        PortfolioShareType="IMPORTED",
    )


def associate_principal(context: Context, action: Action) -> None:
    """Let a principal launch from a portfolio, in the hub or where it was just accepted."""
    _when_there(
        context,
        action,
        "associate_principal_with_portfolio",
        PortfolioId=context.resolve(action.region, action.params["portfolio"]),
        PrincipalARN=action.params["principal"],
        PrincipalType=action.params["type"],
    )


def tag_domain(context: Context, action: Action) -> None:
    """Name the location of S3 templates on a Studio domain, and the catalog that did so."""
    context.aws.call(
        account=action.account,
        region=action.region,
        service="sagemaker",
        operation="add_tags",
        ResourceArn=action.params["domain"],
        Tags=[
            {"Key": CATALOG_TAG, "Value": context.catalog},
            {"Key": LOCATION_TAG, "Value": action.params["location"]},
        ],
    )


def untag_domain(context: Context, action: Action) -> None:
    """Take the catalog's tags off a Studio domain."""
    context.aws.call(
        account=action.account,
        region=action.region,
        service="sagemaker",
        operation="delete_tags",
        ResourceArn=action.params["domain"],
        TagKeys=[CATALOG_TAG, LOCATION_TAG],
    )


def _when_there(context: Context, action: Action, operation: str, **params: Any) -> None:
    """Act on something that was shared or accepted a moment ago and may not be seen yet."""
    last: CatalogError | None = None
    for _ in context.attempts(context.patience.settle):
        try:
            context.call(action.account, action.region, operation, **params)
        except CatalogError as error:
            if not is_missing(error):
                raise
            last = error
        else:
            return
    raise last or AwsCallFailed("no attempt was made")
