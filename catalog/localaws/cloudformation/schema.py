"""Resource schemas: which properties a type has, what they look like, which ones replace it.

The files in `schemas/` are derived from the schemas that AWS publishes for its resource types, by
`scripts/refresh_resource_schemas.py`. Messages are those of CloudFormation's own schema validation,
for example `#/Environment: required key [Image] not found`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "schemas"

_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
}


class Unresolved:
    """Stands for a value that is known only once the stack runs; it satisfies every schema."""


UNRESOLVED = Unresolved()


def schema_path(type_name: str) -> Path:
    """Return the file of a resource type's schema."""
    return SCHEMAS / (type_name.lower().replace("::", "-") + ".json")


class ResourceSchema:
    """One resource type's schema.

    Args:
        document: the JSON schema as AWS publishes it, reduced to what is evaluated here.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.type_name: str = document["typeName"]

    @property
    def read_only(self) -> set[str]:
        """Attributes that `Fn::GetAtt` can return and a template cannot set, dotted."""
        return {_dotted(path) for path in self.document.get("readOnlyProperties", ())}

    @property
    def create_only(self) -> set[str]:
        """Properties whose change replaces the resource, dotted."""
        return {_dotted(path) for path in self.document.get("createOnlyProperties", ())}

    @property
    def conditional_create_only(self) -> set[str]:
        """Properties whose change may replace the resource, dotted."""
        return {_dotted(path) for path in self.document.get("conditionalCreateOnlyProperties", ())}

    def problems(self, properties: Mapping[str, Any]) -> list[str]:
        """Return every way in which `properties` breaks the schema, in AWS's words."""
        found: list[str] = []
        given_read_only = sorted(self.read_only & (set(properties) - self._settable()))
        found += [f"#: extraneous key [{name}] is not permitted" for name in given_read_only]
        known = {k: v for k, v in properties.items() if k not in given_read_only}
        found += self._check(self.document, known, "#")
        return list(dict.fromkeys(found))

    def _settable(self) -> set[str]:
        return {name for name in self.document.get("properties", {}) if name not in self.read_only}

    def coerce(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return `properties` with strings turned into the numbers and booleans the schema wants.

        Templates and parameters carry numbers as strings; CloudFormation accepts both.
        """
        result = self._coerce(self.document, dict(properties))
        assert isinstance(result, dict)  # noqa: S101 - an object stays an object
        return result

    def _deref(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        seen = 0
        while "$ref" in node and seen < 16:
            name = str(node["$ref"])
            target: Any = self.document
            for part in name.removeprefix("#/").split("/"):
                target = target.get(part, {})
            node = target
            seen += 1
        return node

    def _coerce(self, node: Mapping[str, Any], value: Any) -> Any:
        node = self._deref(node)
        if isinstance(value, Unresolved):
            return value
        kinds = _kinds(node)
        if isinstance(value, dict):
            return {k: self._coerce(self._child(node, k), v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._coerce(node.get("items", {}), item) for item in value]
        return _scalar(value, kinds)

    def _child(self, node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        if key in node.get("properties", {}):
            child: Mapping[str, Any] = node["properties"][key]
            return child
        for pattern, child in node.get("patternProperties", {}).items():
            if re.search(pattern, key):
                return dict(child)
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            option_node = self._deref(option)
            if key in option_node.get("properties", {}):
                return dict(option_node["properties"][key])
        extra = node.get("additionalProperties")
        return extra if isinstance(extra, dict) else {}

    def _check(self, node: Mapping[str, Any], value: Any, where: str) -> list[str]:
        if isinstance(value, Unresolved):
            return []
        node = self._deref(node)
        kinds = _kinds(node)
        value = _scalar(value, kinds)
        if kinds and not any(_is(kind, value) for kind in kinds):
            wanted = ", ".join(_NAMES.get(kind, kind) for kind in kinds)
            return [f"{where}: expected type: {wanted}, found: {_found(value)}"]
        found = list(self._check_alternatives(node, value, where))
        if isinstance(value, dict):
            found += self._check_object(node, value, where)
        elif isinstance(value, list):
            found += self._check_list(node, value, where)
        else:
            found += _check_scalar(node, value, where)
        return found

    def _check_alternatives(self, node: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        for keyword in ("anyOf", "oneOf"):
            options = node.get(keyword)
            if not options:
                continue
            tried = [self._check(option, value, where) for option in options]
            passed = sum(not problems for problems in tried)
            if passed == 0:
                yield f"{where}: #: no subschema matched out of the total {len(options)} subschemas"

    def _check_object(
        self, node: Mapping[str, Any], value: dict[str, Any], where: str
    ) -> Iterator[str]:
        properties = node.get("properties", {})
        closed = node.get("additionalProperties") is False
        for name in node.get("required", ()):
            if name not in value:
                yield f"{where}: required key [{name}] not found"
        for keyword, least in (("requiredXor", 1), ("requiredOr", 1)):
            names = node.get(keyword)
            if names and sum(name in value for name in names) < least:
                yield f"{where}: one of the keys {sorted(names)} is required"
        names = node.get("requiredXor")
        if names and sum(name in value for name in names) > 1:
            yield f"{where}: only one of the keys {sorted(names)} is permitted"
        for key, item in value.items():
            matched = key in properties or any(
                re.search(pattern, key) for pattern in node.get("patternProperties", {})
            )
            if closed and not matched:
                yield f"{where}: extraneous key [{key}] is not permitted"
            else:
                yield from self._check(self._child(node, key), item, f"{where}/{key}")

    def _check_list(self, node: Mapping[str, Any], value: list[Any], where: str) -> Iterator[str]:
        if len(value) < node.get("minItems", 0):
            yield f"{where}: expected minimum item count: {node['minItems']}, found: {len(value)}"
        if len(value) > node.get("maxItems", len(value)):
            yield f"{where}: expected maximum item count: {node['maxItems']}, found: {len(value)}"
        for index, item in enumerate(value):
            yield from self._check(node.get("items", {}), item, f"{where}/{index}")


def _kinds(node: Mapping[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _scalar(value: Any, kinds: list[str]) -> Any:
    """Return a scalar as the first kind of `kinds` that it can stand for."""
    if isinstance(value, (dict, list)) or ("string" in kinds and isinstance(value, str)):
        return value
    for kind in ("boolean", "integer", "number", "string"):
        if kind in kinds and not _is(kind, value):
            converted = _CONVERSIONS[kind](value)
            if converted is not None:
                return converted
        elif kind in kinds:
            return value
    return value


def _to_boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower()) if value is not None else None


def _to_integer(value: Any) -> int | None:
    text = value if isinstance(value, str) else ""
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else None


def _to_number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _to_string(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": _to_boolean,
    "integer": _to_integer,
    "number": _to_number,
    "string": _to_string,
}

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return kind not in _TYPES or isinstance(value, _TYPES[kind])


def _found(value: Any) -> str:
    for kind in ("boolean", "integer", "number", "string", "array", "object"):
        if _is(kind, value):
            return _NAMES[kind]
    return "Null"


def _check_scalar(node: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    if "enum" in node and value not in node["enum"]:
        yield f"{where}: #: {value} is not a valid enum value"
    if "const" in node and value != node["const"]:
        yield f"{where}: #: {value} is not a valid enum value"
    if isinstance(value, str):
        if len(value) < node.get("minLength", 0):
            yield f"{where}: expected minLength: {node['minLength']}, actual: {len(value)}"
        if len(value) > node.get("maxLength", len(value)):
            yield f"{where}: expected maxLength: {node['maxLength']}, actual: {len(value)}"
        if "pattern" in node and not re.search(node["pattern"], value):
            yield f"{where}: string [{value}] does not match pattern {node['pattern']}"
    elif isinstance(value, (int, float)):
        if value < node.get("minimum", value):
            yield f"{where}: {value} is not greater or equal to {node['minimum']}"
        if value > node.get("maximum", value):
            yield f"{where}: {value} is not less or equal to {node['maximum']}"


def _dotted(pointer: str) -> str:
    return ".".join(part for part in pointer.split("/")[2:] if part != "*")


@cache
def load_schema(type_name: str) -> ResourceSchema:
    """Return the schema of a supported resource type.

    Raises:
        KeyError: for a type without a schema.
    """
    path = schema_path(type_name)
    if not path.exists():
        raise KeyError(type_name)
    return ResourceSchema(json.loads(path.read_text("utf-8")))
