"""Constraints: how a product in a portfolio may be launched."""

from __future__ import annotations

import json
from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import (
    ServiceCatalogBase,
    idempotent,
    locked,
)
from catalog.localaws.servicecatalog.models import Constraint, RegionState
from catalog.localaws.servicecatalog.quotas import require_room

_TYPES = ("LAUNCH", "NOTIFICATION", "RESOURCE_UPDATE", "STACKSET", "TEMPLATE")
_NOT_EMULATED = ("STACKSET", "TEMPLATE")


class Constraints(ServiceCatalogBase):
    """Operations on constraints."""

    @idempotent("IdempotencyToken")
    @locked
    def create_constraint(self, call: Call) -> dict[str, Any]:
        """Create a constraint; a product in a portfolio has one LAUNCH constraint at most."""
        region = self.region(call)
        kind, text = call.params["Type"], call.params["Parameters"]
        portfolio = self.own_portfolio(call, call.params["PortfolioId"], doing="constrain")
        product_id = call.params["ProductId"]
        if not self.associated(portfolio, product_id):
            raise errors.not_found(
                f"Product {product_id} is not associated with portfolio {portfolio.id}."
            )
        parameters = self._checked_parameters(call.account, kind, text)
        siblings = _of(region, portfolio_id=portfolio.id, product_id=product_id)
        if kind == "LAUNCH" and any(c.type == "LAUNCH" for c in siblings):
            raise errors.duplicate(
                f"A LAUNCH constraint already exists for product {product_id} in portfolio "
                f"{portfolio.id}."
            )
        require_room(
            count=len(siblings),
            quota=self.quotas.constraints_per_product_and_portfolio,
            what="constraints per product per portfolio",
        )
        constraint = Constraint(
            id=ids.new_id("cons"),
            owner=call.account,
            portfolio_id=portfolio.id,
            product_id=product_id,
            type=kind,
            description=call.params.get("Description") or _description(kind, parameters),
            parameters=text,
            ready_at=self.now() + self.transition_seconds,
        )
        region.constraints[constraint.id] = constraint
        return self._constraint_answer(constraint)

    @locked
    def update_constraint(self, call: Call) -> dict[str, Any]:
        """Change a constraint's description or parameters; a launch role may become local."""
        constraint = self._own_constraint(call, doing="update")
        if text := call.params.get("Parameters"):
            self._checked_parameters(call.account, constraint.type, text)
            constraint.parameters = text
        constraint.description = call.params.get("Description", constraint.description)
        return self._constraint_answer(constraint)

    @locked
    def delete_constraint(self, call: Call) -> dict[str, Any]:
        """Delete a constraint."""
        del self.region(call).constraints[self._own_constraint(call, doing="delete").id]
        return {}

    @locked
    def describe_constraint(self, call: Call) -> dict[str, Any]:
        """Return a constraint with its parameters, byte for byte as they were sent."""
        return self._constraint_answer(self._visible_constraint(call))

    @locked
    def list_constraints_for_portfolio(self, call: Call) -> dict[str, Any]:
        """List a portfolio's constraints, without their parameters."""
        portfolio = self.portfolio(call, call.params["PortfolioId"])
        product_id = call.params.get("ProductId")
        if product_id and not self.associated(portfolio, product_id):
            raise errors.not_found(
                f"Product {product_id} is not associated with portfolio {portfolio.id}."
            )
        found = _of(self.region(call), portfolio_id=portfolio.id, product_id=product_id)
        page, more = self.page(call, found)
        return {"ConstraintDetails": [_detail(c) for c in page], **more}

    def _checked_parameters(self, account: str, kind: str, text: str) -> dict[str, Any]:
        if kind not in _TYPES:
            raise errors.invalid(f"Constraint type {kind} is not one of {', '.join(_TYPES)}.")
        if kind in _NOT_EMULATED:
            raise errors.not_emulated(f"The local AWS has no {kind} constraints.")
        try:
            parameters = json.loads(text)
        except ValueError:
            raise errors.invalid("Constraint parameters are not valid JSON.") from None
        if not isinstance(parameters, dict):
            raise errors.invalid("Constraint parameters must be a JSON object.")
        checks = {
            "LAUNCH": self._check_launch,
            "NOTIFICATION": _check_notification,
            "RESOURCE_UPDATE": _check_resource_update,
        }
        checks[kind](account, parameters)
        return parameters

    def _check_launch(self, account: str, parameters: dict[str, Any]) -> None:
        keys = set(parameters)
        if keys not in ({"RoleArn"}, {"LocalRoleName"}):
            raise errors.invalid(
                "LAUNCH parameters must hold either RoleArn or LocalRoleName, and nothing else."
            )
        role = str(parameters.get("RoleArn") or parameters.get("LocalRoleName"))
        if "RoleArn" in keys and not role.startswith("arn:"):
            raise errors.invalid(f"RoleArn {role} is not an ARN.")
        if "LocalRoleName" in keys and "/" in role:
            raise errors.invalid(f"LocalRoleName {role} must be a role's name, without its path.")
        if not self.switches.launch_role_checked:
            return
        exists = (
            self.role_exists(role)
            if "RoleArn" in keys
            else self.role_named(account=account, name=role) is not None
        )
        if not exists:
            raise errors.invalid(f"Role {role}: profile does not exist.")

    def _constraint_answer(self, constraint: Constraint) -> dict[str, Any]:
        return {
            "ConstraintDetail": _detail(constraint),
            "ConstraintParameters": constraint.parameters,
            "Status": constraint.status(self.now()),
        }

    def _visible_constraint(self, call: Call) -> Constraint:
        region = self.region(call)
        constraint = region.constraints.get(call.params["Id"])
        if constraint is None or not self.reach(
            region.portfolios[constraint.portfolio_id], call.account
        ):
            raise errors.not_found(f"Constraint {call.params['Id']} not found.")
        return constraint

    def _own_constraint(self, call: Call, *, doing: str) -> Constraint:
        constraint = self._visible_constraint(call)
        if constraint.owner != call.account:
            raise errors.shared_with_you(f"{doing} a constraint of a portfolio")
        return constraint


