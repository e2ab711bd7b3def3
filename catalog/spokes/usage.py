"""Which projects came from which product and version, in every account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from catalog.aws import Aws
from catalog.errors import CatalogError, StillInUse

_WORKERS: Final = 16
_SHOWN: Final = 20


@dataclass(frozen=True, kw_only=True)
class ProvisionedProduct:
    """Something that was launched from a product, a SageMaker project mostly.

    Attributes:
        artifact_id: id of the version it is at.
        status: AVAILABLE, TAINTED, ERROR, ...
    """

    account: str
    region: str
    id: str
    name: str
    product_id: str
    artifact_id: str
    status: str

    def __str__(self) -> str:
        return f"{self.account} {self.region} {self.name} ({self.id}, {self.status})"


@dataclass(frozen=True, kw_only=True)
class ProductUsage:
    """What accounts have launched.

    Attributes:
        provisioned: sorted by account, region and name.
        unreadable: accounts and regions that could not be searched.
    """

    provisioned: tuple[ProvisionedProduct, ...]
    unreadable: tuple[CatalogError, ...]

    def require_none(self, *, what: str, remedy: str) -> None:
        """Refuse to take away what projects use.

        Args:
            what: what is to be taken away, as people say it.
            remedy: what to do about projects that use it.

        Raises:
            StillInUse: something is provisioned, or an account could not be searched.
        """
        if self.provisioned:
            shown = [str(item) for item in self.provisioned[:_SHOWN]]
            if len(self.provisioned) > _SHOWN:
                shown.append(f"and {len(self.provisioned) - _SHOWN} more")
            count = len(self.provisioned)
            raise StillInUse(
                "\n  ".join([f"{what}: {count} projects use it", *shown]),
                next_step=remedy,
            )
        if self.unreadable:
            shown = [f"{error.where}: {error.message}" for error in self.unreadable[:_SHOWN]]
            raise StillInUse(
                "\n  ".join([f"{what}: nobody can tell whether projects use it", *shown]),
                next_step="Make these accounts readable, then run it again.",
            )


def product_usage(
    *,
    aws: Aws,
    accounts: Iterable[str],
    regions: Iterable[str],
    products: Iterable[str],
    versions: Iterable[str] | None = None,
) -> ProductUsage:
    """Search every account and region for what was launched from products of the hub.

    Args:
        aws: how to call AWS.
        accounts: where to search.
        regions: where to search.
        products: product ids.
        versions: ids of provisioning artifacts; any version when None.
    """
    product_ids = frozenset(products)
    version_ids = None if versions is None else frozenset(versions)

    def search(account: str, region: str) -> list[ProvisionedProduct]:
        return [
            item
            for item in _search(aws, account, region)
            if item.product_id in product_ids
            and (version_ids is None or item.artifact_id in version_ids)
        ]

    return _everywhere(search, accounts, regions)


def studio_usage(
    *, aws: Aws, accounts: Iterable[str], regions: Iterable[str], role: str
) -> ProductUsage:
    """Search every account and region for projects of Studio's S3 templates.

    They are CloudFormation stacks that were handed the catalog's role, not provisioned products.

    Args:
        aws: how to call AWS.
        accounts: where to search.
        regions: where to search.
        role: name of the role that CloudFormation takes on for them.
    """
    return _everywhere(
        lambda account, region: _stacks(aws, account, region, role), accounts, regions
    )


def _everywhere(
    search: Callable[[str, str], list[ProvisionedProduct]],
    accounts: Iterable[str],
    regions: Iterable[str],
) -> ProductUsage:
    names = tuple(regions)
    places = [(account, region) for account in dict.fromkeys(accounts) for region in names]

    def one(place: tuple[str, str]) -> tuple[list[ProvisionedProduct], CatalogError | None]:
        try:
            return search(*place), None
        except CatalogError as error:
            return [], error

    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="usage") as pool:
        answers = list(pool.map(one, places))
    return ProductUsage(
        provisioned=tuple(
            sorted(
                (item for found, _ in answers for item in found),
                key=lambda item: (item.account, item.region, item.name),
            )
        ),
        unreadable=tuple(error for _, error in answers if error),
    )


def _stacks(aws: Aws, account: str, region: str, role: str) -> list[ProvisionedProduct]:
    found = []
    more: dict[str, str] = {}
    while True:
        page = aws.call(
            account=account,
            region=region,
            service="cloudformation",
            operation="describe_stacks",
            **more,
        )
        found += [
            ProvisionedProduct(
                account=account,
                region=region,
                id=stack["StackId"],
                name=stack["StackName"],
                product_id="",
                artifact_id="",
                status=stack["StackStatus"],
            )
            for stack in page["Stacks"]
            if (stack.get("RoleARN") or "").endswith(f":role/{role}")
        ]
        if not page.get("NextToken"):
            return found
        more = {"NextToken": page["NextToken"]}


def _search(aws: Aws, account: str, region: str) -> list[ProvisionedProduct]:
    items = aws.pages(
        account=account,
        region=region,
        service="servicecatalog",
        operation="search_provisioned_products",
        result="ProvisionedProducts",
        # Without it AWS lists only what the caller itself has launched.
        AccessLevelFilter={"Key": "Account", "Value": "self"},
        PageSize=100,
    )
    return [
        ProvisionedProduct(
            account=account,
            region=region,
            id=item["Id"],
            name=item.get("Name") or item["Id"],
            product_id=item.get("ProductId") or "",
            artifact_id=item.get("ProvisioningArtifactId") or "",
            status=item.get("Status") or "",
        )
        for item in items
    ]
