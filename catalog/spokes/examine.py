"""Reads what `doctor` judges: the hub, and each account and region. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from catalog.aws import Aws, error_code
from catalog.errors import CatalogError
from catalog.manifest.models import CatalogManifest, Distribution, Target
from catalog.publishing.assets import bucket_name
from catalog.publishing.observed import Observed
from catalog.spokes.accounts import target_reaches
from catalog.spokes.facts import (
    Account,
    Document,
    Expectation,
    ExpectedRole,
    Facts,
    LaunchRole,
    Organisation,
    Place,
    SeenPortfolio,
)
from catalog.spokes.roles import RolesTemplate

_WORKERS: Final = 16
_SERVICE_CATALOG: Final = "servicecatalog.amazonaws.com"
# IAM and Organizations are global; their endpoints lie in us-east-1 for the aws partition
# (docs.aws.amazon.com/general/latest/gr/iam-service.html).
_GLOBAL_REGION: Final = "us-east-1"
_SHARE_TYPES: Final = ("AWS_ORGANIZATIONS", "IMPORTED")
_MISSING: Final = frozenset({"NoSuchEntity", "NoSuchEntityException"})


def examine(
    *, aws: Aws, manifest: CatalogManifest, observed: Observed, roles: RolesTemplate
) -> Facts:
    """Read the organisation, and every account and region that a target names.

    An account or region that cannot be read is a fact of its own and stops nothing.

    Args:
        aws: how to call AWS.
        manifest: what should be where.
        observed: the hub, as `observe` read it.
        roles: what the launch roles should be.
    """
    # Fails early and clearly without credentials; every other refusal becomes a finding.
    aws.identity()
    expectations, targets_error = _expectations(aws, manifest)
    expected_roles = _expected_roles(manifest, roles)
    accounts = list(dict.fromkeys([manifest.hub.account, *(e.account for e in expectations)]))
    places = list(dict.fromkeys((e.account, e.region) for e in expectations))
    reader = _Reader(aws=aws, manifest=manifest, observed=observed)
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="examine") as pool:
        seen_accounts = pool.map(lambda a: reader.account(a, expected_roles), accounts)
        seen_places = pool.map(lambda place: reader.place(*place), places)
        organisation = reader.organisation(targets_error)
        return Facts(
            hub=manifest.hub.account,
            observed=observed,
            organisation=organisation,
            expected_roles=expected_roles,
            patterns={key: p.principals for key, p in manifest.portfolios.items()},
            expectations=expectations,
            accounts={seen.account: seen for seen in seen_accounts},
            places={(seen.account, seen.region): seen for seen in seen_places},
            bucket={region: reader.bucket(region) for region in manifest.regions},
        )


def _expectations(
    aws: Aws, manifest: CatalogManifest
) -> tuple[tuple[Expectation, ...], CatalogError | None]:
    try:
        reaches = target_reaches(aws=aws, manifest=manifest)
    except CatalogError as error:
        return (), error
    found = [
        Expectation(account=account, region=region, portfolio=key, node=_node(target))
        for target, reach in zip(manifest.targets, reaches, strict=True)
        # What other distributions put into an account is not a share of the hub's portfolio.
        if target.distribution in (Distribution.ORGANIZATION, Distribution.ACCOUNT)
        for account in reach.accounts
        for region in manifest.regions_of(target=target)
        for key in target.portfolios
    ]
    unique = {(e.account, e.region, e.portfolio): e for e in reversed(found)}
    return tuple(unique[key] for key in sorted(unique)), None


def _node(target: Target) -> str:
    if target.distribution is Distribution.ORGANIZATION:
        return target.ou or target.organization or ""
    return ""


def _expected_roles(manifest: CatalogManifest, roles: RolesTemplate) -> dict[str, ExpectedRole]:
    resources = json.loads(roles.body)["Resources"].values()
    made = {
        item["Properties"]["RoleName"]: {
            policy["PolicyName"]: policy["PolicyDocument"]
            for policy in item["Properties"].get("Policies", ())
        }
        for item in resources
        if item["Type"] == "AWS::IAM::Role" and "RoleName" in item["Properties"]
    }
    names = sorted({manifest.launch_role_of(portfolio=key) for key in manifest.portfolios})
    return {name: ExpectedRole(name=name, policies=made.get(name)) for name in names}


@dataclass(frozen=True, kw_only=True)
class _Reader:
    aws: Aws
    manifest: CatalogManifest
    observed: Observed

    def bucket(self, region: str) -> str:
        return bucket_name(prefix=self.manifest.assets.bucket_prefix, region=region)

    # The organisation

    def organisation(self, targets_error: CatalogError | None) -> Organisation:
        hub = self.manifest.hub.account
        try:
            management = self.aws.call(
                account=hub,
                region=_GLOBAL_REGION,
                service="organizations",
                operation="describe_organization",
            )["Organization"]["MasterAccountId"]
        except CatalogError:
            management = ""
        administrators: frozenset[str] | None
        try:
            administrators = frozenset(
                item["Id"]
                for item in self._pages(
                    hub,
                    "organizations",
                    "list_delegated_administrators",
                    "DelegatedAdministrators",
                    "NextToken",
                    ServicePrincipal=_SERVICE_CATALOG,
                )
            )
        except CatalogError:
            administrators = None
        access: str | None
        try:
            access = self.aws.call(
                account=hub,
                region=self.manifest.regions[0],
                service="servicecatalog",
                operation="get_aws_organizations_access_status",
            )["AccessStatus"]
        except CatalogError:
            access = None
        return Organisation(
            management=management,
            administrators=administrators,
            access=access,
            targets_error=targets_error,
        )

    # IAM of an account

    def account(self, account: str, expected: Mapping[str, ExpectedRole]) -> Account:
        try:
            return Account(
                account=account,
                launch_roles={name: self._launch_role(account, name) for name in expected},
                roles={
                    role["Arn"]: role.get("AssumeRolePolicyDocument") or {}
                    for role in self._iam_pages(account, "list_roles", "Roles")
                },
                boundary=self._boundary(account),
            )
        except CatalogError as error:
            return Account(account=account, error=error)

    def _launch_role(self, account: str, name: str) -> LaunchRole | None:
        try:
            role = self._iam(account, "get_role", RoleName=name)["Role"]
            policies = {
                policy: self._policy(account, name, policy)
                for policy in self._iam_pages(
                    account, "list_role_policies", "PolicyNames", RoleName=name
                )
            }
        except CatalogError as error:
            if error_code(error) in _MISSING:
                return None
            raise
        return LaunchRole(trust=role["AssumeRolePolicyDocument"], policies=policies)

    def _policy(self, account: str, role: str, policy: str) -> Document:
        answer = self._iam(account, "get_role_policy", RoleName=role, PolicyName=policy)
        document: Document = answer["PolicyDocument"]
        return document

    def _boundary(self, account: str) -> bool | None:
        name = self.manifest.spokes.permissions_boundary
        if name is None:
            return None
        partition = self.aws.identity().partition
        try:
            self._iam(
                account, "get_policy", PolicyArn=f"arn:{partition}:iam::{account}:policy/{name}"
            )
        except CatalogError as error:
            if error_code(error) in _MISSING:
                return False
            raise
        return True

    # Service Catalog and the assets bucket, as an account sees them

    def place(self, account: str, region: str) -> Place:
        try:
            portfolios = self._portfolios(account, region)
        except CatalogError as error:
            return Place(account=account, region=region, error=error)
        asset, asset_error = self._asset(account, region)
        return Place(
            account=account,
            region=region,
            portfolios=portfolios,
            asset=asset,
            asset_error=asset_error,
        )

    def _portfolios(self, account: str, region: str) -> dict[str, SeenPortfolio]:
        seen = self.observed.regions.get(region)
        ours = {portfolio.id for portfolio in seen.portfolios} if seen else set()
        found = {}
        for share_type in _SHARE_TYPES:
            for item in self._catalog_pages(
                account,
                region,
                "list_accepted_portfolio_shares",
                "PortfolioDetails",
                PortfolioShareType=share_type,
            ):
                if item["Id"] in ours and item["Id"] not in found:
                    found[item["Id"]] = self._portfolio(account, region, item["Id"])
        return found

    def _portfolio(self, account: str, region: str, portfolio: str) -> SeenPortfolio:
        principals = self._catalog_pages(
            account,
            region,
            "list_principals_for_portfolio",
            "Principals",
            PortfolioId=portfolio,
        )
        products = self._catalog_pages(
            account,
            region,
            "search_products_as_admin",
            "ProductViewDetails",
            PortfolioId=portfolio,
        )
        return SeenPortfolio(
            principals=frozenset(item["PrincipalARN"] for item in principals),
            products={
                product: self._tags(account, region, product)
                for product in (item["ProductViewSummary"]["ProductId"] for item in products)
            },
        )

    def _tags(self, account: str, region: str, product: str) -> dict[str, str]:
        answer = self.aws.call(
            account=account,
            region=region,
            service="servicecatalog",
            operation="describe_product_as_admin",
            Id=product,
        )
        return {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()}

    def _asset(self, account: str, region: str) -> tuple[str, CatalogError | None]:
        """Read one byte of an asset from the account: the bucket's policy and key must allow it."""
        seen = self.observed.regions.get(region)
        key = min(seen.objects, default="") if seen else ""
        if not key:
            return "", None
        try:
            answer = self.aws.call(
                account=account,
                region=region,
                service="s3",
                operation="get_object",
                Bucket=self.bucket(region),
                Key=key,
                Range="bytes=0-0",
                ExpectedBucketOwner=self.manifest.hub.account,
            )
            answer["Body"].close()
        except CatalogError as error:
            return key, error
        return key, None

    # Calls

    def _iam(self, account: str, operation: str, **params: Any) -> dict[str, Any]:
        return self.aws.call(
            account=account, region=_GLOBAL_REGION, service="iam", operation=operation, **params
        )

    def _iam_pages(self, account: str, operation: str, result: str, **params: Any) -> Iterator[Any]:
        return self._pages(account, "iam", operation, result, "Marker", **params)

    def _pages(
        self,
        account: str,
        service: str,
        operation: str,
        result: str,
        token: str,
        **params: Any,
    ) -> Iterator[Any]:
        more: dict[str, str] = {}
        while True:
            page = self.aws.call(
                account=account,
                region=_GLOBAL_REGION,
                service=service,
                operation=operation,
                **params,
                **more,
            )
            yield from page[result]
            if not page.get(token):
                return
            more = {token: page[token]}

    def _catalog_pages(
        self, account: str, region: str, operation: str, result: str, **params: Any
    ) -> Iterable[Any]:
        return self.aws.pages(
            account=account,
            region=region,
            service="servicecatalog",
            operation=operation,
            result=result,
            **params,
        )
