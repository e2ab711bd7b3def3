"""AWS::ServiceCatalog::*: portfolios, products and what ties them together."""

from __future__ import annotations

import json
import uuid
from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)

_WAIT_SECONDS = 600.0


def _client(ctx: Context) -> Any:
    return ctx.client("servicecatalog")


class Portfolio(ResourceHandler):
    """A portfolio."""

    type = "AWS::ServiceCatalog::Portfolio"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the portfolio."""
        client = _client(ctx)
        request = to_request(
            client, "CreatePortfolio", {**properties, "IdempotencyToken": str(uuid.uuid4())}
        )
        detail = client.create_portfolio(**request)["PortfolioDetail"]
        ctx.report(detail["Id"])
        return _portfolio(detail)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change texts and tags."""
        client = _client(ctx)
        upsert, removed = tag_changes(old, new)
        request = to_request(client, "UpdatePortfolio", new, omit={"Tags"})
        detail = client.update_portfolio(
            Id=ctx.physical_id, AddTags=upsert, RemoveTags=removed, **request
        )["PortfolioDetail"]
        return _portfolio(detail)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the portfolio; Service Catalog refuses one that is still in use."""
        del properties
        _client(ctx).delete_portfolio(Id=ctx.physical_id)


def _portfolio(detail: dict[str, Any]) -> Created:
    return Created(
        physical_id=detail["Id"],
        attributes={"PortfolioName": detail["DisplayName"], "Id": detail["Id"]},
    )


class Product(ResourceHandler):
    """A product with its provisioning artifacts."""

    type = "AWS::ServiceCatalog::CloudFormationProduct"
    volatile = True

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the product with its first artifact, then the other artifacts."""
        client = _client(ctx)
        artifacts = properties.get("ProvisioningArtifactParameters") or []
        if not artifacts or "SourceConnection" in properties:
            raise HandlerError("Products are made of ProvisioningArtifactParameters only.")
        request = to_request(
            client,
            "CreateProduct",
            {
                **properties,
                "ProductType": properties.get("ProductType", "CLOUD_FORMATION_TEMPLATE"),
                "IdempotencyToken": str(uuid.uuid4()),
                "ProvisioningArtifactParameters": _artifact(artifacts[0]),
            },
            omit={"ReplaceProvisioningArtifacts"},
        )
        answer = client.create_product(**request)
        product = answer["ProductViewDetail"]["ProductViewSummary"]
        ctx.report(product["ProductId"])
        ids = [answer["ProvisioningArtifactDetail"]["Id"]]
        ids += [self._add(client, product["ProductId"], item) for item in artifacts[1:]]
        return _product(product, ids, artifacts)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the product's texts, tags and artifacts.

        With ReplaceProvisioningArtifacts the artifacts are made anew; else they are matched by
        position, and new ones are added, as CloudFormation does.
        """
        client, product_id = _client(ctx), ctx.physical_id
        apart = {
            "ProvisioningArtifactParameters",
            "ReplaceProvisioningArtifacts",
            "Tags",
            "ProductType",
        }
        upsert, removed = tag_changes(old, new)
        request = to_request(client, "UpdateProduct", new, omit=apart)
        answer = client.update_product(Id=product_id, AddTags=upsert, RemoveTags=removed, **request)
        product = answer["ProductViewDetail"]["ProductViewSummary"]
        before, after = (p.get("ProvisioningArtifactParameters") or [] for p in (old, new))
        ids = ctx.attributes["ProvisioningArtifactIds"].split(",")
        if before != after:
            ids = self._sync(client, product_id, ids, before, new)
        return _product(product, ids, after)

    def _sync(
        self, client: Any, product_id: str, ids: list[str], before: list[Any], new: Properties
    ) -> list[str]:
        after = new["ProvisioningArtifactParameters"]
        kept: list[str] = []
        for index, item in enumerate(after):
            same = index < len(before) and before[index].get("Info") == item.get("Info")
            if same and not new.get("ReplaceProvisioningArtifacts"):
                client.update_provisioning_artifact(
                    ProductId=product_id,
                    ProvisioningArtifactId=ids[index],
                    Name=item.get("Name", ""),
                    Description=item.get("Description", ""),
                )
                kept.append(ids[index])
            else:
                kept.append(self._add(client, product_id, item))
        for artifact_id in ids:
            if artifact_id not in kept:
                client.delete_provisioning_artifact(
                    ProductId=product_id, ProvisioningArtifactId=artifact_id
                )
        return kept

    def _add(self, client: Any, product_id: str, item: Properties) -> str:
        answer = client.create_provisioning_artifact(
            ProductId=product_id,
            Parameters=_artifact(item),
            IdempotencyToken=str(uuid.uuid4()),
        )
        return str(answer["ProvisioningArtifactDetail"]["Id"])

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the product."""
        del properties
        _client(ctx).delete_product(Id=ctx.physical_id)


def _artifact(item: Properties) -> dict[str, Any]:
    return {"Type": "CLOUD_FORMATION_TEMPLATE", **item}


