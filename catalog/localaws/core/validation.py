"""Checks of inputs and outputs against botocore's models, as strict as AWS's own front ends."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, cast

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from catalog.localaws.core.service import ServiceError

_NUMBERS = ("integer", "long", "float", "double", "short", "byte", "bigdecimal")
# Java's Unicode classes, as far as AWS's patterns use them; Python's `re` has none.
_CLASSES = {
    r"\p{L}": "A-Za-z\u00aa-\u024f\u0370-\u1fff\u3040-\ud7ff",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{N}": "0-9\u0660-\u0669\u06f0-\u06f9",
    r"\p{M}": "\u0300-\u036f",
    r"\p{S}": "$+<=>^`|~\u00a2-\u00a9\u20a0-\u20bf\u2100-\u214f",
    r"\p{P}": "!-#%-*,-/:;?@\\[-\\]_{}\u00a1\u00a7\u00ab\u00bb\u2010-\u2027\u2030-\u205e",
    r"\p{Alnum}": "A-Za-z0-9",
    r"\p{IsLetter}": "A-Za-z\u00aa-\u024f\u0370-\u1fff\u3040-\ud7ff",
    r"\p{IsDigit}": "0-9",
    r"\p{Print}": " -~",
    r"\p{Graph}": "!-~",
    r"\p{ASCII}": "\x00-\x7f",
}


class OutputMismatch(AssertionError):
    """A service's answer that AWS could not have given."""


def check_input(operation: OperationModel, params: Mapping[str, Any], *, code: str) -> None:
    """Check an input.

    Args:
        operation: whose input it is.
        params: as parsed from the wire.
        code: the error code this service answers invalid input with.

    Raises:
        ServiceError: `code`, with every violation in AWS's words.
    """
    shape = operation.input_shape
    if shape is None:
        return
    problems = list(_input_problems(shape, params, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise ServiceError(
            code, f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}"
        )


def check_output(
    operation: OperationModel,
    result: Mapping[str, Any],
    *,
    extra_enum_values: Mapping[str, frozenset[str]],
) -> None:
    """Check an output.

    Raises:
        OutputMismatch: unknown or missing members, wrong types, values outside an enum.
    """
    shape = operation.output_shape
    if shape is None:
        problems = [f"{operation.name} returns nothing, got {sorted(result)}"] if result else []
    else:
        problems = list(_output_problems(shape, result, operation.name, extra_enum_values))
    if problems:
        raise OutputMismatch("; ".join(problems))


def _members(shape: Shape) -> Mapping[str, Shape]:
    return cast("StructureShape", shape).members


def _input_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    check = _INPUT_CHECKS.get(shape.type_name)
    return check(shape, value, path) if check else iter(())


def _structure_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield _violation(value, path, "Member must be an object")
        return
    for name in getattr(shape, "required_members", []):
        if name not in value:
            yield _violation(None, _join(path, name), "Member must not be null")
    for name, member in _members(shape).items():
        if name in value:
            yield from _input_problems(member, value[name], _join(path, name))


def _list_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _size_problems(shape, value, path)
    for number, item in enumerate(value, start=1):
        yield from _input_problems(cast("ListShape", shape).member, item, f"{path}.{number}.member")


def _map_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _size_problems(shape, value, path)
    for key, item in value.items():
        yield from _input_problems(cast("MapShape", shape).key, key, path)
        yield from _input_problems(cast("MapShape", shape).value, item, f"{path}.{key}.member")


def _boolean_problems(_: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield _violation(value, path, "Member must be a boolean")


def _string_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield _violation(value, path, "Member must be a string")
        return
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
        return
    yield from _size_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compile(pattern)) and not compiled.fullmatch(value):
        yield _violation(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _size_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        yield _violation(value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        yield _violation(value, path, f"Member must have length less than or equal to {high}")


def _number_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield _violation(value, path, "Member must be a number")
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < float(low):
        yield _violation(value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > float(high):
        yield _violation(value, path, f"Member must have value less than or equal to {high}")


_INPUT_CHECKS: Mapping[str, Callable[[Shape, Any, str], Iterator[str]]] = {
    "structure": _structure_problems,
    "list": _list_problems,
    "map": _map_problems,
    "string": _string_problems,
    "blob": _size_problems,
    "boolean": _boolean_problems,
    **dict.fromkeys(_NUMBERS, _number_problems),
}


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """Translate a Java pattern; None for the few that Python cannot express."""
    for java, python in _CLASSES.items():
        pattern = pattern.replace(f"[{java}]", f"[{python}]").replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None


Extra = Mapping[str, frozenset[str]]


def _output_problems(shape: Shape, value: Any, path: str, extra: Extra) -> Iterator[str]:
    if value is None:
        yield f"{path} is None; leave the member out instead"
        return
    check = _OUTPUT_CHECKS.get(shape.type_name, _scalar_problems)
    expected = _CONTAINERS.get(shape.type_name, (object,))
    if isinstance(value, expected) or getattr(shape, "is_document_type", False):
        yield from check(shape, value, path, extra)
    else:
        yield f"{path} must be a {shape.type_name}, got {value!r}"


def _output_structure(shape: Shape, value: Any, path: str, extra: Extra) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    members = _members(shape)
    for name in value.keys() - members.keys():
        yield f"{path}.{name} is not in botocore's model"
    for name in getattr(shape, "required_members", []):
        if name not in value:
            yield f"{path}.{name} is required and missing"
    for name in value.keys() & members.keys():
        yield from _output_problems(members[name], value[name], f"{path}.{name}", extra)


def _output_list(shape: Shape, value: Any, path: str, extra: Extra) -> Iterator[str]:
    for number, item in enumerate(value):
        member = cast("ListShape", shape).member
        yield from _output_problems(member, item, f"{path}[{number}]", extra)


def _output_map(shape: Shape, value: Any, path: str, extra: Extra) -> Iterator[str]:
    for key, item in value.items():
        yield from _output_problems(cast("MapShape", shape).value, item, f"{path}[{key}]", extra)


def _scalar_problems(shape: Shape, value: Any, path: str, extra: Extra) -> Iterator[str]:
    kind = shape.type_name
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "blob": (bytes, str),
        "timestamp": (datetime, date, int, float, str),
        "boolean": (bool,),
    }
    expected = types.get(kind, (int, float) if kind in _NUMBERS else (object,))
    if not isinstance(value, expected) or (kind in _NUMBERS and isinstance(value, bool)):
        yield f"{path} must be a {kind}, got {value!r}"
        return
    enum = getattr(shape, "enum", None)
    if enum and value not in enum and value not in extra.get(shape.name, frozenset()):
        yield f"{path} is {value!r}, not one of {', '.join(enum)}"


_CONTAINERS: Mapping[str, tuple[type, ...]] = {
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (list, tuple),
}
_OUTPUT_CHECKS: Mapping[str, Callable[[Shape, Any, str, Extra], Iterator[str]]] = {
    "structure": _output_structure,
    "list": _output_list,
    "map": _output_map,
}
