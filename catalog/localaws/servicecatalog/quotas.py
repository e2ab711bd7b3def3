"""Quotas per account and region, as Service Catalog documents them.

Source: https://docs.aws.amazon.com/servicecatalog/latest/adminguide/limits.html
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.localaws.servicecatalog import errors


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """The numbers in force; a test gives the service others."""

    portfolios: int = 100
    products: int = 350
    products_per_portfolio: int = 150
    artifacts_per_product: int = 100
    principals_per_portfolio: int = 100
    principals_per_product: int = 200
    patterns_per_portfolio: int = 10
    shares_per_portfolio: int = 5000
    constraints_per_product_and_portfolio: int = 100
    tags_per_resource: int = 20
    tag_options_per_resource: int = 25
    values_per_tag_option: int = 25


def require_room(*, count: int, quota: int, what: str) -> None:
    """Refuse one more of `what` when `count` of them fill the quota.

    Raises:
        ServiceError: LimitExceededException.
    """
    if count >= quota:
        raise errors.limit(f"You have reached the limit of {quota} {what}.")
