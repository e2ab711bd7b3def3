"""Derive the resource schemas of the local AWS CloudFormation from those AWS publishes.

AWS publishes one JSON schema per CloudFormation resource type; cfn-lint, a development dependency,
carries them. This keeps what the engine needs (names, types, bounds, required and create-only
properties, read-only attributes) of the types it emulates and drops the prose.

Run `python scripts/refresh_resource_schemas.py` after an upgrade of cfn-lint or for a new type;
with `--check` it only says whether the files are current.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from catalog.localaws.cloudformation.resources import RESOURCE_TYPES
from catalog.localaws.cloudformation.schema import SCHEMAS, schema_path

_KEYWORDS = (
    "$ref", "additionalProperties", "anyOf", "const", "enum", "items", "maxItems", "maxLength",
    "maximum", "minItems", "minLength", "minimum", "oneOf", "pattern", "patternProperties",
    "properties", "required", "requiredXor", "requiredOr", "type", "uniqueItems",
)  # fmt: skip
_TYPE_KEYWORDS = (
    "typeName",
    "createOnlyProperties",
    "conditionalCreateOnlyProperties",
    "readOnlyProperties",
    "writeOnlyProperties",
    "primaryIdentifier",
)
_NAMED = ("properties", "patternProperties", "definitions")


def minimise(node: Any) -> Any:
    """Return a schema without prose, formats and rules that Python cannot evaluate."""
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key in _KEYWORDS:
        if key not in node:
            continue
        value = node[key]
        if key == "patternProperties":
            # A pattern that Python cannot evaluate lets every name pass.
            named = {name if _compiles(name) else "": child for name, child in value.items()}
            result[key] = {name: minimise(child) for name, child in sorted(named.items())}
        elif key in _NAMED:
            result[key] = {name: minimise(child) for name, child in sorted(value.items())}
        elif key in ("anyOf", "oneOf"):
            result[key] = [minimise(child) for child in value]
        elif key == "items":
            result[key] = minimise(value)
        elif key == "pattern" and not _compiles(value):
            continue
        else:
            result[key] = value
    return result


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def derive(type_name: str) -> str:
    """Return the text of one type's schema file."""
    source = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    schema = minimise(source)
    for key in _TYPE_KEYWORDS:
        if source.get(key):
            schema[key] = source[key]
    tagging = source.get("tagging", {})
    if tagging.get("tagProperty"):
        schema["tagProperty"] = tagging["tagProperty"].rsplit("/", 1)[-1]
    definitions = {
        name: minimise(child) for name, child in sorted(source.get("definitions", {}).items())
    }
    schema["definitions"] = _reachable(schema, definitions)
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def _reachable(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    queue = [json.dumps(schema)]
    while queue:
        for name in re.findall(r'"#/definitions/([^"/]+)"', queue.pop()):
            if name not in found and name in definitions:
                found[name] = definitions[name]
                queue.append(json.dumps(definitions[name]))
    return dict(sorted(found.items()))


def main() -> int:
    """Write, or with `--check` compare, every schema file; return 1 when one differs."""
    check = "--check" in sys.argv[1:]
    wanted = {schema_path(name): derive(name) for name in sorted(RESOURCE_TYPES)}
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    extra = [p for p in Path(SCHEMAS).glob("*.json") if p not in wanted]
    if not check:
        for path in stale:
            path.write_text(wanted[path], "utf-8")
        for path in extra:
            path.unlink()
    for path in [*stale, *extra]:
        print(("differs: " if check else "written: ") + path.name)
    return 1 if check and (stale or extra) else 0


if __name__ == "__main__":
    sys.exit(main())
