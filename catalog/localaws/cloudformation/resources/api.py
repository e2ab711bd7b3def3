"""From CloudFormation properties to the request of an API operation, along botocore's model."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, MapShape, Shape, StructureShape

from catalog.localaws.cloudformation.resources.base import HandlerError


def to_request(
    client: Any,
    operation: str,
    properties: Mapping[str, Any],
    *,
    rename: Mapping[str, str] | None = None,
    omit: Collection[str] = (),
) -> dict[str, Any]:
    """Return the input of `operation` made of `properties`.

    Names are matched without regard to case, as CloudFormation's begin with a capital and some
    services' do not, at every depth.

    Args:
        client: a boto3 client of the service.
        operation: in API form, `CreateProject`.
        properties: resolved and coerced.
        rename: property name (at any depth) to member name, where they differ.
        omit: top-level properties that the caller passes on by other calls.

    Raises:
        HandlerError: for a property that the operation has no member for: it would be lost.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    given = {key: value for key, value in properties.items() if key not in omit}
    result = _convert(shape, given, rename or {}, operation)
    assert isinstance(result, dict)  # noqa: S101 - inputs are structures
    return result


def call(client: Any, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Call an operation by its API name."""
    response: dict[str, Any] = getattr(client, xform_name(operation))(**request)
    return response


def _convert(shape: Shape, value: Any, rename: Mapping[str, str], where: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(shape, value, rename, where)
    if isinstance(shape, ListShape):
        items = value if isinstance(value, list) else [value]
        return [_convert(shape.member, item, rename, where) for item in items]
    if isinstance(shape, MapShape):
        return {k: _convert(shape.value, item, rename, f"{where}.{k}") for k, item in value.items()}
    return _scalar(shape, value)


def _structure(
    shape: StructureShape, value: Any, rename: Mapping[str, str], where: str
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise HandlerError(f"{where} takes an object, not {value!r}.")
    members = {name.lower(): name for name in shape.members}
    result = {}
    for key, item in value.items():
        name = rename.get(key, key)
        name = name if name in shape.members else members.get(name.lower(), "")
        if not name:
            raise HandlerError(f"{where} has no member for the property {key}.")
        result[name] = _convert(shape.members[name], item, rename, f"{where}.{name}")
    return result


def _scalar(shape: Shape, value: Any) -> Any:
    convert = _SCALARS.get(shape.type_name)
    return value if convert is None else convert(value)


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda value: value in (True, "true", "True"),
    "blob": lambda value: value.encode() if isinstance(value, str) else value,
}


def policy_text(document: Any) -> str:
    """Return a policy document as the JSON text that APIs take."""
    return document if isinstance(document, str) else json.dumps(document)
