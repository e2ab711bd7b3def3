"""Products: create, change, delete, and what administrators see of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.artifacts import (
    Artifacts,
    artifact_detail,
    artifact_summary,
)
from catalog.localaws.servicecatalog.base import (
    idempotent,
    locked,
    require_tags,
    retag,
    tag_list,
    tag_map,
    utc_now,
)
from catalog.localaws.servicecatalog.models import Association, Portfolio, Product
from catalog.localaws.servicecatalog.quotas import require_room
from catalog.localaws.servicecatalog.tagoptions import tag_option_details

_TEXTS = ("Name", "Owner", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


class Products(Artifacts):
    """Operations of administrators on products."""

    @idempotent("IdempotencyToken")
    def create_product(self, call: Call) -> dict[str, Any]:
        """Create a product and its first artifact; names are not unique."""
        if call.params["ProductType"] != "CLOUD_FORMATION_TEMPLATE":
            raise errors.not_emulated(
                "The local AWS knows products of type CLOUD_FORMATION_TEMPLATE only, not "
                f"{call.params['ProductType']}."
            )
        if "SourceConnection" in call.params:
            raise errors.not_emulated("The local AWS does not sync products from repositories.")
        if "ProvisioningArtifactParameters" not in call.params:
            raise errors.invalid("ProvisioningArtifactParameters is required.")
        tags = require_tags(tag_map(call.params.get("Tags")), quota=self.quotas.tags_per_resource)
        self._require_product_room(call)
        artifact = self.new_artifact(call, call.params["ProvisioningArtifactParameters"])
        with self.lock:
            self._require_product_room(call)
            product = Product(
                id=ids.new_id("prod"),
                view_id=ids.new_id("prodview"),
                owner=call.account,
                region=call.region,
                type=call.params["ProductType"],
                created=utc_now(),
                text={
                    **{name: call.params.get(name, "") for name in _TEXTS},
                    "ShortDescription": call.params.get("Description", ""),
                },
                tags=tags,
                artifacts={artifact.id: artifact},
            )
            self.region(call).products[product.id] = product
            return {
                "ProductViewDetail": product_view_detail(product),
                "ProvisioningArtifactDetail": artifact_detail(artifact, guidance=False),
                **_tags(product.tags),
            }

    @locked
    def update_product(self, call: Call) -> dict[str, Any]:
        """Change a product's texts and tags."""
        product = self.own_product(call, call.params["Id"], doing="update a product")
        tags = retag(product.tags, call, quota=self.quotas.tags_per_resource)
        product.tags = tags
        product.text |= {name: call.params[name] for name in _TEXTS if name in call.params}
        if "Description" in call.params:
            product.text["ShortDescription"] = call.params["Description"]
        return {"ProductViewDetail": product_view_detail(product), **_tags(product.tags)}

    @locked
    def delete_product(self, call: Call) -> dict[str, Any]:
        """Delete a product that is in no portfolio."""
        region = self.region(call)
        product = self.own_product(call, call.params["Id"], doing="delete a product")
        if any(product.id in p.products for p in region.portfolios.values()):
            raise errors.in_use(f"Product {product.id} is still associated with a portfolio.")
        del region.products[product.id]
        return {}

    @locked
    def describe_product_as_admin(self, call: Call) -> dict[str, Any]:
        """Return a product with its tags; the summaries carry neither activity nor guidance."""
        product = self._by_id_or_name(call)
        if source := call.params.get("SourcePortfolioId"):
            portfolio = self.portfolio(call, source)
            if not self.associated(portfolio, product.id):
                raise errors.not_found(f"Product {product.id} not found in portfolio {source}.")
        sees_tags = self.sees_tags(call, product)
        own = product.owner == call.account
        return {
            "ProductViewDetail": product_view_detail(product),
            "ProvisioningArtifactSummaries": [
                artifact_summary(a) for a in product.artifacts.values()
            ],
            "Tags": tag_list(product.tags) if sees_tags else [],
            "TagOptions": tag_option_details(self.region(call), product.tag_options if own else []),
            "Budgets": [],
        }

    @locked
    def search_products_as_admin(self, call: Call) -> dict[str, Any]:
        """List a portfolio's products, or the account's own ones."""
        products = self.region(call).products
        if portfolio_id := call.params.get("PortfolioId"):
            portfolio = self.portfolio(call, portfolio_id)
            found = [products[p] for p in portfolio.products if self.associated(portfolio, p)]
        else:
            found = [p for p in products.values() if p.owner == call.account]
        page, more = self.page(call, search(call, found))
        return {"ProductViewDetails": [product_view_detail(p) for p in page], **more}

    @locked
    def associate_product_with_portfolio(self, call: Call) -> dict[str, Any]:
        """Put a product into an own portfolio; again is no error. Others see it after a lag."""
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="change")
        product = self._product_to_associate(call)
        if product.id in portfolio.products:
            return {}
        require_room(
            count=len(portfolio.products),
            quota=self.quotas.products_per_portfolio,
            what="products per portfolio",
        )
        lag = self.switches.association_lag_seconds
        portfolio.products[product.id] = Association(
            seen_from=self.now() + (self.transition_seconds if lag is None else lag),
            source=call.params.get("SourcePortfolioId"),
        )
        return {}

    @locked
    def disassociate_product_from_portfolio(self, call: Call) -> dict[str, Any]:
        """Take a product out of an own portfolio."""
        region = self.region(call)
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="change")
        product_id = call.params["ProductId"]
        if product_id not in portfolio.products:
            raise errors.not_found(
                f"Product {product_id} is not associated with portfolio {portfolio.id}."
            )
        holding = [
            c.id
            for c in region.constraints.values()
            if (c.portfolio_id, c.product_id) == (portfolio.id, product_id)
        ]
        if holding and self.switches.disassociate_with_constraints == "refused":
            raise errors.in_use(
                f"Product {product_id} still has constraints in portfolio {portfolio.id}."
            )
        for constraint_id in holding:
            del region.constraints[constraint_id]
        del portfolio.products[product_id]
        return {}

    def _product_to_associate(self, call: Call) -> Product:
        product = self.product(call, call.params["ProductId"])
        source_id = call.params.get("SourcePortfolioId")
        if source_id is None:
            if product.owner != call.account:
                raise errors.invalid(
                    f"SourcePortfolioId is required for product {product.id} of another account."
                )
            return product
        source: Portfolio = self.portfolio(call, source_id)
        if not self.associated(source, product.id):
            raise errors.not_found(f"Product {product.id} not found in portfolio {source_id}.")
        return product

    def _by_id_or_name(self, call: Call) -> Product:
        if "Id" in call.params:
            return self.product(call, call.params["Id"])
        if "Name" not in call.params:
            raise errors.invalid("Either Id or Name must be specified.")
        name = call.params["Name"]
        visible = {p for portfolio in self.visible_portfolios(call) for p in portfolio.products}
        found = [
            p
            for p in self.region(call).products.values()
            if p.name == name and (p.owner == call.account or p.id in visible)
        ]
        if not found:
            raise errors.not_found(f"Product with name {name} not found")
        if len(found) > 1:
            raise errors.invalid(f"Multiple Product with name {name} found.")
        return found[0]

    def _require_product_room(self, call: Call) -> None:
        with self.lock:
            owned = sum(p.owner == call.account for p in self.region(call).products.values())
            require_room(count=owned, quota=self.quotas.products, what="products per region")


