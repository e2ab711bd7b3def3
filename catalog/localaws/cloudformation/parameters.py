"""Template parameters: given values, defaults, constraints, SSM look-ups.

Source: "Parameters section" of the CloudFormation User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.localaws.cloudformation.template import Template, validation_error

_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_AWS_TYPES = re.compile(
    r"(List<)?AWS::(EC2::(AvailabilityZone::Name|Image::Id|Instance::Id|KeyPair::KeyName|"
    r"SecurityGroup::GroupName|SecurityGroup::Id|Subnet::Id|Volume::Id|VPC::Id)|"
    r"Route53::HostedZone::Id)>?"
)
_DEFINITION_KEYS = {
    "Type",
    "Default",
    "Description",
    "NoEcho",
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "MaxLength",
    "MinLength",
    "MaxValue",
    "MinValue",
}


@dataclass(frozen=True, kw_only=True)
class ParameterValue:
    """A parameter of a stack.

    Attributes:
        value: what was given, or the default.
        resolved: what an SSM parameter held, for the SSM types.
        typed: what `Ref` yields: a string, or a list for list types.
        no_echo: hidden by the Describe operations.
    """

    name: str
    value: str
    resolved: str | None
    typed: Any
    no_echo: bool

    def describe(self) -> dict[str, Any]:
        """Return the parameter as DescribeStacks shows it."""
        shown: dict[str, Any] = {
            "ParameterKey": self.name,
            "ParameterValue": "****" if self.no_echo else self.value,
        }
        if self.resolved is not None:
            shown["ResolvedValue"] = self.resolved
        return shown


def check_definitions(template: Template) -> None:
    """Refuse parameter definitions that no value could satisfy or that are malformed.

    Raises:
        ServiceError: `ValidationError`.
    """
    for name, definition in template.parameters.items():
        unknown = sorted(set(definition) - _DEFINITION_KEYS)
        if unknown:
            raise validation_error(f"Invalid template parameter property '{unknown[0]}'")
        _element_type(definition["Type"])
        pattern = definition.get("AllowedPattern")
        if pattern is not None:
            try:
                re.compile(str(pattern))
            except re.error:
                raise validation_error(
                    f"Template format error: Parameter '{name}' has an invalid AllowedPattern: "
                    f"{pattern}"
                ) from None
        allowed = definition.get("AllowedValues")
        if allowed is not None and (not isinstance(allowed, list) or not allowed):
            raise validation_error(
                f"Template format error: Parameter '{name}' AllowedValues must be a list."
            )
        if "Default" in definition:
            _check(name, definition, _as_text(definition["Default"]))


def resolve_parameters(
    template: Template,
    given: Sequence[Mapping[str, Any]],
    *,
    previous: Mapping[str, ParameterValue] | None,
    read_ssm: Callable[[str], str],
) -> dict[str, ParameterValue]:
    """Return the value of every parameter of the template.

    Args:
        template: the template that is about to run.
        given: the request's Parameters.
        previous: values of the existing stack, for UsePreviousValue; None when it is created.
        read_ssm: returns the value of an SSM parameter, with the caller's permissions.

    Raises:
        ServiceError: `ValidationError`: unknown, missing or refused values.
    """
    request = {item["ParameterKey"]: item for item in given}
    unknown = [name for name in request if name not in template.parameters]
    if unknown:
        raise validation_error(
            f"Parameters: [{', '.join(sorted(unknown))}] do not exist in the template"
        )
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, definition in template.parameters.items():
        item = request.get(name, {})
        if item.get("UsePreviousValue"):
            if previous is None or name not in previous:
                raise validation_error(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as "
                    "true for a parameter key not in the previous template"
                )
            if "ParameterValue" in item:
                raise validation_error(
                    f"Invalid input for parameter key {name}. Either the value or "
                    "usePreviousValue must be specified, not both"
                )
            values[name] = previous[name].value
        elif "ParameterValue" in item:
            values[name] = item["ParameterValue"]
        elif "Default" in definition:
            values[name] = _as_text(definition["Default"])
        else:
            missing.append(name)
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _resolve(name, template.parameters[name], value, read_ssm)
        for name, value in values.items()
    }


def _resolve(
    name: str, definition: Mapping[str, Any], value: str, read_ssm: Callable[[str], str]
) -> ParameterValue:
    _check(name, definition, value)
    kind = definition["Type"]
    resolved = None
    if _SSM_VALUE.fullmatch(kind):
        resolved = read_ssm(value)
        text = resolved
    else:
        text = value
    typed: Any = text
    if _is_list(kind):
        typed = [item.strip() for item in text.split(",")] if text else []
    return ParameterValue(
        name=name,
        value=value,
        resolved=resolved,
        typed=typed,
        no_echo=str(definition.get("NoEcho", "false")).lower() == "true",
    )


def _element_type(kind: str) -> str:
    """Return "String" or "Number": what one element of a parameter type is."""
    match = _SSM_VALUE.fullmatch(kind)
    inner = match.group(1) if match else kind
    if inner in ("Number", "List<Number>") and not match:
        return "Number"
    known = ("String", "CommaDelimitedList", "AWS::SSM::Parameter::Name")
    if inner in known or (match and inner == "List<String>") or _AWS_TYPES.fullmatch(inner):
        return "String"
    raise validation_error(f"Template format error: Unrecognized parameter type: {kind}")


def _is_list(kind: str) -> bool:
    match = _SSM_VALUE.fullmatch(kind)
    inner = match.group(1) if match else kind
    return inner == "CommaDelimitedList" or inner.startswith("List<")


def _check(name: str, definition: Mapping[str, Any], value: str) -> None:
    kind = definition["Type"]
    number = _element_type(kind) == "Number"
    items = [item.strip() for item in value.split(",")] if _is_list(kind) else [value]
    why = definition.get("ConstraintDescription")

    def refuse(sentence: str) -> Exception:
        if why:
            return validation_error(f"Parameter {name} failed to satisfy constraint: {why}")
        return validation_error(f"Parameter '{name}' {sentence}")

    for item in items:
        allowed = definition.get("AllowedValues")
        if allowed is not None and item not in [_as_text(option) for option in allowed]:
            raise refuse("must be one of AllowedValues")
    broken = _broken_number(definition, items) if number else _broken_text(definition, value)
    if broken:
        raise refuse(broken)


def _broken_number(definition: Mapping[str, Any], items: list[str]) -> str | None:
    for item in items:
        if not _is_number(item):
            return "must be a number."
        if "MinValue" in definition and float(item) < float(definition["MinValue"]):
            return f"must be a number not less than {definition['MinValue']}"
        if "MaxValue" in definition and float(item) > float(definition["MaxValue"]):
            return f"must be a number not greater than {definition['MaxValue']}"
    return None


def _broken_text(definition: Mapping[str, Any], value: str) -> str | None:
    if "MinLength" in definition and len(value) < int(definition["MinLength"]):
        return f"must contain at least {definition['MinLength']} characters"
    if "MaxLength" in definition and len(value) > int(definition["MaxLength"]):
        return f"must contain at most {definition['MaxLength']} characters"
    pattern = definition.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(str(pattern), value):
        return f"must match pattern {pattern}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return str(value)
