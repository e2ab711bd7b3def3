"""Reads what AWS holds: few calls, in parallel, changing nothing.

Per region: one page of portfolios and of products, the assets bucket's settings and keys; per owned
portfolio its tags, products, constraints, principals and shares; per owned product its tags and its
artifacts; per constraint its parameters. How many accounts a portfolio is shared to does not
matter: shares to the organization and to OUs are listed by node. Accounts that must accept a
portfolio, or whose Studio domains must be tagged, are read side by side: a page of accepted shares
and one of principals per portfolio, a page of domains and one of tags per domain. Of Studio's
templates in S3 each has its tags read.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from catalog.aws import Aws
from catalog.errors import CatalogError
from catalog.publishing import ownership
from catalog.publishing.assets import ACCOUNTS, STUDIO
from catalog.publishing.backends.assets_bucket import (
    SETTINGS,
    bucket_readers,
    bucket_settings,
    object_tags,
)
from catalog.publishing.backends.spokes import read_spoke
from catalog.publishing.desired import DesiredRegion, DesiredState
from catalog.publishing.observed import (
    Observed,
    ObservedArtifact,
    ObservedConstraint,
    ObservedPortfolio,
    ObservedProduct,
    ObservedRegion,
    ObservedShare,
    ObservedSpoke,
)
from catalog.publishing.targeting import DesiredSpoke

T = TypeVar("T", ObservedProduct, ObservedPortfolio)

# All types but ORGANIZATION_MEMBER_ACCOUNT, which lists every account of the organization.
_SHARE_TYPES = ("ACCOUNT", "ORGANIZATION", "ORGANIZATIONAL_UNIT")


def observe(
    *,
    aws: Aws,
    desired: DesiredState,
    fast: bool = False,
    adopt: frozenset[str] = frozenset(),
    workers: int = 32,
) -> Observed:
    """Read the hub in every region of the desired state.

    Args:
        aws: how to call AWS.
        desired: names the regions, and what to look for.
        fast: trust the hashes in constraint descriptions instead of reading each constraint.
        adopt: ids of portfolios and products to treat as this catalog's, whatever their tags.
        workers: calls in flight at most.
    """
    regions: dict[str, ObservedRegion] = {}
    failures: dict[str, CatalogError] = {}
    names = list(desired.regions)
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="read") as pool,
        ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="region") as drivers,
    ):
        readers = {
            name: drivers.submit(
                _Reader(
                    aws=aws, pool=pool, desired=desired, region=name, fast=fast, adopt=adopt
                ).read
            )
            for name in names
        }
        for name, future in readers.items():
            try:
                regions[name], unread = future.result()
                failures.update({f"{a}/{name}": error for a, error in unread.items()})
            except CatalogError as error:
                failures[name] = error
    return Observed(account=desired.account, regions=regions, failures=failures)


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads one region. Runs in a thread of its own and sends single reads to the shared pool."""

    aws: Aws
    pool: ThreadPoolExecutor
    desired: DesiredState
    region: str
    fast: bool
    adopt: frozenset[str]

    def read(self) -> tuple[ObservedRegion, dict[str, CatalogError]]:
        wanted = self.desired.regions[self.region]
        bucket = {
            name: self.pool.submit(reader)
            for name, reader in bucket_readers(
                aws=self.aws,
                account=self.desired.account,
                region=self.region,
                bucket=wanted.bucket,
            ).items()
        }
        listed = self.pool.submit(
            self._list, "list_portfolios", "PortfolioDetails", {"PageSize": 100}
        )
        searched = self.pool.submit(
            self._list, "search_products_as_admin", "ProductViewDetails", {"PageSize": 20}
        )
        portfolio_list = {item["Id"]: item for item in listed.result()}
        product_list = {
            item["ProductViewSummary"]["ProductId"]: item["ProductViewSummary"]
            for item in searched.result()
        }
        spokes = {spoke.account: self._spoke_later(spoke) for spoke in wanted.spokes}
        products, portfolios = self._owned(wanted, product_list, portfolio_list)
        ours = {p.id for p in products} | {p.id for p in portfolios}
        settings = bucket_settings(
            {name: read.result() for name, read in bucket.items() if name in SETTINGS}
        )
        keys = frozenset[str]().union(
            *(read.result() for name, read in bucket.items() if name not in SETTINGS)
        )
        linked = frozenset(k.removeprefix(ACCOUNTS) for k in keys if k.startswith(ACCOUNTS))
        located = {spoke.account for spoke in wanted.spokes if spoke.location}
        # Accounts that no target names any more: their domains still point here.
        left = {a: self._spoke_later(DesiredSpoke(account=a), left=True) for a in linked - located}
        tags = {k: self.pool.submit(self._object_tags, k) for k in keys if k.startswith(STUDIO)}
        read, unread = _answers(spokes)
        read_left, _ = _answers(left)
        region = ObservedRegion(
            region=self.region,
            bucket_settings=settings,
            objects=keys,
            portfolios=tuple(sorted(portfolios, key=lambda p: (p.created, p.id))),
            products=tuple(sorted(products, key=lambda p: (p.created, p.id))),
            studio={key: tags[key].result() for key in sorted(tags)},
            linked=linked,
            spokes={a: _merged(read.get(a), read_left.get(a)) for a in sorted({*read, *read_left})},
            foreign_names=frozenset(
                [p["DisplayName"] for i, p in portfolio_list.items() if i not in ours]
                + [p["Name"] for i, p in product_list.items() if i not in ours]
            ),
        )
        return region, unread

    def _spoke_later(self, spoke: DesiredSpoke, *, left: bool = False) -> Future[ObservedSpoke]:
        return self.pool.submit(
            read_spoke,
            aws=self.aws,
            hub=self.desired.account,
            account=spoke.account,
            region=self.region,
            portfolios=bool(spoke.portfolios),
            domains=left or bool(spoke.location),
        )

    def _object_tags(self, key: str) -> dict[str, str]:
        return object_tags(
            aws=self.aws,
            account=self.desired.account,
            region=self.region,
            bucket=self.desired.regions[self.region].bucket,
            key=key,
        )

    def _owned(
        self,
        wanted: DesiredRegion,
        product_list: dict[str, dict[str, Any]],
        portfolio_list: dict[str, dict[str, Any]],
    ) -> tuple[list[ObservedProduct], list[ObservedPortfolio]]:
        """Read what is ours: first what the lists point at, then, before a create, the rest."""
        mark = ownership.product_distributor(catalog=self.desired.catalog)
        product_names = {p.name for p in wanted.products}
        likely_products = [
            i
            for i, item in product_list.items()
            if item.get("Distributor") == mark or item["Name"] in product_names or i in self.adopt
        ]
        portfolio_names = {p.name for p in wanted.portfolios}
        likely_portfolios = [
            i
            for i, item in portfolio_list.items()
            if ownership.portfolio_is_marked(
                catalog=self.desired.catalog, description=item.get("Description") or ""
            )
            or item["DisplayName"] in portfolio_names
            or i in self.adopt
        ]
        found = {i: self.pool.submit(self._product, i) for i in likely_products}
        artifacts = {i: self.pool.submit(self._artifacts, i) for i in likely_products}
        tagged = {i: self.pool.submit(self._portfolio, i) for i in likely_portfolios}
        # Not waiting for the tags shortens the chain by one call.
        contents = {i: self._contents_later(i) for i in likely_portfolios}
        products = self._mine(found)
        portfolios = self._mine(tagged)
        # A create is about to be planned: first make sure that nothing renamed is ours after all.
        if {p.template for p in wanted.products} - _named(products, ownership.TEMPLATE_TAG):
            rest = {i: self.pool.submit(self._product, i) for i in product_list if i not in found}
            more = self._mine(rest)
            artifacts.update({p.id: self.pool.submit(self._artifacts, p.id) for p in more})
            products += more
        if {p.key for p in wanted.portfolios} - _named(portfolios, ownership.PORTFOLIO_TAG):
            rest_tagged = {
                i: self.pool.submit(self._portfolio, i) for i in portfolio_list if i not in tagged
            }
            renamed = self._mine(rest_tagged)
            contents.update({p.id: self._contents_later(p.id) for p in renamed})
            portfolios += renamed
        constraints = {p.id: self._parameters_later(contents[p.id]) for p in portfolios}
        products = [replace(p, artifacts=artifacts[p.id].result()) for p in products]
        unlabelled = {
            (p.id, a.id): self.pool.submit(self._template_url, p.id, a.id)
            for p in products
            for a in p.artifacts
            if ownership.artifact_record(a.description) is None
        }
        products = [
            replace(
                p,
                artifacts=tuple(
                    replace(a, template_url=unlabelled[p.id, a.id].result())
                    if (p.id, a.id) in unlabelled
                    else a
                    for a in p.artifacts
                ),
            )
            for p in products
        ]
        return products, [_with_contents(p, contents[p.id], constraints[p.id]) for p in portfolios]

    def _mine(self, reads: dict[str, Future[T]]) -> list[T]:
        results = [read.result() for read in reads.values()]
        return [
            item
            for item in results
            if isinstance(item, ObservedProduct | ObservedPortfolio)
            and (
                ownership.owns(catalog=self.desired.catalog, tags=item.tags)
                or item.id in self.adopt
            )
        ]

    def _contents_later(self, portfolio_id: str) -> dict[str, Future[list[Any]]]:
        of = {"PortfolioId": portfolio_id}
        page = {**of, "PageSize": 20}
        reads = {
            "products": self.pool.submit(
                self._list, "search_products_as_admin", "ProductViewDetails", page
            ),
            "constraints": self.pool.submit(self._constraints, portfolio_id),
            "principals": self.pool.submit(
                self._list, "list_principals_for_portfolio", "Principals", page
            ),
        }
        for share_type in _SHARE_TYPES:
            reads[share_type] = self.pool.submit(
                self._list,
                "describe_portfolio_shares",
                "PortfolioShareDetails",
                {**of, "Type": share_type, "PageSize": 100},
            )
        return reads

    def _parameters_later(
        self, reads: dict[str, Future[list[Any]]]
    ) -> list[tuple[ObservedConstraint, Future[str] | None]]:
        return [
            (
                constraint,
                self.pool.submit(self._parameters, constraint.id)
                if constraint.type == "LAUNCH" and not self.fast
                else None,
            )
            for constraint in reads["constraints"].result()
        ]

    def _portfolio(self, portfolio_id: str) -> ObservedPortfolio:
        answer = self._call("describe_portfolio", Id=portfolio_id)
        detail = answer["PortfolioDetail"]
        return ObservedPortfolio(
            id=portfolio_id,
            name=detail["DisplayName"],
            provider=detail.get("ProviderName") or "",
            description=detail.get("Description") or "",
            tags=_tags(answer),
            created=str(detail.get("CreatedTime", "")),
        )

    def _product(self, product_id: str) -> ObservedProduct:
        answer = self._call("describe_product_as_admin", Id=product_id)
        view = answer["ProductViewDetail"]
        summary = view["ProductViewSummary"]
        return ObservedProduct(
            id=product_id,
            name=summary["Name"],
            owner=summary.get("Owner") or "",
            description=summary.get("ShortDescription") or "",
            distributor=summary.get("Distributor") or "",
            support_description=summary.get("SupportDescription") or "",
            support_email=summary.get("SupportEmail") or "",
            support_url=summary.get("SupportUrl") or "",
            tags=_tags(answer),
            created=str(view.get("CreatedTime", "")),
        )

    def _artifacts(self, product_id: str) -> tuple[ObservedArtifact, ...]:
        answer = self._call("list_provisioning_artifacts", ProductId=product_id)
        found = [
            ObservedArtifact(
                id=item["Id"],
                name=item.get("Name") or "",
                description=item.get("Description") or "",
                active=bool(item.get("Active", True)),
                guidance=item.get("Guidance") or "DEFAULT",
                created=str(item.get("CreatedTime", "")),
            )
            for item in answer.get("ProvisioningArtifactDetails") or ()
        ]
        return tuple(sorted(found, key=lambda a: (a.created, a.id)))

    def _template_url(self, product_id: str, artifact_id: str) -> str:
        answer = self._call(
            "describe_provisioning_artifact",
            ProductId=product_id,
            ProvisioningArtifactId=artifact_id,
        )
        info = answer.get("Info") or {}
        # Requests say LoadTemplateFromURL; answers say TemplateUrl.
        return info.get("TemplateUrl") or info.get("LoadTemplateFromURL") or ""

    def _constraints(self, portfolio_id: str) -> list[ObservedConstraint]:
        found = self._list(
            "list_constraints_for_portfolio",
            "ConstraintDetails",
            {"PortfolioId": portfolio_id, "PageSize": 20},
        )
        return [
            ObservedConstraint(
                id=item["ConstraintId"],
                type=item["Type"],
                product_id=item.get("ProductId") or "",
                description=item.get("Description") or "",
            )
            for item in sorted(found, key=lambda c: c["ConstraintId"])
        ]

    def _parameters(self, constraint_id: str) -> str:
        answer = self._call("describe_constraint", Id=constraint_id)
        return str(answer.get("ConstraintParameters") or "")

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.aws.call(
            account=self.desired.account,
            region=self.region,
            service="servicecatalog",
            operation=operation,
            **params,
        )

    def _list(self, operation: str, result: str, params: dict[str, Any]) -> list[Any]:
        return list(
            self.aws.pages(
                account=self.desired.account,
                region=self.region,
                service="servicecatalog",
                operation=operation,
                result=result,
                **params,
            )
        )


