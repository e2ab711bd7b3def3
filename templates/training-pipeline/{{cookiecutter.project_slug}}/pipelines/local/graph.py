"""The steps of a definition as a graph: what must be over before a step may start."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .definition import Scope, references
from .errors import RunnerError
from .kinds import KINDS


@dataclass(kw_only=True)
class Node:
    """One step.

    Attributes:
        step: as in the definition.
        gate: the ConditionStep and the branch it stands in, if any.
        references: steps whose properties it uses.
        after: steps it only waits for.
        implied: steps among `after` that only the data imply.
    """

    step: Mapping[str, Any]
    gate: tuple[str, bool] | None
    references: set[str] = field(default_factory=set)
    after: set[str] = field(default_factory=set)
    implied: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The step's name, unique in the pipeline."""
        return str(self.step["Name"])

    @property
    def type(self) -> str:
        """The step's type."""
        return str(self.step["Type"])

    @property
    def needs(self) -> set[str]:
        """Every step that must be over first."""
        return self.references | self.after | ({self.gate[0]} if self.gate else set())


def build(definition: Mapping[str, Any], scope: Scope) -> dict[str, Node]:
    """Nodes by name, branches of conditions included.

    Raises:
        RunnerError: duplicate names, references to missing steps, cycles.
    """
    nodes: dict[str, Node] = {}
    _collect(definition["Steps"], None, nodes)
    for node in nodes.values():
        if missing := (node.references | node.after) - nodes.keys():
            raise RunnerError(f"step {node.name!r} refers to missing steps: {sorted(missing)}")
        # Waiting for a condition means waiting for the branch it takes.
        ancestors = set(_ancestors(node, nodes))
        for name in (node.references | node.after) - ancestors:
            node.after |= {n for n, other in nodes.items() if name in _ancestors(other, nodes)}
        node.after -= ancestors
    _order(nodes)
    _imply(nodes, scope)
    return nodes


def _collect(
    steps: Iterable[Mapping[str, Any]], gate: tuple[str, bool] | None, nodes: dict[str, Node]
) -> None:
    for step in steps:
        arguments, name = step.get("Arguments", {}), step["Name"]
        if name in nodes:
            raise RunnerError(f"two steps are called {name!r}")
        own = arguments["Conditions"] if step["Type"] == "Condition" else step
        nodes[name] = Node(
            step=step,
            gate=gate,
            references=set(references(own)) - {name},
            after=set(step.get("DependsOn", [])),
        )
        if step["Type"] == "Condition":
            _collect(arguments.get("IfSteps", []), (name, True), nodes)
            _collect(arguments.get("ElseSteps", []), (name, False), nodes)


def _ancestors(node: Node, nodes: Mapping[str, Node]) -> list[str]:
    found = []
    while node.gate:
        found.append(node.gate[0])
        node = nodes[node.gate[0]]
    return found


def _order(nodes: Mapping[str, Node]) -> None:
    try:
        graphlib.TopologicalSorter({n: node.needs for n, node in nodes.items()}).prepare()
    except graphlib.CycleError as error:
        raise RunnerError(f"steps wait for each other: {' <- '.join(error.args[1])}") from None


def _imply(nodes: Mapping[str, Node], scope: Scope) -> None:
    """Add the edges that only data imply: a step reads below a URI that another one writes."""
    writes = {name: set(_written(node, scope)) for name, node in nodes.items()}
    for reader in nodes.values():
        body = reader.step.get("Arguments", {})
        found = set(_uris(scope, body["Conditions"] if reader.type == "Condition" else body))
        for writer in nodes:
            if (
                writer != reader.name
                and any(
                    _below(uri, target) or (is_input and _below(target, uri))
                    for uri, is_input in found
                    for target in writes[writer]
                    if uri not in writes[reader.name]
                )
                and writer not in _reachable(reader.name, nodes)
                and reader.name not in _reachable(writer, nodes)  # asked for the other way round
            ):
                reader.after.add(writer)
                reader.implied.add(writer)


def _reachable(start: str, nodes: Mapping[str, Node]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in nodes[waiting.pop()].needs - found:
            found.add(name)
            waiting.append(name)
    return found


def _written(node: Node, scope: Scope) -> Iterable[str]:
    if node.type in KINDS:
        for uri in KINDS[node.type].outputs(dict(node.step["Arguments"])):
            if isinstance(literal := scope.literal(uri), str):
                yield literal.rstrip("/")


def _uris(scope: Scope, value: Any, key: str = "") -> Iterable[tuple[str, bool]]:
    """S3 URIs known before the run, and whether each is an input or only mentioned."""
    if isinstance(value, list):
        for item in value:
            yield from _uris(scope, item, key)
    elif isinstance(value, dict) and "Std:JsonGet" not in value and not _is_expression(value):
        for name, item in value.items():
            yield from _uris(scope, item, name)
    elif isinstance(value, dict) and "Std:JsonGet" in value:
        yield from _uris(scope, value["Std:JsonGet"].get("S3Uri"), "S3Uri")
    elif isinstance(literal := scope.literal(value), str) and literal.startswith("s3://"):
        yield literal.rstrip("/"), key in {"S3Uri", "ModelDataUrl"}


def _is_expression(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and any(name == "Get" or name.startswith("Std:") for name in value)


def _below(uri: str, prefix: str) -> bool:
    return f"{uri}/".startswith(f"{prefix}/")
