"""Launch paths: by which portfolios a principal may launch a product, and how."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids, patterns
from catalog.localaws.servicecatalog.models import Artifact, Constraint, Portfolio, Product
from catalog.localaws.servicecatalog.principals import Principals


@dataclass(frozen=True, kw_only=True)
class LaunchPath:
    """A portfolio through which the caller may launch a product.

    Attributes:
        tags: the product's and the portfolio's, which every launch carries.
        tag_options: key to the values on offer.
    """

    id: str
    portfolio: Portfolio
    product: Product
    constraints: tuple[Constraint, ...]
    tags: dict[str, str]
    tag_options: dict[str, list[str]]

    @property
    def name(self) -> str:
        """The path's name, which is its portfolio's."""
        return self.portfolio.name

    def parameters_of(self, kind: str) -> list[dict[str, Any]]:
        """Return the parameters of the constraints of one type."""
        return [json.loads(c.parameters) for c in self.constraints if c.type == kind]


@dataclass(frozen=True, kw_only=True)
class Launchable:
    """What one launch request resolved to."""

    product: Product
    artifact: Artifact
    path: LaunchPath


class Paths(Principals):
    """How the product operations of users resolve what they name."""

    def launch_paths(self, call: Call, product: Product) -> list[LaunchPath]:
        """Return the caller's paths to `product`; administrators have none of themselves."""
        caller = call.principal.role_arn or call.principal.arn
        return [
            self._path(call, portfolio, product)
            for portfolio in self.visible_portfolios(call)
            if self.associated(portfolio, product.id)
            and any(
                patterns.covers(principal_arn=p.arn, principal_type=p.type, caller_arn=caller)
                for p in self.principals_in_effect(portfolio, call.account)
            )
        ]

    def accessible_products(self, call: Call) -> list[Product]:
        """Return the products the caller has a path to."""
        return [p for p in self.region(call).products.values() if self.launch_paths(call, p)]

    def resolve_product(self, call: Call, params: dict[str, Any]) -> Product:
        """Return the product that ProductId or ProductName names.

        Raises:
            ServiceError: ResourceNotFoundException, also when the caller has no path to it.
        """
        if product_id := params.get("ProductId"):
            product = self.region(call).products.get(product_id)
            if product is None or not self.launch_paths(call, product):
                raise errors.not_found(f"No launch paths found for resource: {product_id}")
            return product
        name = params.get("ProductName")
        if name is None:
            raise errors.invalid("Either ProductId or ProductName must be specified.")
        found = [p for p in self.accessible_products(call) if p.name == name]
        if not found:
            raise errors.not_found(f"Product with name {name} does not exist or access was denied.")
        if len(found) > 1:
            raise errors.invalid(f"Multiple Product with name {name} found.")
        return found[0]

    def resolve(self, call: Call, params: dict[str, Any], *, updates: bool = False) -> Launchable:
        """Return what a launch (or, with `updates`, an update) of the caller's would use.

        Raises:
            ServiceError: ResourceNotFoundException or InvalidParametersException.
        """
        product = self.resolve_product(call, params)
        artifact = self._resolve_artifact(product, params)
        if artifact.guidance == "DEPRECATED" and not updates:
            raise errors.invalid(
                f"Provisioning artifact {artifact.id} is deprecated and cannot be launched."
            )
        return Launchable(
            product=product, artifact=artifact, path=self._resolve_path(call, product, params)
        )

    def launch_role_of(self, account: str, path: LaunchPath) -> str | None:
        """Return the ARN of the role that launches run as, or None for the caller.

        A local role is looked for in the launching account; one that is missing is named without
        the path it would have.
        """
        for parameters in path.parameters_of("LAUNCH"):
            if "RoleArn" in parameters:
                return str(parameters["RoleArn"])
            name = str(parameters["LocalRoleName"])
            return (
                self.role_named(account=account, name=name) or f"arn:aws:iam::{account}:role/{name}"
            )
        return None

    def _resolve_artifact(self, product: Product, params: dict[str, Any]) -> Artifact:
        artifact_id = params.get("ProvisioningArtifactId")
        name = params.get("ProvisioningArtifactName")
        usable = [
            a
            for a in product.artifacts.values()
            if a.active and a.status(self.now()) == "AVAILABLE"
        ]
        if artifact_id is None and name is None:
            raise errors.invalid(
                "Either ProvisioningArtifactId or ProvisioningArtifactName must be specified."
            )
        found = [a for a in usable if a.id == artifact_id or (not artifact_id and a.name == name)]
        if not found:
            what = artifact_id or f"with name {name}"
            raise errors.not_found(
                f"Provisioning artifact {what} does not exist or access was denied."
            )
        if len(found) > 1:
            raise errors.invalid(f"Multiple Provisioning Artifact with name {name} found.")
        return found[0]

    def _resolve_path(self, call: Call, product: Product, params: dict[str, Any]) -> LaunchPath:
        paths = self.launch_paths(call, product)
        path_id, name = params.get("PathId"), params.get("PathName")
        chosen = [
            p for p in paths if path_id in (None, p.id) and (path_id or name in (None, p.name))
        ]
        if not chosen:
            raise errors.not_found(
                f"Launch path {path_id or name} does not exist or access was denied."
            )
        if len(chosen) > 1:
            raise errors.invalid(
                f"Product {product.id} has more than one launch path; specify PathId."
            )
        return chosen[0]

    def _path(self, call: Call, portfolio: Portfolio, product: Product) -> LaunchPath:
        region = self.region(call)
        sees_product_tags = self.sees_tags(call, product)
        options: dict[str, list[str]] = {}
        for resource, visible in (
            (portfolio, self.sees_tag_options(call, portfolio)),
            (product, product.owner == call.account or self.sees_tag_options(call, portfolio)),
        ):
            for option_id in resource.tag_options if visible else ():
                option = region.tag_options[option_id]
                values = options.setdefault(option.key, [])
                if option.active and option.value not in values:
                    values.append(option.value)
        return LaunchPath(
            id=ids.derived_id("lpv2", call.account, portfolio.id, product.id),
            portfolio=portfolio,
            product=product,
            constraints=self._constraints(call, portfolio, product.id),
            tags={**portfolio.tags, **(product.tags if sees_product_tags else {})},
            tag_options=options,
        )

    def _constraints(
        self, call: Call, portfolio: Portfolio, product_id: str
    ) -> tuple[Constraint, ...]:
        held = [
            c
            for c in self.region(call).constraints.values()
            if (c.portfolio_id, c.product_id) == (portfolio.id, product_id)
        ]
        source = self.region(call).portfolios.get(portfolio.products[product_id].source or "")
        if source is None or product_id not in source.products:
            return tuple(held)
        # A recipient's own LAUNCH constraint overrides the one its product was imported with.
        own_launch = any(c.type == "LAUNCH" for c in held)
        inherited = self._constraints(call, source, product_id)
        return (*held, *(c for c in inherited if not (own_launch and c.type == "LAUNCH")))
