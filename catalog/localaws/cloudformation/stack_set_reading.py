"""Operations that look at stack sets, and Organizations access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.localaws.cloudformation.stack_set_model import (
    TRUSTED_SERVICE,
    Instance,
    Operation,
    StackSet,
)
from catalog.localaws.cloudformation.stack_sets import StackSetOperations
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.core.service import Call, ServiceError, paginate

_PAGE = 100


class StackSetReading(StackSetOperations):
    """Describe and List of stack sets, instances and operations."""

    def describe_stack_set(self, call: Call) -> dict[str, Any]:
        """DescribeStackSet."""
        stack_set = self.find_set(call)
        self.reconcile(stack_set)
        return {"StackSet": _set_view(stack_set)}

    def list_stack_sets(self, call: Call) -> dict[str, Any]:
        """ListStackSets."""
        wanted = call.params.get("Status")
        found = [
            _summary(stack_set)
            for stack_set in self.sets(call).values()
            if wanted is None or stack_set.status == wanted
        ]
        return _page(call, found)

    def describe_stack_instance(self, call: Call) -> dict[str, Any]:
        """DescribeStackInstance."""
        stack_set = self.find_set(call)
        place = call.params["StackInstanceAccount"], call.params["StackInstanceRegion"]
        instance = stack_set.instances.get(place)
        if instance is None:
            raise ServiceError(
                "StackInstanceNotFoundException",
                f"Stack instance not found for StackSet {stack_set.id}, account {place[0]} and "
                f"region {place[1]}",
                status=404,
            )
        overrides = [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in instance.overrides.items()
        ]
        view = _instance_view(stack_set, instance)
        return {"StackInstance": {**view, "ParameterOverrides": overrides}}

    def list_stack_instances(self, call: Call) -> dict[str, Any]:
        """ListStackInstances."""
        stack_set, params = self.find_set(call), call.params
        self.reconcile(stack_set)
        filters = {item["Name"]: item["Values"] for item in params.get("Filters", ())}
        found = [
            _instance_view(stack_set, instance)
            for _, instance in sorted(stack_set.instances.items())
            if params.get("StackInstanceAccount") in (None, instance.account)
            and params.get("StackInstanceRegion") in (None, instance.region)
            and filters.get("DETAILED_STATUS") in (None, instance.detailed)
            and filters.get("LAST_OPERATION_ID") in (None, instance.operation_id)
        ]
        return _page(call, found)

    def describe_stack_set_operation(self, call: Call) -> dict[str, Any]:
        """DescribeStackSetOperation."""
        stack_set = self.find_set(call)
        operation = self._operation(call, stack_set)
        view = _operation_view(operation)
        view["StackSetId"] = stack_set.id
        if operation.targets:
            view["DeploymentTargets"] = dict(operation.targets)
        if operation.action == "DELETE":
            view["RetainStacks"] = operation.retain
        return {"StackSetOperation": view}

    def list_stack_set_operations(self, call: Call) -> dict[str, Any]:
        """ListStackSetOperations, newest first."""
        operations = list(self.find_set(call).operations.values())
        return _page(call, [_operation_view(operation) for operation in reversed(operations)])

    def list_stack_set_operation_results(self, call: Call) -> dict[str, Any]:
        """ListStackSetOperationResults."""
        operation = self._operation(call, self.find_set(call))
        found = []
        for (account, region), result in operation.results.items():
            view: dict[str, Any] = {"Account": account, "Region": region, "Status": result.status}
            if result.reason:
                view["StatusReason"] = result.reason
            if result.unit:
                view["OrganizationalUnitId"] = result.unit
            found.append(view)
        return _page(call, found)

    def _operation(self, call: Call, stack_set: StackSet) -> Operation:
        operation_id = call.params["OperationId"]
        if operation_id not in stack_set.operations:
            raise ServiceError(
                "OperationNotFoundException", f"Operation {operation_id} not found", status=404
            )
        return stack_set.operations[operation_id]

    def activate_organizations_access(self, call: Call) -> dict[str, Any]:
        """ActivateOrganizationsAccess: trusted access, by the management account."""
        self._organizations(call).enable_aws_service_access(ServicePrincipal=TRUSTED_SERVICE)
        return {}

    def deactivate_organizations_access(self, call: Call) -> dict[str, Any]:
        """DeactivateOrganizationsAccess."""
        self._organizations(call).disable_aws_service_access(ServicePrincipal=TRUSTED_SERVICE)
        return {}

    def _organizations(self, call: Call) -> Any:
        if not self.aws.organizations.is_management_account(call.account):
            raise ServiceError(
                "InvalidOperationException",
                "You must be the management account of an organization",
            )
        return self.aws.client_as(
            call.credentials,
            "organizations",
            region=call.region,
            via="cloudformation.amazonaws.com",
        )

    def describe_organizations_access(self, call: Call) -> dict[str, Any]:
        """DescribeOrganizationsAccess."""
        account, _ = self.owner(call)
        enabled = self.aws.organizations.service_access_enabled(
            account, service_principal=TRUSTED_SERVICE
        )
        return {"Status": "ENABLED" if enabled else "DISABLED"}


def _page(call: Call, items: list[Any]) -> dict[str, Any]:
    page, token = paginate(
        items,
        token=call.params.get("NextToken"),
        size=call.params.get("MaxResults"),
        default=_PAGE,
        error=lambda: validation_error("Invalid NextToken"),
    )
    return {"Summaries": page, **({"NextToken": token} if token else {})}


def _set_view(stack_set: StackSet) -> dict[str, Any]:
    view: dict[str, Any] = {
        **_summary(stack_set),
        "TemplateBody": stack_set.template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in stack_set.parameters.items()
        ],
        "Capabilities": list(stack_set.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in stack_set.tags.items()],
        "StackSetARN": stack_set.arn,
        "OrganizationalUnitIds": sorted(stack_set.deployed),
        "Regions": list(dict.fromkeys(region for _, region in stack_set.instances)),
    }
    del view["DriftStatus"]
    if stack_set.administration_role:
        view["AdministrationRoleARN"] = stack_set.administration_role
    if stack_set.execution_role:
        view["ExecutionRoleName"] = stack_set.execution_role
    return view


def _summary(stack_set: StackSet) -> dict[str, Any]:
    view: dict[str, Any] = {
        "StackSetName": stack_set.name,
        "StackSetId": stack_set.id,
        "Status": stack_set.status,
        "PermissionModel": stack_set.permission_model,
        "DriftStatus": "NOT_CHECKED",
        "ManagedExecution": {"Active": stack_set.managed_execution},
    }
    if stack_set.description:
        view["Description"] = stack_set.description
    if stack_set.service_managed:
        view["AutoDeployment"] = dict(stack_set.auto_deployment)
    return view


def _instance_view(stack_set: StackSet, instance: Instance) -> dict[str, Any]:
    optional: Mapping[str, str | None] = {
        "StackId": instance.stack_id,
        "StatusReason": instance.reason,
        "OrganizationalUnitId": instance.unit,
        "LastOperationId": instance.operation_id or None,
    }
    return {
        "StackSetId": stack_set.id,
        "Account": instance.account,
        "Region": instance.region,
        "Status": instance.status,
        "StackInstanceStatus": {"DetailedStatus": instance.detailed},
        "DriftStatus": "NOT_CHECKED",
        **{name: value for name, value in optional.items() if value is not None},
    }


def _operation_view(operation: Operation) -> dict[str, Any]:
    view: dict[str, Any] = {
        "OperationId": operation.id,
        "Action": operation.action,
        "Status": operation.status,
        "CreationTimestamp": operation.created,
        "OperationPreferences": dict(operation.preferences),
    }
    if operation.ended:
        view["EndTimestamp"] = operation.ended
    return view
