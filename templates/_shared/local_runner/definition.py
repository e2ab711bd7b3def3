"""A pipeline definition (schema 2020-12-01): symbols, parameters, expressions, conditions."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import RunnerError, UnresolvedError

SCHEMA = "2020-12-01"
_SYMBOL = re.compile(r"\$\{(bucket|role|model_package_group|code:[\w.-]+)\}")
_TOKEN = re.compile(r"""\[(-?\d+)\]|\['([^']*)'\]|\["([^"]*)"\]|([^.\[\]]+)""")
_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def substitute(value: Any, symbols: Mapping[str, str]) -> Any:
    """Replace `${bucket}`, `${role}`, `${model_package_group}` and `${code:NAME}` everywhere.

    Raises:
        RunnerError: a symbol that `symbols` does not define.
    """

    def one(match: re.Match[str]) -> str:
        if match[1] not in symbols:
            known = ", ".join(sorted(symbols)) or "none"
            raise RunnerError(
                f"The definition uses ${{{match[1]}}}, which is not defined (defined: {known}).",
                next_step="Define it with --code NAME=PATH or in [tool.local-pipeline].",
            )
        return symbols[match[1]]

    if isinstance(value, str):
        return _SYMBOL.sub(one, value)
    if isinstance(value, list):
        return [substitute(item, symbols) for item in value]
    if isinstance(value, dict):
        return {key: substitute(item, symbols) for key, item in value.items()}
    return value


