"""Intrinsic functions, conditions and dynamic references.

One resolver serves three moments: validation (resources are unknown: `UNRESOLVED`), change sets
(some resources are known) and the run itself (everything is).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from catalog.localaws.cloudformation.schema import UNRESOLVED, Unresolved
from catalog.localaws.cloudformation.template import Template, validation_error

PSEUDO_PARAMETERS = (
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)
_CONDITION_FUNCTIONS = {"Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition"}
_SUB = re.compile(r"\$\{([^!{}][^{}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([^:{}]+):([^{}]+)\}\}")


class NoValue:
    """The value of `AWS::NoValue`: whatever holds it is dropped."""


NO_VALUE = NoValue()


class Lookup(Protocol):
    """What a resolver asks about resources and the world outside the template."""

    def ref(self, logical_id: str) -> Any:
        """Return what `Ref` gives for a resource."""

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Return an attribute of a resource."""

    def import_value(self, name: str) -> Any:
        """Return the value of an export."""

    def dynamic(self, service: str, reference: str) -> Any:
        """Return the value of `{{resolve:service:reference}}`."""


class UnknownResources:
    """The lookup of validation: every resource exists, none has a value yet."""

    def ref(self, logical_id: str) -> Any:
        """Return the placeholder."""
        del logical_id
        return UNRESOLVED

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Return the placeholder."""
        del logical_id, attribute
        return UNRESOLVED

    def import_value(self, name: str) -> Any:
        """Return the placeholder."""
        del name
        return UNRESOLVED

    def dynamic(self, service: str, reference: str) -> Any:
        """Return the placeholder."""
        del service, reference
        return UNRESOLVED


@dataclass(kw_only=True)
class Resolver:
    """Evaluates a template's expressions.

    Attributes:
        parameters: values after SSM parameters were looked up; lists for list types.
        pseudo: values of the pseudo parameters.
        lookup: answers for resources, exports and dynamic references.
    """

    template: Template
    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    lookup: Lookup
    _conditions: dict[str, bool] = field(default_factory=dict)
    _evaluating: list[str] = field(default_factory=list)

    def condition(self, name: str) -> bool:
        """Return the value of a named condition."""
        if name not in self._conditions:
            if name not in self.template.conditions:
                raise validation_error(
                    f"Template format error: Unresolved condition dependency {name} in the "
                    "Conditions block of the template"
                )
            if name in self._evaluating:
                raise validation_error(
                    "Template format error: Circular dependencies for conditions: "
                    f"[{', '.join(sorted(self._evaluating))}]"
                )
            self._evaluating.append(name)
            try:
                self._conditions[name] = self.truth(self.template.conditions[name])
            finally:
                self._evaluating.pop()
        return self._conditions[name]

    def truth(self, expression: Any) -> bool:
        """Return the value of a condition expression."""
        if isinstance(expression, bool):
            return expression
        if not isinstance(expression, dict) or len(expression) != 1:
            raise validation_error(
                "Template format error: Every Condition member must be a condition function."
            )
        [(name, argument)] = expression.items()
        if name == "Condition":
            return self.condition(argument)
        if name in ("Fn::And", "Fn::Or"):
            combine = all if name == "Fn::And" else any
            return combine(self.truth(item) for item in _arguments(name, argument, 2, 10))
        if name == "Fn::Not":
            return not self.truth(_arguments(name, argument, 1, 1)[0])
        return self._comparison(name, argument)

    def _comparison(self, name: str, argument: Any) -> bool:
        if name not in _COMPARISONS:
            raise validation_error(f"Template error: {name} is not a condition function.")
        left, right = (self.resolve(item) for item in _arguments(name, argument, 2, 2))
        return _COMPARISONS[name](left, right)

    def resolve(self, value: Any) -> Any:
        """Return `value` with every function replaced by what it yields."""
        if isinstance(value, dict):
            if len(value) == 1:
                [(key, argument)] = value.items()
                if key == "Ref" or (isinstance(key, str) and key.startswith("Fn::")):
                    return self._call(key, argument)
            resolved = {key: self.resolve(item) for key, item in value.items()}
            return {k: v for k, v in resolved.items() if not isinstance(v, NoValue)}
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if not isinstance(item, NoValue)]
        if isinstance(value, str) and "{{resolve:" in value:
            return self._dynamic(value)
        return value

    def _dynamic(self, text: str) -> Any:
        pieces: list[Any] = []
        position = 0
        for match in _DYNAMIC.finditer(text):
            pieces.append(text[position : match.start()])
            pieces.append(self.lookup.dynamic(match.group(1), match.group(2)))
            position = match.end()
        pieces.append(text[position:])
        return _concatenate(pieces)

    def _call(self, name: str, argument: Any) -> Any:
        if name in _CONDITION_FUNCTIONS:
            return self.truth({name: argument})
        method = _FUNCTIONS.get(name)
        if method is None:
            raise validation_error(
                f"Template error: function {name} is not emulated by the local CloudFormation."
            )
        return method(self, argument)

    def ref(self, name: Any) -> Any:
        """Return what `Ref` gives for a parameter, pseudo parameter or resource."""
        if not isinstance(name, str):
            raise validation_error("Template format error: All References must be of type string.")
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.lookup.ref(name)

    def get_att(self, argument: Any) -> Any:
        """Return an attribute of a resource."""
        logical_id, attribute = split_get_att(argument)
        attribute = self.resolve(attribute)
        if isinstance(attribute, Unresolved):
            return UNRESOLVED
        return self.lookup.get_att(logical_id, str(attribute))

    def _sub(self, argument: Any) -> Any:
        text, variables = sub_parts(argument)
        values = {name: self.resolve(item) for name, item in variables.items()}
        pieces: list[Any] = []
        position = 0
        for match in _SUB.finditer(text):
            pieces.append(text[position : match.start()].replace("${!", "${"))
            pieces.append(self._sub_variable(match.group(1).strip(), values))
            position = match.end()
        pieces.append(text[position:].replace("${!", "${"))
        result = _concatenate(pieces)
        return (
            self._dynamic(result) if isinstance(result, str) and "{{resolve:" in result else result
        )

    def _sub_variable(self, name: str, values: Mapping[str, Any]) -> Any:
        if name in values:
            return values[name]
        if "." in name and name not in PSEUDO_PARAMETERS:
            return self.get_att(name.split(".", 1))
        return self.ref(name)

    def _join(self, argument: Any) -> Any:
        delimiter, items = _arguments("Fn::Join", argument, 2, 2)
        items = self.resolve(items)
        if isinstance(items, Unresolved):
            return UNRESOLVED
        if not isinstance(items, list) or not isinstance(delimiter, str):
            raise validation_error(
                "Template error: every Fn::Join object requires two parameters, (1) a string "
                "delimiter and (2) a list of strings to be joined or a function that returns a "
                "list of strings (such as Fn::GetAZs) to be joined."
            )
        if any(isinstance(item, Unresolved) for item in items):
            return UNRESOLVED
        joined = delimiter.join(_text(item, "Fn::Join") for item in items)
        return self._dynamic(joined) if "{{resolve:" in joined else joined

    def _select(self, argument: Any) -> Any:
        index, items = (self.resolve(item) for item in _arguments("Fn::Select", argument, 2, 2))
        if isinstance(items, Unresolved) or isinstance(index, Unresolved):
            return UNRESOLVED
        try:
            position = int(index)
        except (TypeError, ValueError):
            position = -1
        if not isinstance(items, list) or position < 0:
            raise validation_error(
                "Template error: Fn::Select requires a list argument with two elements: an "
                "integer index and a list"
            )
        if position >= len(items):
            raise validation_error(
                f"Template error: Fn::Select cannot select nonexistent value at index {position}"
            )
        return items[position]

    def _split(self, argument: Any) -> Any:
        delimiter, text = (self.resolve(item) for item in _arguments("Fn::Split", argument, 2, 2))
        if isinstance(text, Unresolved):
            return UNRESOLVED
        if not isinstance(delimiter, str) or not isinstance(text, str) or not delimiter:
            raise validation_error(
                "Template error: every Fn::Split object requires two parameters, (1) a string "
                "delimiter and (2) a string to be split or a function that returns a string to "
                "be split."
            )
        return text.split(delimiter)

    def _if(self, argument: Any) -> Any:
        name, yes, no = _arguments("Fn::If", argument, 3, 3)
        if not isinstance(name, str):
            raise validation_error(
                "Template error: Fn::If requires a condition name as its first argument."
            )
        return self.resolve(yes if self.condition(name) else no)

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second, *options = (
            self.resolve(item) for item in _arguments("Fn::FindInMap", argument, 3, 4)
        )
        if any(isinstance(item, Unresolved) for item in (name, first, second)):
            return UNRESOLVED
        if name not in self.template.mappings:
            raise validation_error(
                f"Template error: Mapping named '{name}' is not present in the 'Mappings' section "
                "of template."
            )
        try:
            return self.template.mappings[name][str(first)][str(second)]
        except KeyError:
            if options and "DefaultValue" in options[0]:
                return options[0]["DefaultValue"]
            raise validation_error(
                f"Template error: Unable to get mapping for {name}::{first}::{second}"
            ) from None

    def _import_value(self, argument: Any) -> Any:
        name = self.resolve(argument)
        return UNRESOLVED if isinstance(name, Unresolved) else self.lookup.import_value(str(name))

    def _base64(self, argument: Any) -> Any:
        text = self.resolve(argument)
        if isinstance(text, Unresolved):
            return UNRESOLVED
        return base64.b64encode(_text(text, "Fn::Base64").encode()).decode()

    def _get_azs(self, argument: Any) -> Any:
        region = self.resolve(argument) or self.pseudo["AWS::Region"]
        return [f"{region}{letter}" for letter in "abc"]


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::Sub": Resolver._sub,  # noqa: SLF001 - a table of this class's own methods
    "Fn::Join": Resolver._join,  # noqa: SLF001
    "Fn::Select": Resolver._select,  # noqa: SLF001
    "Fn::Split": Resolver._split,  # noqa: SLF001
    "Fn::If": Resolver._if,  # noqa: SLF001
    "Fn::FindInMap": Resolver._find_in_map,  # noqa: SLF001
    "Fn::ImportValue": Resolver._import_value,  # noqa: SLF001
    "Fn::Base64": Resolver._base64,  # noqa: SLF001
    "Fn::GetAZs": Resolver._get_azs,  # noqa: SLF001
}


def _member_in(values: Any, allowed: Any) -> bool:
    return {_comparable(value) for value in values} <= {_comparable(item) for item in allowed}


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Fn::Equals": lambda left, right: bool(_comparable(left) == _comparable(right)),
    "Fn::Contains": lambda values, wanted: _member_in([wanted], values),
    "Fn::EachMemberEquals": lambda values, wanted: _member_in(values, [wanted]),
    "Fn::EachMemberIn": _member_in,
}


def split_get_att(argument: Any) -> tuple[str, Any]:
    """Return the logical id and attribute of a Fn::GetAtt in either of its forms."""
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if (
        not isinstance(argument, list)
        or len(argument) != 2
        or not isinstance(argument[0], str)
        or not all(argument)
    ):
        raise validation_error(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the "
            "resource name and the resource attribute"
        )
    return argument[0], argument[1]


def sub_parts(argument: Any) -> tuple[str, dict[str, Any]]:
    """Return the text and the variables of a Fn::Sub in either of its forms."""
    if isinstance(argument, str):
        return argument, {}
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], dict)
    ):
        return argument[0], argument[1]
    raise validation_error(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected "
        "arguments. Specify a string as first argument, and an optional second argument to "
        "specify a mapping of values to replace in the string"
    )


def sub_variables(argument: Any) -> list[str]:
    """Return the names that a Fn::Sub takes from outside its own variables."""
    text, variables = sub_parts(argument)
    names = [match.group(1).strip() for match in _SUB.finditer(text)]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.:]+", name):
            raise validation_error(
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric "
                "characters, underscores, periods, and colons"
            )
    return [name for name in names if name not in variables]


def _arguments(name: str, argument: Any, least: int, most: int) -> list[Any]:
    if not isinstance(argument, list) or not least <= len(argument) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise validation_error(f"Template error: {name} requires a list of {wanted} arguments.")
    return argument


def _comparable(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return tuple(_comparable(item) for item in value)
    return value


def _text(value: Any, function: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise validation_error(f"Template error: {function} takes strings, not {type(value).__name__}.")


def _concatenate(pieces: list[Any]) -> Any:
    if any(isinstance(piece, Unresolved) for piece in pieces):
        return UNRESOLVED
    return "".join(_text(piece, "Fn::Sub") for piece in pieces)
