"""What a new template and new parameters would change: change sets, and no-op updates.

Source: the ResourceChange and ResourceChangeDetail types of the CloudFormation API reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.localaws.cloudformation.engine import pseudo_parameters
from catalog.localaws.cloudformation.intrinsics import Resolver
from catalog.localaws.cloudformation.lookup import LiveLookup
from catalog.localaws.cloudformation.model import Settings, Stack, StackResource
from catalog.localaws.cloudformation.resources import find_handler
from catalog.localaws.cloudformation.resources.base import ResourceHandler, contains_unresolved
from catalog.localaws.cloudformation.schema import UNRESOLVED
from catalog.localaws.cloudformation.template import Resource
from catalog.localaws.cloudformation.validation import (
    active_resources,
    dependencies,
    references,
)

_RECREATION = {"True": "Always", "False": "Never", "Conditional": "Conditionally"}


@dataclass(kw_only=True)
class _PreviewLookup:
    """Knows resources that stay what they are; what will be made or replaced is unresolved."""

    live: LiveLookup
    new: set[str] = field(default_factory=set)
    volatile: set[str] = field(default_factory=set)

    def ref(self, logical_id: str) -> Any:
        return UNRESOLVED if self._unknown(logical_id) else self.live.ref(logical_id)

    def get_att(self, logical_id: str, attribute: str) -> Any:
        if self._unknown(logical_id) or logical_id in self.volatile:
            return UNRESOLVED
        return self.live.get_att(logical_id, attribute)

    def import_value(self, name: str) -> Any:
        return self.live.import_value(name)

    def dynamic(self, service: str, reference: str) -> Any:
        return self.live.dynamic(service, reference)

    def _unknown(self, logical_id: str) -> bool:
        resource = self.live.stack.resources.get(logical_id)
        return logical_id in self.new or resource is None or resource.physical_id is None


class Preview:
    """The difference between a stack and the settings it might be updated to.

    Args:
        stack: as it is.
        settings: as they would be.
        live: answers for the stack's present resources.
    """

    def __init__(self, stack: Stack, settings: Settings, live: LiveLookup) -> None:
        self._stack = stack
        self._settings = settings
        self._lookup = _PreviewLookup(live=live)
        self._resolver = Resolver(
            template=settings.template,
            parameters={name: value.typed for name, value in settings.parameters.items()},
            pseudo=pseudo_parameters(stack, settings),
            lookup=self._lookup,
        )
        self._changed_parameters = {
            name
            for name, value in settings.parameters.items()
            if name not in stack.settings.parameters
            or stack.settings.parameters[name].typed != value.typed
        }

    def changes(self) -> list[dict[str, Any]]:
        """Return the resource changes, in the API's form."""
        template = self._settings.template
        active = active_resources(template, self._resolver)
        found: dict[str, dict[str, Any]] = {}
        for name in _in_order(dependencies(template, active)):
            change = self._change(name, template.resources[name])
            if change is not None:
                found[name] = change
        for name, resource in self._stack.resources.items():
            if name not in active and resource.status != "DELETE_COMPLETE":
                found[name] = self._removal(resource)
        ordered = [*template.resources, *self._stack.resources]
        return [
            {"Type": "Resource", "ResourceChange": found[name]}
            for name in dict.fromkeys(ordered)
            if name in found
        ]

    def is_empty(self, changes: list[dict[str, Any]]) -> bool:
        """Return whether an update would do nothing at all."""
        before, after = self._stack.settings, self._settings
        return (
            not changes
            and dict(before.tags) == dict(after.tags)
            and self._outputs_before() == self._outputs_after()
        )

    def _outputs_before(self) -> dict[str, Any]:
        return {
            o["OutputKey"]: (o["OutputValue"], o.get("ExportName"), o.get("Description"))
            for o in self._stack.outputs
        }

    def _outputs_after(self) -> dict[str, Any]:
        result = {}
        for name, node in self._settings.template.outputs.items():
            if "Condition" in node and not self._resolver.condition(node["Condition"]):
                continue
            value = self._resolver.resolve(node["Value"])
            text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
            export = self._resolver.resolve(node.get("Export", {})).get("Name")
            result[name] = (text, export, node.get("Description"))
        return result

    def _change(self, name: str, definition: Resource) -> dict[str, Any] | None:
        old = self._stack.resources.get(name)
        handler = find_handler(definition.type)
        assert handler is not None  # noqa: S101 - the template was validated
        if old is None or old.status == "DELETE_COMPLETE":
            self._lookup.new.add(name)
            return {
                "Action": "Add",
                "LogicalResourceId": name,
                "ResourceType": definition.type,
                "Scope": [],
                "Details": [],
            }
        properties = handler.effective(
            self._resolver.resolve(definition.properties), self._settings.tags
        )
        replacement = "False"
        details: list[dict[str, Any]] = []
        if old.type != definition.type:
            replacement = "True"
        elif properties != old.properties:
            replacement = handler.replacement(old.properties, properties)
            details = self._details(handler, definition, old, properties)
        scope = {detail["Target"]["Attribute"] for detail in details}
        scope |= _attribute_changes(old.definition, definition)
        if not scope and replacement == "False":
            return None
        if replacement != "False":
            self._lookup.new.add(name)
        elif handler.volatile and details:
            self._lookup.volatile.add(name)
        change: dict[str, Any] = {
            "Action": "Modify",
            "LogicalResourceId": name,
            "PhysicalResourceId": old.physical_id or "",
            "ResourceType": definition.type,
            "Replacement": replacement,
            "Scope": sorted(scope),
            "Details": details,
        }
        if replacement != "False":
            policy = str(definition.update_replace_policy)
            change["PolicyAction"] = (
                "ReplaceAndRetain" if policy == "Retain" else "ReplaceAndDelete"
            )
        return change

    def _details(
        self,
        handler: ResourceHandler,
        definition: Resource,
        old: StackResource,
        new: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        tag_name = (
            handler.schema().document.get("tagProperty", "Tags")
            if (handler.published_schema)
            else None
        )
        details = []
        for name in sorted(old.properties.keys() | new.keys()):
            before, after = old.properties.get(name), new.get(name)
            if before == after:
                continue
            only = {**old.properties, name: after}
            if name not in new:
                only.pop(name)
            verdict = handler.replacement(old.properties, only)
            dynamic = contains_unresolved(after)
            target = {
                "Attribute": "Tags" if name == tag_name else "Properties",
                "RequiresRecreation": _RECREATION[verdict],
            }
            if name != tag_name:
                target["Name"] = name
            details.append(
                {
                    "Target": target,
                    "Evaluation": "Dynamic" if dynamic else "Static",
                    **self._cause(definition.properties.get(name)),
                }
            )
        return details

    def _cause(self, source: Any) -> dict[str, str]:
        for name, attribute in references(source):
            if attribute is None and name in self._changed_parameters:
                return {"ChangeSource": "ParameterReference", "CausingEntity": name}
            if name in self._lookup.new and attribute is None:
                return {"ChangeSource": "ResourceReference", "CausingEntity": name}
            if attribute is not None and name in self._lookup.new | self._lookup.volatile:
                return {
                    "ChangeSource": "ResourceAttribute",
                    "CausingEntity": f"{name}.{attribute}",
                }
        return {"ChangeSource": "DirectModification"}

    def _removal(self, resource: StackResource) -> dict[str, Any]:
        keep = resource.definition.deletion_policy != "Delete"
        return {
            "Action": "Remove",
            "LogicalResourceId": resource.logical_id,
            "PhysicalResourceId": resource.physical_id or "",
            "ResourceType": resource.type,
            "PolicyAction": "Retain" if keep else "Delete",
            "Scope": [],
            "Details": [],
        }


def _attribute_changes(old: Resource, new: Resource) -> set[str]:
    changed = set()
    if old.deletion_policy != new.deletion_policy:
        changed.add("DeletionPolicy")
    if old.update_replace_policy != new.update_replace_policy:
        changed.add("UpdateReplacePolicy")
    if dict(old.metadata) != dict(new.metadata):
        changed.add("Metadata")
    return changed


def _in_order(needs: Mapping[str, set[str]]) -> list[str]:
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in done:
            for need in sorted(needs[name]):
                visit(need)
            done[name] = None

    for name in needs:
        visit(name)
    return list(done)