def _with_contents(
    portfolio: ObservedPortfolio,
    reads: dict[str, Future[list[Any]]],
    constraints: list[tuple[ObservedConstraint, Future[str] | None]],
) -> ObservedPortfolio:
    return replace(
        portfolio,
        product_ids=frozenset(
            item["ProductViewSummary"]["ProductId"] for item in reads["products"].result()
        ),
        principals=frozenset(
            (item["PrincipalARN"], item["PrincipalType"]) for item in reads["principals"].result()
        ),
        shares=tuple(
            ObservedShare(
                node_type=item["Type"],
                # An id or an ARN: the last part of an ARN is the id.
                node=item["PrincipalId"].rpartition("/")[2],
                share_principals=bool(item.get("SharePrincipals")),
                share_tag_options=bool(item.get("ShareTagOptions")),
            )
            for share_type in _SHARE_TYPES
            for item in sorted(reads[share_type].result(), key=lambda s: str(s["PrincipalId"]))
        ),
        constraints=tuple(
            replace(constraint, parameters=read.result()) if read else constraint
            for constraint, read in constraints
        ),
    )


def _answers(
    reads: dict[str, Future[ObservedSpoke]],
) -> tuple[dict[str, ObservedSpoke], dict[str, CatalogError]]:
    """Return what was read and why the rest was not, by account."""
    found: dict[str, ObservedSpoke] = {}
    failures: dict[str, CatalogError] = {}
    for account, read in reads.items():
        try:
            found[account] = read.result()
        except CatalogError as error:
            failures[account] = error
    return found, failures


def _merged(first: ObservedSpoke | None, second: ObservedSpoke | None) -> ObservedSpoke:
    """Return one account's accepted portfolios and domains, read apart."""
    if first is None or second is None:
        return first or second or ObservedSpoke(account="")
    return replace(first, domains=second.domains)


def _named(items: Sequence[ObservedProduct | ObservedPortfolio], tag: str) -> set[str]:
    return {item.tags[tag] for item in items if tag in item.tags}


def _tags(answer: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()}