def parameter_values(definition: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every pipeline parameter.

    Raises:
        RunnerError: unknown, missing, wrongly typed and out-of-enum ones, all in one message.
    """
    declared = {item["Name"]: item for item in definition.get("Parameters", [])}
    problems = [f"{name}: not a parameter of this pipeline" for name in given.keys() - declared]
    values: dict[str, Any] = {}
    for name, item in declared.items():
        if name not in given and "DefaultValue" not in item:
            problems.append(f"{name}: no default, so it needs a value ({item['Type']})")
            continue
        try:
            values[name] = _typed(item["Type"], given.get(name, item.get("DefaultValue")))
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        allowed = item.get("EnumValues")
        if allowed and values[name] not in allowed:
            problems.append(f"{name}: {values[name]!r} is not one of {allowed}")
    if problems:
        raise RunnerError(
            "Pipeline parameters:\n  " + "\n  ".join(sorted(problems)),
            next_step=f"Give --parameter NAME=VALUE; this pipeline has: {', '.join(declared)}.",
        )
    return values


def _typed(kind: str, value: Any) -> Any:
    result: Any = value
    if kind != "String" and isinstance(value, str):
        try:
            result = json.loads(value.lower() if kind == "Boolean" else value)
        except ValueError:
            raise ValueError(f"{value!r} is not of type {kind}") from None
    if kind not in _TYPES:
        raise ValueError(f"unknown type {kind}")
    fits = isinstance(result, _TYPES[kind]) and (kind == "Boolean" or not isinstance(result, bool))
    if not fits:
        raise ValueError(f"{value!r} is not of type {kind}")
    return float(result) if kind == "Float" else result


def walk(value: Any, path: str, *, where: str) -> Any:
    """Follow `a.b['c'][0]` into nested mappings and lists."""
    for index, single, double, name in _TOKEN.findall(path.removeprefix("$")):
        key: str | int = int(index) if index else single or double or name
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            has = sorted(map(str, value)) if isinstance(value, dict) else type(value).__name__
            raise RunnerError(f"{where}: nothing at {key!r} of {path!r}; there is {has}") from None
    return value


def references(value: Any) -> Iterator[str]:
    """Names of the steps whose properties or property files `value` refers to."""
    if isinstance(value, dict):
        target = value.get("Get")
        if isinstance(target, str) and target.startswith("Steps."):
            yield target.split(".")[1]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


@dataclass(kw_only=True)
class Scope:
    """What expressions can see.

    Attributes:
        parameters: pipeline parameters.
        execution: execution variables, such as PipelineExecutionId.
        read: returns the bytes behind an S3 URI.
        properties: per step that has run, what its Describe call would answer.
        property_files: (step, property file) to (output name, path in that output).
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, Any]
    read: Callable[[str], bytes]
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    property_files: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def evaluate(self, value: Any) -> Any:
        """Resolve every expression in `value`.

        Raises:
            UnresolvedError: it needs a step that has not run.
            RunnerError: it refers to something that does not exist.
        """
        if isinstance(value, list):
            return [self.evaluate(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, body), *_ = value.items()
            if name == "Get":
                return self._get(body)
            if name == "Std:Join":
                parts = [self.evaluate(part) for part in body["Values"]]
                return str(self.evaluate(body["On"])).join(map(_text, parts))
            if name == "Std:JsonGet":
                return self._json_get(body)
            if name.startswith("Std:"):
                raise RunnerError(f"{name}: a function this runner does not know")
        return {key: self.evaluate(item) for key, item in value.items()}

    def literal(self, value: Any) -> Any:
        """The value of an expression that needs no step and no data, else None."""

        def unread(uri: str) -> bytes:
            raise UnresolvedError(f"{uri}: not read before the run")

        try:
            return replace(self, read=unread).evaluate(value)
        except UnresolvedError:
            return None

    def _step(self, name: str, target: str) -> dict[str, Any]:
        if name not in self.properties:
            raise UnresolvedError(f"{target}: step {name!r} has not run")
        return self.properties[name]

    def _get(self, target: str) -> Any:
        root, _, rest = target.partition(".")
        if root == "Steps":
            name, _, path = rest.partition(".")
            return walk(self._step(name, target), path, where=target)
        tables = {"Parameters": self.parameters, "Execution": self.execution}
        if rest not in tables.get(root, {}):
            raise RunnerError(f"{target}: no such parameter, variable or step")
        return tables[root][rest]

    def _json_get(self, body: Mapping[str, Any]) -> Any:
        if "PropertyFile" in body:
            _, step, _, name = body["PropertyFile"]["Get"].split(".", 3)
            outputs = self._step(step, f"property file {name!r}")
            if (step, name) not in self.property_files:
                raise RunnerError(f"step {step!r} declares no property file {name!r}")
            output, path = self.property_files[step, name]
            where = f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"
            uri = f"{walk(outputs, where, where=step).rstrip('/')}/{path}"
        else:
            uri = self.evaluate(body["S3Uri"])
        try:
            document = json.loads(self.read(uri))
        except ValueError as error:
            raise RunnerError(f"{uri}: not JSON ({error})") from None
        return walk(document, self.evaluate(body["Path"]), where=uri)

    def holds(self, condition: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether a condition holds, and the comparison in words."""
        kind = condition["Type"]
        if kind in {"Or", "And"}:
            results = [self.holds(item) for item in condition["Conditions"]]
            verdict = (any if kind == "Or" else all)(result for result, _ in results)
            return verdict, "(" + f" {kind.lower()} ".join(words for _, words in results) + ")"
        if kind == "Not":
            result, words = self.holds(condition.get("Condition") or condition["Expression"])
            return not result, f"not {words}"
        if kind == "In":
            value, values = self.evaluate(condition["QueryValue"]), condition["Values"]
            return value in (options := self.evaluate(values)), f"{value!r} in {options}"
        if kind not in _COMPARE:
            raise RunnerError(f"Condition type {kind!r}: this runner does not know it")
        left, right = self.evaluate(condition["LeftValue"]), self.evaluate(condition["RightValue"])
        try:
            return _COMPARE[kind](left, right), f"{left!r} {kind} {right!r}"
        except TypeError:
            raise RunnerError(f"Condition {left!r} {kind} {right!r}: types differ") from None


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)
