"""Templates: from the text of a body to sections that the engine can rely on.

Sources: "Template sections" and "Resource attributes" of the CloudFormation User Guide; the
sentences of the errors are the service's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from catalog.localaws.core.service import ServiceError

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Rules",
    "Resources",
    "Outputs",
    "Transform",
    "Hooks",
}
_RESOURCE_ATTRIBUTES = {
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "CreationPolicy",
    "UpdatePolicy",
    "Version",
}
_DELETION_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
_REPLACE_POLICIES = ("Delete", "Retain", "Snapshot")
_SHORT_FORMS = (
    "And",
    "Base64",
    "Cidr",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "RefAll",
    "Select",
    "Split",
    "Sub",
    "Transform",
    "ValueOf",
    "ValueOfAll",
)


def validation_error(message: str) -> ServiceError:
    """Return the error CloudFormation gives for every invalid request."""
    return ServiceError("ValidationError", message)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One member of the Resources section."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: Any = "Delete"
    update_replace_policy: Any = "Delete"
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Template:
    """A parsed template.

    Attributes:
        body: the text as it was submitted, which GetTemplate gives back.
        document: the parsed text, short forms written out.
    """

    body: str
    document: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    rules: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Mapping[str, Any]]

    @property
    def description(self) -> str | None:
        """The template's description, if it has one."""
        return self.document.get("Description")


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: short-form functions; dates stay strings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has three kinds of node
    return loader.construct_mapping(node, deep=True)


def _short_form(key: str) -> Any:
    def construct(loader: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
        value = _construct(loader, node)
        if key == "Fn::GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {key: value}

    return construct


for _name in _SHORT_FORMS:
    _Loader.add_constructor(f"!{_name}", _short_form(f"Fn::{_name}"))
_Loader.add_constructor("!GetAtt", _short_form("Fn::GetAtt"))
_Loader.add_constructor("!Ref", _short_form("Ref"))
_Loader.add_constructor("!Condition", _short_form("Condition"))


def load_document(body: str) -> Any:
    """Return the parsed text of a template, JSON or YAML.

    Raises:
        ServiceError: `ValidationError`, when the text is neither.
    """
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body)
        except json.JSONDecodeError as error:
            raise validation_error(
                f"Template format error: JSON not well-formed. "
                f"(line {error.lineno}, column {error.colno})"
            ) from None
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.constructor.ConstructorError as error:
        raise validation_error(f"Template format error: {error.problem}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise validation_error(f"Template format error: YAML not well-formed.{place}") from None


def parse_template(body: str) -> Template:
    """Return a template whose sections have the right form; references are not looked at yet.

    Raises:
        ServiceError: `ValidationError`, in the words of CloudFormation.
    """
    document = load_document(body)
    if not isinstance(document, dict):
        raise validation_error("Template format error: unsupported structure.")
    unknown = sorted(set(document) - _SECTIONS, key=str)
    if unknown:
        names = ", ".join(map(str, unknown))
        raise validation_error(f"Invalid template property or properties [{names}]")
    version = document.get("AWSTemplateFormatVersion", "2010-09-09")
    if str(version) != "2010-09-09":
        raise validation_error(
            "Template format error: unsupported value for AWSTemplateFormatVersion."
        )
    if document.get("Transform"):
        raise validation_error(
            f"Transform {document['Transform']} is not emulated by the local CloudFormation: "
            "submit the processed template."
        )
    if document.get("Hooks"):
        raise validation_error("Hooks are not emulated by the local CloudFormation.")
    description = document.get("Description")
    if description is not None and not isinstance(description, str):
        raise validation_error("Template format error: Description must be a string.")
    if description is not None and len(description.encode()) > 1024:
        raise validation_error("Template format error: 'Description' length is greater than 1024.")
    resources = _section(document, "Resources")
    if not resources:
        raise validation_error(
            "Template format error: At least one Resources member must be defined."
        )
    if len(resources) > 500:
        raise validation_error(
            f"Template format error: Number of resources, {len(resources)}, is greater than "
            "maximum allowed, 500"
        )
    return Template(
        body=body,
        document=document,
        parameters=_parameters(document),
        mappings=_section(document, "Mappings"),
        conditions=_section(document, "Conditions"),
        rules=_section(document, "Rules"),
        resources={name: _resource(name, node) for name, node in resources.items()},
        outputs=_outputs(document),
    )


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise validation_error(f"Template format error: {name} must be an object.")
    return section


def _parameters(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    section = _section(document, "Parameters")
    if len(section) > 200:
        raise validation_error(
            f"Template format error: Number of parameters, {len(section)}, is greater than "
            "maximum allowed, 200"
        )
    for name, node in section.items():
        _alphanumeric("Parameter", name)
        if not isinstance(node, dict):
            raise validation_error(
                "Template format error: Any Parameters member must be an object."
            )
        if not isinstance(node.get("Type"), str):
            raise validation_error(
                "Template format error: Every Parameters object must contain a Type member."
            )
    return section


def _outputs(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    section = _section(document, "Outputs")
    for name, node in section.items():
        _alphanumeric("Output", name)
        if not isinstance(node, dict) or "Value" not in node:
            raise validation_error(
                "Template format error: Every Outputs member must contain a Value object"
            )
        unknown = sorted(set(node) - {"Value", "Description", "Export", "Condition"})
        if unknown:
            raise validation_error(
                f"Template format error: Output {name} has invalid keys {unknown}."
            )
    return section


def _alphanumeric(kind: str, name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9]+", name):
        raise validation_error(f"Template format error: {kind} name {name} is non alphanumeric.")


def _resource(name: Any, node: Any) -> Resource:
    _alphanumeric("Resource", name)
    if not isinstance(node, dict):
        raise validation_error("Template format error: Any Resources member must be an object.")
    if not isinstance(node.get("Type"), str):
        raise validation_error(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a "
            "Type member."
        )
    for key in node:
        if key not in _RESOURCE_ATTRIBUTES:
            raise validation_error(f"Invalid template resource property '{key}'")
    for key in ("CreationPolicy", "UpdatePolicy"):
        if node.get(key):
            raise validation_error(
                f"{key} of resource {name} is not emulated by the local CloudFormation."
            )
    properties = node.get("Properties") or {}
    if not isinstance(properties, dict):
        raise validation_error(
            f"Template format error: [/Resources/{name}/Properties] Properties must be an object."
        )
    condition = node.get("Condition")
    if condition is not None and not isinstance(condition, str):
        raise validation_error("Template format error: Every Condition member must be a string.")
    return Resource(
        logical_id=name,
        type=node["Type"],
        properties=properties,
        depends_on=_depends_on(node),
        condition=condition,
        deletion_policy=_policy(name, node, "DeletionPolicy", _DELETION_POLICIES),
        update_replace_policy=_policy(name, node, "UpdateReplacePolicy", _REPLACE_POLICIES),
        metadata=node.get("Metadata") or {},
    )


def _depends_on(node: Mapping[str, Any]) -> tuple[str, ...]:
    names = node.get("DependsOn") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise validation_error(
            "Template format error: DependsOn must be a string or list of strings."
        )
    return tuple(names)


def _policy(name: str, node: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = node.get(key, "Delete")
    if value not in allowed:
        raise validation_error(
            f"Template error: resource {name} has an unrecognized {key} {value!r}; "
            f"it must be one of {list(allowed)}."
        )
    if value == "Snapshot":
        raise validation_error(
            f"Template error: resource type {node['Type']} does not support deletion policy "
            "Snapshot"
        )
    return str(value)
