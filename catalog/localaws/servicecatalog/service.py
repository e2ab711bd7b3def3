"""The service itself: its parts in one class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self, cast

from catalog.localaws.core.local import LocalAws
from catalog.localaws.servicecatalog.constraints import Constraints
from catalog.localaws.servicecatalog.copies import Copies
from catalog.localaws.servicecatalog.plans import Plans
from catalog.localaws.servicecatalog.portfolios import Portfolios
from catalog.localaws.servicecatalog.products import Products
from catalog.localaws.servicecatalog.receiving import Receiving
from catalog.localaws.servicecatalog.resources import RESOURCES
from catalog.localaws.servicecatalog.shares import Shares
from catalog.localaws.servicecatalog.tagoptions import TagOptions


class ServiceCatalog(
    Portfolios, Products, Constraints, Shares, Receiving, TagOptions, Copies, Plans
):
    """AWS Service Catalog in one local AWS."""

    falls_back_to_moto: ClassVar[bool] = False
    # CreateProduct and the Search and Describe operations answer CREATED; botocore's enum of
    # ProductViewDetail.Status lacks it.
    extra_enum_values: ClassVar[Mapping[str, frozenset[str]]] = {"Status": frozenset({"CREATED"})}
    resources = RESOURCES

    @classmethod
    def of(cls, aws: LocalAws) -> Self:
        """Return the running service of `aws`, whose quotas and failures a test may set."""
        return cast("Self", aws.service(cls.name))
