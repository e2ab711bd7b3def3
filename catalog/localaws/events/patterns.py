"""Event patterns: whether one is valid, and whether an event matches it.

Source: "Event patterns" and "Comparison operators" in the EventBridge User Guide.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from catalog.localaws.core.service import ServiceError

_MISSING = object()
_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def invalid(reason: str) -> ServiceError:
    """Return the error for a pattern that EventBridge refuses."""
    return ServiceError(
        "InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}"
    )


def parse_pattern(text: str) -> dict[str, Any]:
    """Return a pattern that can be matched.

    Raises:
        ServiceError: `InvalidEventPatternException`.
    """
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise invalid(f"Filter is not valid JSON: {error}") from None
    if not isinstance(pattern, dict):
        raise invalid("Filter is not an object")
    _check(pattern)
    return pattern


def _check(pattern: Mapping[str, Any]) -> None:
    if not pattern:
        raise invalid("Empty objects are not allowed")
    for key, value in pattern.items():
        if key == "$or":
            _check_alternatives(value)
        elif isinstance(value, dict):
            _check(value)
        elif isinstance(value, list):
            if not value:
                raise invalid("Empty arrays are not allowed")
            for item in value:
                _check_matcher(item)
        else:
            raise invalid(f'"{key}" must be an object or an array')


def _check_alternatives(options: Any) -> None:
    if not isinstance(options, list) or len(options) < 2:
        raise invalid("There must have at least 2 Objects in $or relationship.")
    for option in options:
        if not isinstance(option, dict):
            raise invalid("Only JSON object is allowed in array of $or relationship.")
        _check(option)


def _check_matcher(item: Any) -> None:
    if isinstance(item, list):
        raise invalid("Arrays are not allowed within arrays")
    if not isinstance(item, dict):
        return
    if len(item) != 1:
        raise invalid("Only one key allowed in match expression")
    [(name, argument)] = item.items()
    if name not in _MATCHERS:
        raise invalid(f"Unrecognized match type {name}")
    if name == "exists" and not isinstance(argument, bool):
        raise invalid("exists match pattern must be either true or false.")
    if name == "numeric" and not _is_numeric(argument):
        raise invalid("Invalid numeric match: operators and numbers must alternate")
    nested = list(argument) if name == "anything-but" and isinstance(argument, dict) else None
    if nested is not None and (len(nested) != 1 or nested[0] not in _TEXT_MATCHERS):
        raise invalid("Unsupported anything-but pattern")


def _is_numeric(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) in (2, 4)
        and all(isinstance(name, str) and name in _NUMERIC for name in argument[::2])
        and all(_is_number(number) for number in argument[1::2])
    )


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Return whether an event (or a part of one) matches a pattern (or the same part of it)."""
    if not isinstance(event, dict):
        event = {}
    for key, wanted in pattern.items():
        if key == "$or":
            if not any(matches(option, event) for option in wanted):
                return False
            continue
        actual = event.get(key, _MISSING)
        if isinstance(wanted, dict):
            parts = actual if isinstance(actual, list) else [actual]
            if not any(matches(wanted, part) for part in parts):
                return False
        elif not _leaf(wanted, actual):
            return False
    return True


def _leaf(matchers: Sequence[Any], actual: Any) -> bool:
    return any(_one(matcher, actual) for matcher in matchers)


def _one(matcher: Any, actual: Any) -> bool:
    if isinstance(matcher, dict):
        [(name, argument)] = matcher.items()
        if name == "exists":
            present = actual is not _MISSING and not isinstance(actual, dict)
            return present is bool(argument)
        if actual is _MISSING:
            return False
        if name == "anything-but" and isinstance(actual, list):
            return bool(actual) and all(_anything_but(argument, item) for item in actual)
        test = _MATCHERS[name]
        return any(test(argument, item) for item in _items(actual))
    if actual is _MISSING:
        return False
    return any(_same(matcher, item) for item in _items(actual))


def _items(actual: Any) -> list[Any]:
    return actual if isinstance(actual, list) else [actual]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same(wanted: Any, actual: Any) -> bool:
    if _is_number(wanted) and _is_number(actual):
        return float(wanted) == float(actual)
    return type(wanted) is type(actual) and bool(wanted == actual)


def _prefix(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict):
        text = str(wanted["equals-ignore-case"]).lower()
        return isinstance(actual, str) and actual.lower().startswith(text)
    return isinstance(actual, str) and actual.startswith(wanted)


def _suffix(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict):
        text = str(wanted["equals-ignore-case"]).lower()
        return isinstance(actual, str) and actual.lower().endswith(text)
    return isinstance(actual, str) and actual.endswith(wanted)


def _ignoring_case(wanted: Any, actual: Any) -> bool:
    return isinstance(actual, str) and actual.lower() == str(wanted).lower()


def _wildcard(wanted: Any, actual: Any) -> bool:
    parts = re.split(r"(\\.|\*)", wanted)
    expression = "".join(
        ".*" if part == "*" else re.escape(part[1:] if part.startswith("\\") else part)
        for part in parts
    )
    return isinstance(actual, str) and re.fullmatch(expression, actual, re.DOTALL) is not None


def _numeric(wanted: Sequence[Any], actual: Any) -> bool:
    return _is_number(actual) and all(
        _NUMERIC[name](float(actual), float(number))
        for name, number in zip(wanted[::2], wanted[1::2], strict=True)
    )


def _cidr(wanted: str, actual: Any) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _anything_but(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict):
        [(name, argument)] = wanted.items()
        options = argument if isinstance(argument, list) else [argument]
        return not any(_TEXT_MATCHERS[name](option, actual) for option in options)
    options = wanted if isinstance(wanted, list) else [wanted]
    return not any(_same(option, actual) for option in options)


_TEXT_MATCHERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
}
_MATCHERS: Mapping[str, Callable[[Any, Any], bool]] = {
    **_TEXT_MATCHERS,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
    "exists": lambda wanted, actual: bool(wanted) is (actual is not _MISSING),
}
