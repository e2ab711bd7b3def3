"""Outputs and exports: what a stack gives away, and what may not be taken back."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.intrinsics import Resolver
from catalog.localaws.cloudformation.lookup import LiveLookup
from catalog.localaws.cloudformation.model import Stack, State
from catalog.localaws.core.service import ServiceError


def compute_outputs(state: State, stack: Stack, resolver: Resolver) -> str | None:
    """Set the stack's outputs and imports; return why that failed, or None."""
    outputs: list[dict[str, str]] = []
    try:
        for name, node in stack.settings.template.outputs.items():
            if "Condition" in node and not resolver.condition(node["Condition"]):
                continue
            output = {"OutputKey": name, "OutputValue": _text(resolver, node["Value"])}
            if node.get("Description"):
                output["Description"] = str(node["Description"])
            export = resolver.resolve(node.get("Export", {})).get("Name")
            if export is not None:
                _check_free(state, stack, str(export))
                output["ExportName"] = str(export)
            outputs.append(output)
        _check_dropped(state, stack, outputs)
    except ServiceError as error:
        return error.message
    stack.outputs = outputs
    lookup = resolver.lookup
    stack.imports = lookup.imported if isinstance(lookup, LiveLookup) else set()
    return None


def _check_free(state: State, stack: Stack, name: str) -> None:
    taken = state.exports().get(name)
    if taken is not None and taken[1] is not stack:
        raise ServiceError(
            "ValidationError",
            f"Export with name {name} is already exported by stack {taken[1].name}. ",
        )


def _check_dropped(state: State, stack: Stack, outputs: list[dict[str, str]]) -> None:
    kept = {o["ExportName"]: o["OutputValue"] for o in outputs if "ExportName" in o}
    for name, (value, owner) in state.exports().items():
        if owner is not stack or kept.get(name) == value:
            continue
        users = [user.name for user in importers(state, name)]
        if users:
            verb = "updated" if name in kept else "deleted"
            raise ServiceError(
                "ValidationError",
                f"Export {name} cannot be {verb} as it is in use by {', '.join(users)}",
            )


def importers(state: State, export: str) -> list[Stack]:
    """Return the stacks that import an export."""
    return [
        stack
        for stack in list(state.stacks.values())
        if export in stack.imports and stack.status != "DELETE_COMPLETE"
    ]


def _text(resolver: Resolver, value: Any) -> str:
    resolved = resolver.resolve(value)
    if isinstance(resolved, bool):
        return "true" if resolved else "false"
    if isinstance(resolved, (str, int, float)):
        return str(resolved)
    raise ServiceError("ValidationError", "Template format error: Output values must be strings.")
