"""How stacks, resources, events and templates look in answers."""

from __future__ import annotations

import json
from typing import Any

from catalog.localaws.cloudformation.model import Event, Stack, StackResource
from catalog.localaws.cloudformation.resources import find_handler
from catalog.localaws.cloudformation.template import Template
from catalog.localaws.cloudformation.validation import capabilities


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def stack_view(stack: Stack) -> dict[str, Any]:
    """Return a stack as DescribeStacks shows it."""
    settings = stack.settings
    return _present(
        StackId=stack.id,
        StackName=stack.name,
        ChangeSetId=stack.change_set_id,
        Description=settings.template.description,
        Parameters=[value.describe() for value in settings.parameters.values()],
        CreationTime=stack.created,
        LastUpdatedTime=stack.updated,
        DeletionTime=stack.deleted,
        RollbackConfiguration={},
        StackStatus=stack.status,
        StackStatusReason=stack.reason,
        DisableRollback=stack.disable_rollback,
        NotificationARNs=list(settings.notification_arns),
        TimeoutInMinutes=stack.timeout_minutes,
        Capabilities=list(settings.capabilities),
        Outputs=list(stack.outputs),
        RoleARN=settings.role_arn,
        Tags=[{"Key": key, "Value": value} for key, value in settings.tags.items()],
        EnableTerminationProtection=stack.termination_protection,
        ParentId=stack.parent_id,
        RootId=stack.root_id,
        RetainExceptOnCreate=stack.retain_except_on_create,
        DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
    )


def summary_view(stack: Stack) -> dict[str, Any]:
    """Return a stack as ListStacks shows it."""
    return _present(
        StackId=stack.id,
        StackName=stack.name,
        TemplateDescription=stack.settings.template.description,
        CreationTime=stack.created,
        LastUpdatedTime=stack.updated,
        DeletionTime=stack.deleted,
        StackStatus=stack.status,
        StackStatusReason=stack.reason,
        ParentId=stack.parent_id,
        RootId=stack.root_id,
        DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
    )


def event_view(stack: Stack, event: Event) -> dict[str, Any]:
    """Return an event as DescribeStackEvents shows it."""
    return _present(
        StackId=stack.id,
        EventId=event.id,
        StackName=stack.name,
        LogicalResourceId=event.logical_id,
        PhysicalResourceId=event.physical_id,
        ResourceType=event.type,
        Timestamp=event.timestamp,
        ResourceStatus=event.status,
        ResourceStatusReason=event.reason,
        ClientRequestToken=event.token,
    )


def resource_view(stack: Stack, resource: StackResource) -> dict[str, Any]:
    """Return a resource as DescribeStackResources shows it."""
    return _present(
        StackName=stack.name,
        StackId=stack.id,
        LogicalResourceId=resource.logical_id,
        PhysicalResourceId=resource.physical_id,
        ResourceType=resource.type,
        Timestamp=resource.timestamp,
        ResourceStatus=resource.status,
        ResourceStatusReason=resource.reason,
        DriftInformation={"StackResourceDriftStatus": "NOT_CHECKED"},
    )


def detail_view(stack: Stack, resource: StackResource) -> dict[str, Any]:
    """Return a resource as DescribeStackResource shows it."""
    view = resource_view(stack, resource)
    view["LastUpdatedTimestamp"] = view.pop("Timestamp")
    if resource.definition.metadata:
        view["Metadata"] = json.dumps(resource.definition.metadata)
    return view


def resource_summary(resource: StackResource) -> dict[str, Any]:
    """Return a resource as ListStackResources shows it."""
    return _present(
        LogicalResourceId=resource.logical_id,
        PhysicalResourceId=resource.physical_id,
        ResourceType=resource.type,
        LastUpdatedTimestamp=resource.timestamp,
        ResourceStatus=resource.status,
        ResourceStatusReason=resource.reason,
        DriftInformation={"StackResourceDriftStatus": "NOT_CHECKED"},
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def validation_view(template: Template) -> dict[str, Any]:
    """Return what ValidateTemplate answers."""
    needed, reason = capabilities(template)
    return _present(
        Parameters=[
            _present(
                ParameterKey=name,
                DefaultValue=_text(node["Default"]) if "Default" in node else None,
                NoEcho=_text(node.get("NoEcho", "false")) == "true",
                Description=node.get("Description"),
            )
            for name, node in template.parameters.items()
        ],
        Description=template.description,
        Capabilities=needed or None,
        CapabilitiesReason=reason or None,
    )


def template_summary(template: Template) -> dict[str, Any]:
    """Return what GetTemplateSummary answers."""
    needed, reason = capabilities(template)
    metadata = template.document.get("Metadata")
    by_type: dict[str, list[str]] = {}
    for resource in template.resources.values():
        by_type.setdefault(resource.type, []).append(resource.logical_id)
    return _present(
        Parameters=[_declaration(name, node) for name, node in template.parameters.items()],
        Description=template.description,
        Capabilities=needed or None,
        CapabilitiesReason=reason or None,
        ResourceTypes=list(by_type),
        Version=str(template.document.get("AWSTemplateFormatVersion", "2010-09-09")),
        Metadata=json.dumps(metadata) if metadata else None,
        DeclaredTransforms=[],
        ResourceIdentifierSummaries=[
            {
                "ResourceType": kind,
                "LogicalResourceIds": names,
                "ResourceIdentifiers": _identifiers(kind),
            }
            for kind, names in by_type.items()
            if _identifiers(kind)
        ],
    )


def _identifiers(kind: str) -> list[str]:
    handler = find_handler(kind)
    if handler is None or not handler.published_schema:
        return []
    paths = handler.schema().document.get("primaryIdentifier", [])
    return [path.rsplit("/", 1)[-1] for path in paths]


def _declaration(name: str, node: Any) -> dict[str, Any]:
    constraints: dict[str, Any] = {}
    if "AllowedValues" in node:
        constraints["AllowedValues"] = [_text(value) for value in node["AllowedValues"]]
    return _present(
        ParameterKey=name,
        DefaultValue=_text(node["Default"]) if "Default" in node else None,
        ParameterType=node["Type"],
        NoEcho=_text(node.get("NoEcho", "false")) == "true",
        Description=node.get("Description"),
        ParameterConstraints=constraints or None,
    )