def _product(product: dict[str, Any], ids: list[str], artifacts: list[Any]) -> Created:
    return Created(
        physical_id=product["ProductId"],
        attributes={
            "ProductName": product["Name"],
            "ProvisioningArtifactIds": ",".join(ids),
            "ProvisioningArtifactNames": ",".join(a.get("Name", "") for a in artifacts),
            "Id": product["ProductId"],
        },
    )


class PortfolioProductAssociation(ResourceHandler):
    """A product in a portfolio."""

    type = "AWS::ServiceCatalog::PortfolioProductAssociation"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Put the product in the portfolio and wait until Service Catalog shows it there."""
        client = _client(ctx)
        client.associate_product_with_portfolio(
            **to_request(client, "AssociateProductWithPortfolio", properties)
        )
        name = f"{properties['PortfolioId']}|{properties['ProductId']}"
        ctx.report(name)

        def shown() -> bool:
            pages = client.get_paginator("list_portfolios_for_product").paginate(
                ProductId=properties["ProductId"]
            )
            found = [portfolio["Id"] for page in pages for portfolio in page["PortfolioDetails"]]
            return properties["PortfolioId"] in found

        ctx.wait(shown, seconds=_WAIT_SECONDS, what="the association")
        return Created(physical_id=name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Take the product out."""
        _client(ctx).disassociate_product_from_portfolio(
            PortfolioId=properties["PortfolioId"], ProductId=properties["ProductId"]
        )


class LaunchRoleConstraint(ResourceHandler):
    """The role that launches of a product run as."""

    type = "AWS::ServiceCatalog::LaunchRoleConstraint"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the constraint and wait until it is available."""
        client = _client(ctx)
        request = {
            name: properties[name]
            for name in ("AcceptLanguage", "PortfolioId", "ProductId", "Description")
            if name in properties
        }
        detail = client.create_constraint(
            **request,
            Type="LAUNCH",
            Parameters=_launch(properties),
            IdempotencyToken=str(uuid.uuid4()),
        )["ConstraintDetail"]
        ctx.report(detail["ConstraintId"])
        return self._wait(ctx, detail["ConstraintId"])

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change role and description."""
        request: dict[str, Any] = {"Id": ctx.physical_id}
        if changed(old, new, "Description"):
            request["Description"] = new.get("Description", "")
        if changed(old, new, "RoleArn", "LocalRoleName"):
            request["Parameters"] = _launch(new)
        _client(ctx).update_constraint(**request)
        return self._wait(ctx, ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the constraint."""
        del properties
        _client(ctx).delete_constraint(Id=ctx.physical_id)

    def _wait(self, ctx: Context, constraint_id: str) -> Created:
        client = _client(ctx)
        status = ""

        def settled() -> bool:
            nonlocal status
            status = client.describe_constraint(Id=constraint_id)["Status"]
            return bool(status != "CREATING")

        ctx.wait(settled, seconds=_WAIT_SECONDS, what="the constraint")
        if status == "FAILED":
            raise HandlerError(f"Constraint {constraint_id} is in the status FAILED.")
        return Created(physical_id=constraint_id, attributes={"Id": constraint_id})


def _launch(properties: Properties) -> str:
    if ("RoleArn" in properties) == ("LocalRoleName" in properties):
        raise HandlerError("Exactly one of RoleArn and LocalRoleName is required.")
    name = "RoleArn" if "RoleArn" in properties else "LocalRoleName"
    return json.dumps({name: properties[name]})


class PortfolioPrincipalAssociation(ResourceHandler):
    """A principal that may use a portfolio."""

    type = "AWS::ServiceCatalog::PortfolioPrincipalAssociation"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Associate the principal."""
        client = _client(ctx)
        client.associate_principal_with_portfolio(
            **to_request(client, "AssociatePrincipalWithPortfolio", properties)
        )
        name = f"{properties['PrincipalARN']}|{properties['PortfolioId']}"
        ctx.report(name)
        return Created(physical_id=name)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Disassociate the principal."""
        _client(ctx).disassociate_principal_from_portfolio(
            PortfolioId=properties["PortfolioId"],
            PrincipalARN=properties["PrincipalARN"],
            PrincipalType=properties["PrincipalType"],
        )


class PortfolioShare(ResourceHandler):
    """A portfolio shared with one account."""

    type = "AWS::ServiceCatalog::PortfolioShare"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Share the portfolio."""
        client = _client(ctx)
        client.create_portfolio_share(**to_request(client, "CreatePortfolioShare", properties))
        name = f"{properties['PortfolioId']}|{properties['AccountId']}"
        ctx.report(name)
        return Created(physical_id=name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change whether TagOptions are shared."""
        del old
        _client(ctx).update_portfolio_share(
            PortfolioId=new["PortfolioId"],
            AccountId=new["AccountId"],
            ShareTagOptions=new.get("ShareTagOptions", False),
        )
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Stop sharing."""
        _client(ctx).delete_portfolio_share(
            PortfolioId=properties["PortfolioId"], AccountId=properties["AccountId"]
        )


HANDLERS = (
    Portfolio(),
    Product(),
    PortfolioProductAssociation(),
    LaunchRoleConstraint(),
    PortfolioPrincipalAssociation(),
    PortfolioShare(),
)
