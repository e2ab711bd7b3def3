"""Everything CloudFormation refuses before it makes anything.

References, resource types, attributes, circular dependencies, capabilities, rules, and the
properties of every resource against its type's schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from catalog.localaws.cloudformation.graph import check_acyclic
from catalog.localaws.cloudformation.intrinsics import (
    PSEUDO_PARAMETERS,
    Resolver,
    UnknownResources,
    split_get_att,
    sub_parts,
    sub_variables,
)
from catalog.localaws.cloudformation.parameters import check_definitions
from catalog.localaws.cloudformation.resources import find_handler
from catalog.localaws.cloudformation.template import Template, validation_error
from catalog.localaws.core.service import ServiceError

_NAMED_IAM = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_IAM = {*_NAMED_IAM, "AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"}


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield every (name, attribute) that a value refers to; the attribute is None for `Ref`."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
        return
    if not isinstance(value, dict):
        return
    if len(value) == 1:
        [(key, argument)] = value.items()
        if key == "Ref":
            yield str(argument), None
            return
        if key == "Fn::GetAtt":
            name, attribute = split_get_att(argument)
            yield name, attribute if isinstance(attribute, str) else ""
            yield from references(attribute)
            return
        if key == "Fn::Sub":
            yield from _sub_references(argument)
            return
    for item in value.values():
        yield from references(item)


def _sub_references(argument: Any) -> Iterator[tuple[str, str | None]]:
    for name in sub_variables(argument):
        logical_id, dot, attribute = name.partition(".")
        yield (logical_id, attribute) if dot else (name, None)
    yield from references(sub_parts(argument)[1])


def dependencies(template: Template, active: Collection[str]) -> dict[str, set[str]]:
    """Return, for each resource that exists under the conditions, those it depends on."""
    result: dict[str, set[str]] = {}
    for name in active:
        resource = template.resources[name]
        needs = {target for target, _ in references(resource.properties)}
        needs.update(resource.depends_on)
        result[name] = {need for need in needs if need in active}
    return result


def check_template(template: Template) -> None:
    """Refuse a template that no stack could be made of, whatever its parameters.

    Raises:
        ServiceError: `ValidationError`.
    """
    check_definitions(template)
    unknown = sorted({r.type for r in template.resources.values() if find_handler(r.type) is None})
    if unknown:
        raise validation_error(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        )
    _check_references(template)
    for name, node in template.conditions.items():
        for target, attribute in references(node):
            if attribute is not None or (
                target not in template.parameters and target not in PSEUDO_PARAMETERS
            ):
                raise validation_error(
                    f"Template format error: Unresolved dependencies [{target}]. Cannot reference "
                    "resources in the Conditions block of the template"
                )
        _check_condition_names(template, node, f"condition {name}")
    for resource in template.resources.values():
        if resource.condition and resource.condition not in template.conditions:
            raise validation_error(
                f"Template format error: Condition '{resource.condition}' is not defined for "
                f"resource {resource.logical_id}."
            )
        _check_condition_names(template, resource.properties, f"resource {resource.logical_id}")
    for name, output in template.outputs.items():
        condition = output.get("Condition")
        if condition is not None and condition not in template.conditions:
            raise validation_error(
                f"Template format error: Condition '{condition}' is not defined for output {name}."
            )
        _check_condition_names(template, output, f"output {name}")
    check_acyclic(dependencies(template, template.resources))


def _check_references(template: Template) -> None:
    known = {*template.parameters, *template.resources, *PSEUDO_PARAMETERS}
    blocks: tuple[tuple[str, Any], ...] = (
        ("Resources", [r.properties for r in template.resources.values()]),
        ("Outputs", list(template.outputs.values())),
    )
    for block, nodes in blocks:
        unresolved: list[str] = []
        for name, attribute in references(nodes):
            if attribute is not None and name not in template.resources:
                raise validation_error(
                    f"Template error: instance of Fn::GetAtt references undefined resource {name}"
                )
            if attribute is None and name not in known:
                unresolved.append(name)
            if attribute:
                _check_attribute(template, name, attribute)
        if block == "Resources":
            for resource in template.resources.values():
                unresolved += [d for d in resource.depends_on if d not in template.resources]
        if unresolved:
            raise validation_error(
                f"Template format error: Unresolved resource dependencies "
                f"[{', '.join(dict.fromkeys(unresolved))}] in the {block} block of the template"
            )


def _check_attribute(template: Template, name: str, attribute: str) -> None:
    kind = template.resources[name].type
    handler = find_handler(kind)
    if handler is not None and not handler.has_attribute(attribute):
        raise validation_error(
            f"Template error: resource {name} does not support attribute type {attribute} in "
            "Fn::GetAtt"
        )


def _check_condition_names(template: Template, value: Any, where: str) -> None:
    for name in _condition_names(value):
        if name not in template.conditions:
            raise validation_error(
                f"Template error: unresolved condition dependency {name} in {where}"
            )


def _condition_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Fn::If" and isinstance(item, list) and item and isinstance(item[0], str):
                yield item[0]
            elif key == "Condition" and len(value) == 1 and isinstance(item, str):
                yield item
            yield from _condition_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _condition_names(item)


def capabilities(template: Template) -> tuple[list[str], str]:
    """Return the capabilities that a template needs, and AWS's reason."""
    iam = [r for r in template.resources.values() if r.type in _IAM]
    if not iam:
        return [], ""
    kinds = ", ".join(sorted({r.type for r in iam}))
    reason = f"The following resource(s) require capabilities: [{kinds}]"
    named = any(_NAMED_IAM.get(r.type, "") in r.properties for r in iam)
    return ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"], reason


