"""A part of a plan: some regions, some templates, and whatever those need. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from catalog.errors import InvalidInput, Location, Problem
from catalog.publishing.actions import Action, Kind, Plan, product_ref
from catalog.publishing.desired import DesiredState


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """What a run is limited to; empty means no limit.

    Attributes:
        regions: names of regions of the catalog.
        templates: names of templates that a portfolio offers.
    """

    regions: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.regions or self.templates)

    def desired(self, desired: DesiredState) -> DesiredState:
        """Return the part of the desired state in the wanted regions.

        Raises:
            InvalidInput: a region or template that the catalog does not publish.
        """
        templates = {p.template for region in desired.regions.values() for p in region.products}
        problems = [
            *_unknown("region", self.regions, desired.regions),
            *_unknown("template", self.templates, templates),
        ]
        if problems:
            raise InvalidInput(problems, next_step="Name what catalog.yml publishes.")
        if not self.regions:
            return desired
        regions = {name: r for name, r in desired.regions.items() if name in self.regions}
        return replace(desired, regions=regions)

    def plan(self, plan: Plan) -> Plan:
        """Return the part of a plan that concerns the wanted templates, with all that it needs."""
        if not self.templates:
            return plan
        by_id = {action.id: action for action in plan.actions}
        waiting = [a.id for a in plan.actions if self._concerns(plan, a)]
        kept: set[str] = set()
        while waiting:
            action_id = waiting.pop()
            if action_id not in kept:
                kept.add(action_id)
                waiting += [need for need in by_id[action_id].needs if need in by_id]
        return replace(plan, actions=tuple(a for a in plan.actions if a.id in kept))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; `from_dict` reads them back."""
        return asdict(self)

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Narrowing:
        """Return what `to_dict` wrote."""
        return Narrowing(
            regions=tuple(values.get("regions", ())), templates=tuple(values.get("templates", ()))
        )

    def _concerns(self, plan: Plan, action: Action) -> bool:
        known = plan.known.get(action.region, {})
        products = {product_ref(name) for name in self.templates}
        products |= {known[ref] for ref in products if ref in known}
        values = (action.params.get("product"), action.params.get("ref"))
        if any(value in products for value in values):
            return True
        # An update of a constraint names the constraint only; its id ends with the template.
        return (
            action.kind is Kind.CONSTRAINT_UPDATE and action.id.rpartition(" ")[2] in self.templates
        )


def _unknown(what: str, names: Collection[str], known: Collection[str]) -> list[Problem]:
    return [
        Problem(
            message=f"the catalog publishes no {what} {name!r}",
            where=Location(),
            hint=f"one of {', '.join(sorted(known))}",
        )
        for name in names
        if name not in known
    ]
