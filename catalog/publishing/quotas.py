"""Service Catalog's default quotas, and how full they are.

Source: docs.aws.amazon.com/servicecatalog/latest/adminguide/limits.html. AWS raises most of them on
request; ten principal patterns per portfolio is fixed (API Reference,
AssociatePrincipalWithPortfolio).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from catalog.publishing.observed import ObservedRegion

PORTFOLIOS: Final = 100
PRODUCTS: Final = 350
PRODUCTS_PER_PORTFOLIO: Final = 150
VERSIONS_PER_PRODUCT: Final = 100
PRINCIPALS_PER_PORTFOLIO: Final = 100
PATTERNS_PER_PORTFOLIO: Final = 10
_NEARLY_FULL: Final = 0.9


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much of one quota is taken.

    Attributes:
        region: where.
        what: what is counted, as people say it: `versions of "Train"`.
        owner: the id, or reference, of the resource that the quota belongs to; the region's name
            for quotas of the region.
        used: how many there are.
        quota: AWS's default.
    """

    region: str
    what: str
    owner: str
    used: int
    quota: int

    @property
    def left(self) -> int:
        """How many more fit; negative when there are too many."""
        return self.quota - self.used

    @property
    def nearly_full(self) -> bool:
        """Whether nine tenths are taken."""
        return self.used >= self.quota * _NEARLY_FULL


def usages(seen: ObservedRegion) -> Iterator[Usage]:
    """Yield how full the quotas of one region are, by what this catalog owns there."""
    region = seen.region
    yield Usage(
        region=region,
        what="portfolios of this catalog",
        owner=region,
        used=len(seen.portfolios),
        quota=PORTFOLIOS,
    )
    yield Usage(
        region=region,
        what="products of this catalog",
        owner=region,
        used=len(seen.products),
        quota=PRODUCTS,
    )
    for product in seen.products:
        yield Usage(
            region=region,
            what=f'versions of "{product.name}"',
            owner=product.id,
            used=len(product.artifacts),
            quota=VERSIONS_PER_PRODUCT,
        )
    for portfolio in seen.portfolios:
        patterns = sum(kind == "IAM_PATTERN" for _, kind in portfolio.principals)
        for what, used, quota in (
            ("products", len(portfolio.product_ids), PRODUCTS_PER_PORTFOLIO),
            ("principals", len(portfolio.principals), PRINCIPALS_PER_PORTFOLIO),
            ("principal patterns", patterns, PATTERNS_PER_PORTFOLIO),
        ):
            yield Usage(
                region=region,
                what=f'{what} of portfolio "{portfolio.name}"',
                owner=portfolio.id,
                used=used,
                quota=quota,
            )
