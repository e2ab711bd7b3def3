"""The `Condition` block of a policy statement.

Semantics as in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html:
every operator and every key must hold; of several values one suffices, except for negated
operators, where none may match; a missing key fails a positive operator and satisfies a negated
one; `...IfExists` is satisfied by a missing key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from catalog.localaws.core.authorization.wildcards import (
    Context,
    arn_matches,
    fill,
    matches_filled,
)

Compare = Callable[[str, str, Context], bool]


class UnknownOperatorError(ValueError):
    """A condition operator that IAM does not have."""


def _text(wanted: str, actual: str, context: Context) -> bool:
    return fill(wanted, context) == actual


def _text_any_case(wanted: str, actual: str, context: Context) -> bool:
    filled = fill(wanted, context)
    return filled is not None and filled.lower() == actual.lower()


def _like(wanted: str, actual: str, context: Context) -> bool:
    return matches_filled(wanted, actual, context)


def _arn(wanted: str, actual: str, context: Context) -> bool:
    return arn_matches(wanted, actual, context=context)


def _boolean(wanted: str, actual: str, _: Context) -> bool:
    return wanted.lower() == actual.lower()


def _numeric(test: Callable[[float, float], bool]) -> Compare:
    def compare(wanted: str, actual: str, _: Context) -> bool:
        try:
            return test(float(actual), float(wanted))
        except ValueError:
            return False

    return compare


def _date(test: Callable[[datetime, datetime], bool]) -> Compare:
    def compare(wanted: str, actual: str, _: Context) -> bool:
        return test(_moment(actual), _moment(wanted))

    return compare


def _moment(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit():
        return datetime.fromtimestamp(float(text), tz=UTC)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ip(wanted: str, actual: str, _: Context) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)


# Operator -> (comparison, whether it is negated).
OPERATORS: Mapping[str, tuple[Compare, bool]] = {
    "stringequals": (_text, False),
    "stringnotequals": (_text, True),
    "stringequalsignorecase": (_text_any_case, False),
    "stringnotequalsignorecase": (_text_any_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn, False),
    "arnlike": (_arn, False),
    "arnnotequals": (_arn, True),
    "arnnotlike": (_arn, True),
    "bool": (_boolean, False),
    "binaryequals": (_text, False),
    "numericequals": (_numeric(lambda a, w: a == w), False),
    "numericnotequals": (_numeric(lambda a, w: a == w), True),
    "numericlessthan": (_numeric(lambda a, w: a < w), False),
    "numericlessthanequals": (_numeric(lambda a, w: a <= w), False),
    "numericgreaterthan": (_numeric(lambda a, w: a > w), False),
    "numericgreaterthanequals": (_numeric(lambda a, w: a >= w), False),
    "dateequals": (_date(lambda a, w: a == w), False),
    "datenotequals": (_date(lambda a, w: a == w), True),
    "datelessthan": (_date(lambda a, w: a < w), False),
    "datelessthanequals": (_date(lambda a, w: a <= w), False),
    "dategreaterthan": (_date(lambda a, w: a > w), False),
    "dategreaterthanequals": (_date(lambda a, w: a >= w), False),
    "ipaddress": (_ip, False),
    "notipaddress": (_ip, True),
}


def holds(conditions: Mapping[str, Mapping[str, object]], context: Context) -> bool:
    """Tell whether every condition holds for a request.

    Args:
        conditions: the `Condition` block.
        context: the request's condition keys, in lower case.

    Raises:
        UnknownOperatorError: for an operator that IAM does not have.
    """
    return all(
        _one_holds(operator, key, values_of(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def values_of(value: object) -> tuple[str, ...]:
    """Return a policy's value or list of values as text; JSON booleans as IAM spells them."""
    items: Sequence[object] = value if isinstance(value, list | tuple) else (value,)
    return tuple(
        ("true" if item else "false") if isinstance(item, bool) else str(item) for item in items
    )


def _one_holds(operator: str, key: str, wanted: tuple[str, ...], context: Context) -> bool:
    name = operator.lower()
    qualifier, _, bare = name.rpartition(":")
    if_exists = bare.endswith("ifexists")
    bare = bare.removesuffix("ifexists")
    actual = context.get(key.lower())
    if bare == "null":
        return (actual is None) == (wanted[0].lower() == "true")
    if bare not in OPERATORS or qualifier not in ("", "forallvalues", "foranyvalue"):
        raise UnknownOperatorError(f"{operator!r} is not a condition operator of IAM.")
    compare, negated = OPERATORS[bare]
    present = () if actual is None else (actual,) if isinstance(actual, str) else actual

    def passes(value: str) -> bool:
        return any(compare(w, value, context) for w in wanted) is not negated

    if qualifier == "forallvalues":
        return all(passes(value) for value in present)
    if actual is None:
        return if_exists or (negated and not qualifier)
    every = negated and not qualifier
    return all(map(passes, present)) if every else any(map(passes, present))