def check_capabilities(template: Template, acknowledged: Collection[str]) -> None:
    """Refuse IAM resources that the caller did not acknowledge.

    Raises:
        ServiceError: `InsufficientCapabilitiesException`.
    """
    needed, _ = capabilities(template)
    for capability in needed:
        enough = {capability, "CAPABILITY_NAMED_IAM"}
        if not enough & set(acknowledged):
            raise ServiceError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]"
            )


def check_rules(template: Template, resolver: Resolver) -> None:
    """Refuse parameter values that break an assertion of the Rules section.

    Raises:
        ServiceError: `ValidationError`, with the assertion's description.
    """
    for name, rule in template.rules.items():
        if "RuleCondition" in rule and not resolver.truth(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", ()):
            if not resolver.truth(assertion["Assert"]):
                why = assertion.get("AssertDescription", "the assertion is false")
                raise validation_error(f"Template error: Rule {name} failed: {why}")


class _ActiveOnly(UnknownResources):
    """Refuses references to resources that the conditions leave out."""

    def __init__(self, active: Collection[str], block: str) -> None:
        self._active = active
        self._block = block

    def ref(self, logical_id: str) -> Any:
        self._need(logical_id)
        return super().ref(logical_id)

    def get_att(self, logical_id: str, attribute: str) -> Any:
        self._need(logical_id)
        return super().get_att(logical_id, attribute)

    def _need(self, logical_id: str) -> None:
        if logical_id not in self._active:
            raise validation_error(
                f"Template format error: Unresolved resource dependencies [{logical_id}] in the "
                f"{self._block} block of the template"
            )


def active_resources(template: Template, resolver: Resolver) -> list[str]:
    """Return the resources whose conditions hold, in template order."""
    return [
        name
        for name, resource in template.resources.items()
        if resource.condition is None or resolver.condition(resource.condition)
    ]


def check_values(
    template: Template, *, parameters: Mapping[str, Any], pseudo: Mapping[str, Any]
) -> list[str]:
    """Refuse what is wrong once the parameters are known; return the resources that will exist.

    Raises:
        ServiceError: `ValidationError`: a rule, a reference to a resource that the conditions leave
            out, or a property that the resource type's schema does not allow.
    """
    resolver = Resolver(
        template=template, parameters=parameters, pseudo=pseudo, lookup=UnknownResources()
    )
    check_rules(template, resolver)
    active = active_resources(template, resolver)
    resolver.lookup = _ActiveOnly(active, "Resources")
    for name in active:
        resource = template.resources[name]
        handler = find_handler(resource.type)
        assert handler is not None  # noqa: S101 - check_template ran
        problems = handler.problems(resolver.resolve(resource.properties))
        if problems:
            raise validation_error(property_message(name, problems))
    resolver.lookup = _ActiveOnly(active, "Outputs")
    for output in template.outputs.values():
        if "Condition" not in output or resolver.condition(output["Condition"]):
            resolver.resolve(output)
    return active


def property_message(logical_id: str, problems: list[str]) -> str:
    """Return the sentence CloudFormation has for properties that break a schema."""
    lines = "\n".join(problems)
    return f"Properties validation failed for resource {logical_id} with message:\n{lines}"
