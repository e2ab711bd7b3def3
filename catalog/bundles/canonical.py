"""A CloudFormation template as text that depends on its content alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
)
_IN_ORDER = {"Parameters"}
"""Sections that keep their order: people are asked in it."""

_RESOURCE_KEYS = (
    "Type",
    "Metadata",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Properties",
)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    if value.startswith("__CATALOG_"):
        # Quoted, so that whatever publishing fills in stays a string.
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
    return dumper.represent_scalar("tag:yaml.org,2002:str", value)


_Dumper.add_representer(str, _text)


def to_yaml(template: Mapping[str, Any]) -> str:
    """Return the canonical YAML of a template.

    Sections come in CloudFormation's usual order, parameters in the order in which they are
    asked, everything else sorted. CloudFormation reads YAML 1.1; PyYAML quotes what that would
    take for a date, a number or a truth value.

    Raises:
        ValueError: a section that CloudFormation does not know.
    """
    unknown = set(template) - set(SECTIONS)
    if unknown:
        raise ValueError(f"Not sections of a CloudFormation template: {sorted(unknown)}")
    ordered: dict[str, Any] = {}
    for section in SECTIONS:
        if section not in template:
            continue
        value = template[section]
        if section == "Resources":
            ordered[section] = {name: _resource(value[name]) for name in sorted(value)}
        elif section in _IN_ORDER:
            ordered[section] = {name: _sorted(body) for name, body in value.items()}
        else:
            ordered[section] = _sorted(value)
    return yaml.dump(
        ordered,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**20,
    )


def _resource(body: Mapping[str, Any]) -> dict[str, Any]:
    rest = sorted(set(body) - set(_RESOURCE_KEYS))
    return {key: _sorted(body[key]) for key in (*_RESOURCE_KEYS, *rest) if key in body}


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