def product_view_summary(product: Product, *, has_default_path: bool = False) -> dict[str, Any]:
    """Return ProductViewSummary; unset texts come as empty strings."""
    return {
        "Id": product.view_id,
        "ProductId": product.id,
        "Type": product.type,
        "HasDefaultPath": has_default_path,
        **product.text,
    }


def product_view_detail(product: Product) -> dict[str, Any]:
    """Return ProductViewDetail.

    The status is CREATED, which AWS answers although its own model only knows AVAILABLE, CREATING
    and FAILED.
    """
    return {
        "ProductViewSummary": product_view_summary(product),
        "Status": "CREATED",
        "ProductARN": product.arn,
        "CreatedTime": product.created,
    }


def search(call: Call, products: Iterable[Product]) -> list[Product]:
    """Return the products that the request's Filters keep, in its order.

    FullTextSearch looks for each text in name, owner, description and distributor, in any case.
    """
    filters = call.params.get("Filters", {})
    kept = [p for p in products if all(_keeps(p, kind, texts) for kind, texts in filters.items())]
    keys = {
        "Title": lambda p: p.name.casefold(),
        "VersionCount": lambda p: len(p.artifacts),
        "CreationDate": lambda p: p.created,
    }
    if sort := call.params.get("SortBy"):
        kept.sort(key=keys[sort], reverse=call.params.get("SortOrder") == "DESCENDING")
    return kept


def _keeps(product: Product, kind: str, texts: list[str]) -> bool:
    text = product.text
    if kind == "FullTextSearch":
        whole = " ".join(
            text[k] for k in ("Name", "Owner", "ShortDescription", "Distributor")
        ).casefold()
        return all(t.casefold() in whole or t == product.id for t in texts)
    value = {
        "Owner": text["Owner"],
        "ProductType": product.type,
        "SourceProductId": product.source_id,
    }[kind]
    return value in texts


def _tags(tags: dict[str, str]) -> dict[str, Any]:
    return {"Tags": tag_list(tags)} if tags else {}
