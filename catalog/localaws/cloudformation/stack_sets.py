"""Stack sets: one template in many accounts and regions.

Sources: "StackSets concepts", "Target accounts", "Automatic deployments" in the CloudFormation
User Guide. Automatic deployment is caught up with whenever a set or its instances are looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from catalog.localaws.cloudformation.base_service import CloudFormationBase
from catalog.localaws.cloudformation.model import State
from catalog.localaws.cloudformation.requests import BODY_LIMIT, checked_template, template_text
from catalog.localaws.cloudformation.stack_set_model import (
    TRUSTED_SERVICE,
    Instance,
    Operation,
    Place,
    Result,
    StackSet,
)
from catalog.localaws.cloudformation.stack_set_run import OperationRun
from catalog.localaws.cloudformation.template import validation_error
from catalog.localaws.cloudformation.validation import check_capabilities
from catalog.localaws.core.service import Call, ServiceError


class StackSetBase(CloudFormationBase):
    """Finding stack sets and starting operations on them."""

    def owner(self, call: Call) -> tuple[str, str]:
        """Return account and region of the stack sets that a call addresses.

        Raises:
            ServiceError: `ValidationError`, when a delegated administrator's call comes from
                another account.
        """
        if call.params.get("CallAs") != "DELEGATED_ADMIN":
            return call.account, call.region
        organizations = self.aws.organizations
        if not organizations.is_delegated_administrator(
            call.account, service_principal=TRUSTED_SERVICE
        ):
            raise validation_error("Account used is not a delegated administrator")
        management = organizations.management_account(call.account)
        assert management is not None  # noqa: S101 - a delegated administrator has one
        return management, call.region

    def sets(self, call: Call) -> dict[str, StackSet]:
        """Return the stack sets that a call addresses, by id."""
        state: State = self.state_of(*self.owner(call))
        return state.stack_sets

    def find_set(self, call: Call) -> StackSet:
        """Return the active stack set of a name or id.

        Raises:
            ServiceError: `StackSetNotFoundException`.
        """
        name = call.params["StackSetName"]
        for stack_set in self.sets(call).values():
            if name in (stack_set.id, stack_set.arn) or (
                name == stack_set.name and stack_set.status == "ACTIVE"
            ):
                return stack_set
        raise ServiceError("StackSetNotFoundException", f"StackSet {name} not found", status=404)

    def start(
        self,
        call: Call,
        stack_set: StackSet,
        *,
        action: str,
        places: Iterable[Place],
        units: Mapping[str, str],
    ) -> str:
        """Start an operation and return its id.

        Raises:
            ServiceError: `OperationInProgressException` or `OperationIdAlreadyExistsException`.
        """
        params = call.params
        operation = Operation(
            id=params.get("OperationId") or str(uuid.uuid4()),
            action=action,
            preferences=params.get("OperationPreferences", {}),
            targets=params.get("DeploymentTargets"),
            retain=bool(params.get("RetainStacks", False)),
        )
        return self.launch(stack_set, operation, places=places, units=units)

    def launch(
        self,
        stack_set: StackSet,
        operation: Operation,
        *,
        places: Iterable[Place],
        units: Mapping[str, str],
    ) -> str:
        """Run an operation in the background and return its id."""
        wanted = list(dict.fromkeys(places))
        with stack_set.lock:
            if operation.id in stack_set.operations:
                raise ServiceError(
                    "OperationIdAlreadyExistsException",
                    f"OperationId {operation.id} already exists",
                    status=409,
                )
            if stack_set.running and not stack_set.managed_execution:
                raise ServiceError(
                    "OperationInProgressException",
                    f"Another Operation on StackSet {stack_set.arn} is in progress",
                    status=409,
                )
            stack_set.operations[operation.id] = operation
            for place in wanted:
                operation.results[place] = Result(unit=units.get(place[0]))
        if not stack_set.running or not stack_set.managed_execution:
            operation.status = "RUNNING"
        run = OperationRun(self, stack_set, operation)
        self.aws.spawn(f"stack set {stack_set.name}", lambda: run.run(wanted))
        return operation.id

    def targets(self, stack_set: StackSet, params: Mapping[str, Any]) -> dict[str, str]:
        """Return the accounts that a request targets, with the OU each comes from ("" for none).

        Raises:
            ServiceError: `ValidationError`.
        """
        targets = params.get("DeploymentTargets") or {}
        accounts = list(params.get("Accounts") or targets.get("Accounts") or ())
        units = list(targets.get("OrganizationalUnitIds") or ())
        if "AccountsUrl" in targets:
            raise validation_error("AccountsUrl is not emulated by the local CloudFormation.")
        if not stack_set.service_managed:
            if units:
                raise validation_error(
                    "OrganizationalUnitIds are only for StackSets with the SERVICE_MANAGED "
                    "permission model"
                )
            if not accounts:
                raise validation_error("Accounts must be specified")
            return dict.fromkeys(accounts, "")
        if not units:
            raise validation_error(
                "OrganizationalUnitIds are required for StackSets with the SERVICE_MANAGED "
                "permission model"
            )
        found = self.accounts_of(stack_set, units)
        kind = targets.get("AccountFilterType", "NONE")
        if kind == "INTERSECTION":
            return {a: unit for a, unit in found.items() if a in accounts}
        if kind == "DIFFERENCE":
            return {a: unit for a, unit in found.items() if a not in accounts}
        if kind == "UNION":
            return {**dict.fromkeys(accounts, ""), **found}
        return found

    def accounts_of(self, stack_set: StackSet, units: Iterable[str]) -> dict[str, str]:
        """Return the accounts under OUs, never the management account.

        Raises:
            ServiceError: `ValidationError`, for an OU that is not in the organisation.
        """
        found: dict[str, str] = {}
        for unit in units:
            accounts = self.aws.organizations.accounts_under(unit)
            if accounts is None:
                raise validation_error(f"OrganizationalUnit {unit} does not exist")
            found.update({account: unit for account in accounts if account != stack_set.account})
        return found

    def reconcile(self, stack_set: StackSet) -> None:
        """Deploy to accounts that joined a target OU; take away from those that left."""
        if not stack_set.auto_deployment.get("Enabled") or stack_set.running:
            return
        units = self.accounts_of(stack_set, stack_set.deployed)
        wanted: dict[Place, str] = {
            (account, region): unit
            for account, unit in units.items()
            for region in stack_set.deployed[unit]
        }
        present = {p for p, i in stack_set.instances.items() if i.unit in stack_set.deployed}
        joined, left = sorted(wanted.keys() - present), sorted(present - wanted.keys())
        if joined:
            for place in joined:
                stack_set.instances[place] = Instance(
                    account=place[0], region=place[1], unit=wanted[place]
                )
            self._automatic(stack_set, "CREATE", joined, units)
        elif left:
            self._automatic(stack_set, "DELETE", left, units)

    def _automatic(
        self, stack_set: StackSet, action: str, places: list[Place], units: Mapping[str, str]
    ) -> None:
        operation = Operation(
            id=str(uuid.uuid4()),
            action=action,
            preferences={},
            targets=None,
            retain=bool(stack_set.auto_deployment.get("RetainStacksOnAccountRemoval", False)),
        )
        self.launch(stack_set, operation, places=places, units=units)


class StackSetOperations(StackSetBase):
    """The operations that make, change and remove stack sets and their instances."""

    def create_stack_set(self, call: Call) -> dict[str, Any]:
        """CreateStackSet."""
        params, name = call.params, call.params["StackSetName"]
        account, region = self.owner(call)
        sets = self.sets(call)
        model = params.get("PermissionModel", "SELF_MANAGED")
        if params.get("StackId"):
            raise validation_error("Importing stacks is not emulated by the local CloudFormation.")
        if any(s.name == name and s.status == "ACTIVE" for s in sets.values()):
            raise ServiceError(
                "NameAlreadyExistsException",
                f"The Name provided already exists on another StackSet: {name}",
                status=409,
            )
        self._check_model(call, model)
        text = self._template(call, None)
        stack_set = StackSet(
            id=f"{name}:{uuid.uuid4()}",
            name=name,
            account=account,
            region=region,
            template=text,
            parameters=_parameters(params.get("Parameters", ())),
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", ())},
            capabilities=tuple(params.get("Capabilities", ())),
            permission_model=model,
            description=params.get("Description"),
            administration_role=params.get("AdministrationRoleARN"),
            execution_role=params.get("ExecutionRoleName"),
            auto_deployment=dict(params.get("AutoDeployment", {})),
            managed_execution=bool(params.get("ManagedExecution", {}).get("Active", False)),
        )
        self._check_parameters(stack_set)
        sets[stack_set.id] = stack_set
        return {"StackSetId": stack_set.id}

    def _check_model(self, call: Call, model: str) -> None:
        if model != "SERVICE_MANAGED":
            if call.params.get("AutoDeployment", {}).get("Enabled"):
                raise validation_error("AutoDeployment is only for SERVICE_MANAGED stack sets")
            return
        if "AutoDeployment" not in call.params:
            raise validation_error(
                "AutoDeployment must be specified for StackSets with SERVICE_MANAGED permission "
                "model"
            )
        account, _ = self.owner(call)
        organizations = self.aws.organizations
        if not organizations.is_management_account(account):
            raise validation_error(
                "You must be the management account or delegated admin account of an organization "
                "before operating a SERVICE_MANAGED stack set"
            )
        if not organizations.service_access_enabled(account, service_principal=TRUSTED_SERVICE):
            raise validation_error(
                "You must enable organizations access to operate a service managed stack set"
            )

    def _template(self, call: Call, stack_set: StackSet | None) -> str:
        if stack_set is not None and call.params.get("UsePreviousTemplate"):
            return stack_set.template
        text = template_text(call)
        if len(text.encode()) > BODY_LIMIT:
            raise validation_error(
                f"Stack sets of templates over {BODY_LIMIT} bytes are not emulated by the local "
                "CloudFormation."
            )
        template = checked_template(text)
        check_capabilities(template, call.params.get("Capabilities", ()))
        return text

    def _check_parameters(self, stack_set: StackSet) -> None:
        known = checked_template(stack_set.template).parameters
        unknown = sorted(set(stack_set.parameters) - set(known))
        if unknown:
            raise validation_error(
                f"Parameters: [{', '.join(unknown)}] do not exist in the template"
            )

    def update_stack_set(self, call: Call) -> dict[str, Any]:
        """UpdateStackSet: the set, and then its instances."""
        stack_set, params = self.find_set(call), call.params
        if stack_set.running and not stack_set.managed_execution:
            raise ServiceError(
                "OperationInProgressException",
                f"Another Operation on StackSet {stack_set.arn} is in progress",
                status=409,
            )
        stack_set.template = self._template(call, stack_set)
        before = stack_set.parameters
        stack_set.parameters = _parameters(params.get("Parameters", ()), before)
        self._check_parameters(stack_set)
        stack_set.capabilities = tuple(params.get("Capabilities", ()))
        if "Tags" in params:
            stack_set.tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        for member, attribute in (
            ("Description", "description"),
            ("AdministrationRoleARN", "administration_role"),
            ("ExecutionRoleName", "execution_role"),
            ("AutoDeployment", "auto_deployment"),
        ):
            if member in params:
                setattr(stack_set, attribute, params[member])
        if "ManagedExecution" in params:
            stack_set.managed_execution = bool(params["ManagedExecution"].get("Active", False))
        places = self._existing(stack_set, params)
        for instance in stack_set.instances.values():
            instance.status = "OUTDATED"
        return {"OperationId": self.start(
            call, stack_set, action="UPDATE", places=places, units=_units(stack_set, places)
        )}  # fmt: skip

    def _existing(self, stack_set: StackSet, params: Mapping[str, Any]) -> list[Place]:
        """Return the instances a request means: all of them, unless it names some."""
        named = params.get("Accounts") or params.get("DeploymentTargets")
        accounts = self.targets(stack_set, params) if named else None
        regions = params.get("Regions")
        return [
            (account, region)
            for account, region in stack_set.instances
            if (accounts is None or account in accounts) and (not regions or region in regions)
        ]

    def create_stack_instances(self, call: Call) -> dict[str, Any]:
        """CreateStackInstances."""
        stack_set, params = self.find_set(call), call.params
        units = self.targets(stack_set, params)
        places = [(account, region) for region in params["Regions"] for account in units]
        overrides = _parameters(params.get("ParameterOverrides", ()))
        operation_id = self.start(call, stack_set, action="CREATE", places=places, units=units)
        with stack_set.lock:
            for account, region in places:
                instance = stack_set.instances.setdefault(
                    (account, region),
                    Instance(account=account, region=region, unit=units[account] or None),
                )
                instance.overrides = overrides
                instance.operation_id = operation_id
            if not params.get("DeploymentTargets", {}).get("Accounts"):
                for unit in params.get("DeploymentTargets", {}).get("OrganizationalUnitIds", ()):
                    stack_set.deployed.setdefault(unit, set()).update(params["Regions"])
        return {"OperationId": operation_id}

    def update_stack_instances(self, call: Call) -> dict[str, Any]:
        """UpdateStackInstances: parameter overrides."""
        stack_set = self.find_set(call)
        places = self._existing(stack_set, call.params)
        if not places:
            raise ServiceError(
                "StackInstanceNotFoundException", "No stack instances match.", status=404
            )
        for place in places:
            instance = stack_set.instances[place]
            given = call.params.get("ParameterOverrides", ())
            instance.overrides = _parameters(given, instance.overrides)
        units = _units(stack_set, places)
        return {
            "OperationId": self.start(call, stack_set, action="UPDATE", places=places, units=units)
        }

    def delete_stack_instances(self, call: Call) -> dict[str, Any]:
        """DeleteStackInstances."""
        stack_set, params = self.find_set(call), call.params
        places = self._existing(stack_set, params)
        for unit in params.get("DeploymentTargets", {}).get("OrganizationalUnitIds", ()):
            left = stack_set.deployed.get(unit, set()) - set(params["Regions"])
            stack_set.deployed[unit] = left
            if not left:
                del stack_set.deployed[unit]
        units = _units(stack_set, places)
        return {
            "OperationId": self.start(call, stack_set, action="DELETE", places=places, units=units)
        }

    def delete_stack_set(self, call: Call) -> dict[str, Any]:
        """DeleteStackSet."""
        stack_set = self.find_set(call)
        if stack_set.instances:
            raise ServiceError("StackSetNotEmptyException", "StackSet is not empty", status=409)
        if stack_set.running:
            raise ServiceError(
                "OperationInProgressException", "An operation is in progress", status=409
            )
        stack_set.status = "DELETED"
        return {}

    def stop_stack_set_operation(self, call: Call) -> dict[str, Any]:
        """StopStackSetOperation."""
        stack_set = self.find_set(call)
        operation = stack_set.operations.get(call.params["OperationId"])
        if operation is None:
            raise ServiceError("OperationNotFoundException", "No such operation", status=404)
        if operation.status not in ("RUNNING", "QUEUED"):
            raise ServiceError(
                "InvalidOperationException", "The operation has ended already.", status=400
            )
        operation.status = "STOPPING"
        operation.stopping.set()
        return {}


def _parameters(
    given: Iterable[Mapping[str, Any]], previous: Mapping[str, str] | None = None
) -> dict[str, str]:
    before = previous or {}
    return {
        item["ParameterKey"]: before.get(item["ParameterKey"], "")
        if item.get("UsePreviousValue")
        else item.get("ParameterValue", "")
        for item in given
    }


def _units(stack_set: StackSet, places: Iterable[Place]) -> dict[str, str]:
    return {account: stack_set.instances[account, region].unit or "" for account, region in places}