def _of(region: RegionState, *, portfolio_id: str, product_id: str | None) -> list[Constraint]:
    return [
        c
        for c in region.constraints.values()
        if c.portfolio_id == portfolio_id and product_id in (None, c.product_id)
    ]


def _check_notification(account: str, parameters: dict[str, Any]) -> None:  # noqa: ARG001
    arns = parameters.get("NotificationArns")
    if not isinstance(arns, list) or not all(str(a).startswith("arn:") for a in arns):
        raise errors.invalid("NOTIFICATION parameters must hold NotificationArns, a list of ARNs.")


def _check_resource_update(account: str, parameters: dict[str, Any]) -> None:  # noqa: ARG001
    properties = parameters.get("Properties")
    value = properties.get("TagUpdateOnProvisionedProduct") if isinstance(properties, dict) else ""
    if parameters.get("Version") != "2.0" or value not in {"ALLOWED", "NOT_ALLOWED"}:
        raise errors.invalid(
            'RESOURCE_UPDATE parameters must hold "Version": "2.0" and Properties with '
            "TagUpdateOnProvisionedProduct ALLOWED or NOT_ALLOWED."
        )


def _description(kind: str, parameters: dict[str, Any]) -> str:
    if kind != "LAUNCH":
        return ""
    if "LocalRoleName" in parameters:
        return f"Launch as local role {parameters['LocalRoleName']}"
    return f"Launch as {parameters['RoleArn']}"


def _detail(constraint: Constraint) -> dict[str, Any]:
    return {
        "ConstraintId": constraint.id,
        "Type": constraint.type,
        "Description": constraint.description,
        "Owner": constraint.owner,
        "ProductId": constraint.product_id,
        "PortfolioId": constraint.portfolio_id,
    }
