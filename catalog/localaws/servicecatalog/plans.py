"""Provisioned-product plans: a change set that is shown before it is executed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import idempotent, locked, tag_list, utc_now
from catalog.localaws.servicecatalog.launches import Launch, given_tags
from catalog.localaws.servicecatalog.models import Plan, Provisioned
from catalog.localaws.servicecatalog.provisioned import ProvisionedProducts
from catalog.localaws.servicecatalog.records import at_level, record_detail
from catalog.localaws.servicecatalog.stacks import StackRequest, StoppedError


class Plans(ProvisionedProducts):
    """Operations on plans."""

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self._launches: dict[str, Launch] = {}

    @idempotent("IdempotencyToken")
    def create_provisioned_product_plan(self, call: Call) -> dict[str, Any]:
        """Begin to plan a launch, or an update when the name is taken."""
        with self.lock:
            name = call.params["ProvisionedProductName"]
            existing = next(
                (p for p in self.account(call).provisioned.values() if p.name == name), None
            )
            if existing and existing.status in ("UNDER_CHANGE", "PLAN_IN_PROGRESS"):
                raise errors.invalid_state(
                    f"Provisioned product {existing.id} is {existing.status}."
                )
        launch = self.check_launch(
            call,
            params=call.params,
            tags=given_tags(call),
            previous=existing.parameters if existing else None,
        )
        with self.lock:
            provisioned = existing or self.new_provisioned(
                call,
                launch,
                provisioned_id=ids.new_id("pp"),
                name=name,
                token=call.params["IdempotencyToken"],
            )
            if not existing:
                provisioned.status = "PLAN_IN_PROGRESS"
            plan = self._new_plan(call, launch, provisioned, creates=existing is None)
        request = self.stack_request(
            call, launch, provisioned_id=provisioned.id, provisioned_arn=provisioned.arn
        )
        self._launches[plan.id] = launch
        self.aws.spawn(
            f"plan {plan.id} in {call.account}",
            lambda: self._make(call, plan, provisioned, request, launch),
        )
        return {
            "PlanName": plan.name,
            "PlanId": plan.id,
            "ProvisionProductId": provisioned.id,
            "ProvisionedProductName": provisioned.name,
            "ProvisioningArtifactId": plan.artifact_id,
        }

    @locked
    def describe_provisioned_product_plan(self, call: Call) -> dict[str, Any]:
        """Return a plan with a page of the changes it would make."""
        plan = self._plan(call)
        details: dict[str, Any] = {
            "CreatedTime": plan.created,
            "PathId": plan.path_id,
            **_summary(plan),
            "ProductId": plan.product_id,
            "Status": plan.status,
            "UpdatedTime": plan.updated,
            "NotificationArns": plan.notification_arns,
            "ProvisioningParameters": plan.parameters,
            "Tags": plan.tags,
        }
        if plan.status_message:
            details["StatusMessage"] = plan.status_message
        page, more = self.page(call, plan.changes)
        return {"ProvisionedProductPlanDetails": details, "ResourceChanges": page, **more}

    @locked
    def list_provisioned_product_plans(self, call: Call) -> dict[str, Any]:
        """List plans, of one provisioned product or all."""
        wanted = call.params.get("ProvisionProductId")
        found = [
            p
            for p in self.account(call).plans.values()
            if at_level(call, p) and wanted in (None, p.provisioned_id)
        ]
        page, more = self.page(call, found)
        return {"ProvisionedProductPlans": [_summary(p) for p in page], **more}

    @idempotent("IdempotencyToken")
    def execute_provisioned_product_plan(self, call: Call) -> dict[str, Any]:
        """Make a plan's changes."""
        with self.lock:
            plan = self._plan(call)
            if plan.status != "CREATE_SUCCESS":
                raise errors.invalid_state(f"Plan {plan.id} is {plan.status}.")
            provisioned = self.account(call).provisioned[plan.provisioned_id]
            launch = self._launches[plan.id]
            plan.status, plan.updated = "EXECUTE_IN_PROGRESS", utc_now()
            provisioned.status = "UNDER_CHANGE"
            kind = "PROVISION_PRODUCT" if plan.creates else "UPDATE_PROVISIONED_PRODUCT"
            record = self.begin_record(call, provisioned, kind, launch)
            answer = {"RecordDetail": record_detail(record)}
        credentials = self.assume(launch.role_arn) if launch.role_arn else call.credentials
        stacks = self.stacks(credentials, region=call.region)

        def work() -> Any:
            outcome = stacks.execute(
                plan.change_set, stack_id=provisioned.stack_id, creates=plan.creates
            )
            plan.status = "EXECUTE_SUCCESS" if outcome.ok else "EXECUTE_FAILED"
            plan.status_message, plan.updated = outcome.message or None, utc_now()
            return outcome

        self.follow(
            call,
            provisioned,
            record,
            work=work,
            on_failure="ERROR" if plan.creates else "TAINTED",
            on_success=lambda: self.adopt(provisioned, launch),
        )
        return answer

    def delete_provisioned_product_plan(self, call: Call) -> dict[str, Any]:
        """Delete a plan, and what a plan for a launch had reserved."""
        with self.lock:
            plan = self._plan(call)
            provisioned = self.account(call).provisioned.get(plan.provisioned_id)
            launch = self._launches[plan.id]
        undone = plan.creates and provisioned and provisioned.status == "PLAN_IN_PROGRESS"
        if plan.change_set and not plan.status.startswith("EXECUTE"):
            credentials = self.assume(launch.role_arn) if launch.role_arn else call.credentials
            stacks = self.stacks(credentials, region=call.region)
            try:
                stacks.drop_plan(plan.change_set)
                if undone and provisioned:
                    stacks.delete(provisioned.stack_id)
            except ClientError as error:
                if not call.params.get("IgnoreErrors"):
                    raise errors.invalid(str(error)) from None
        with self.lock:
            state = self.account(call)
            state.plans.pop(plan.id, None)
            self._launches.pop(plan.id, None)
            if undone:
                state.provisioned.pop(plan.provisioned_id, None)
        return {}

    def _new_plan(
        self, call: Call, launch: Launch, provisioned: Provisioned, *, creates: bool
    ) -> Plan:
        plan = Plan(
            id=ids.new_id("plan"),
            name=call.params["PlanName"],
            provisioned_id=provisioned.id,
            provisioned_name=provisioned.name,
            product_id=launch.chosen.product.id,
            artifact_id=launch.chosen.artifact.id,
            path_id=launch.chosen.path.id,
            created=utc_now(),
            updated=utc_now(),
            user_arn=call.principal.role_arn or call.principal.arn,
            session_arn=call.principal.arn,
            parameters=call.params.get("ProvisioningParameters", []),
            tags=tag_list(given_tags(call)),
            notification_arns=call.params.get("NotificationArns", []),
            creates=creates,
        )
        self.account(call).plans[plan.id] = plan
        return plan

    def _make(
        self,
        call: Call,
        plan: Plan,
        provisioned: Provisioned,
        request: StackRequest,
        launch: Launch,
    ) -> None:
        stacks = self.stacks(launch.credentials, region=call.region)
        try:
            described = stacks.plan(request, change_set=plan.id, creates=plan.creates)
        except StoppedError:
            return
        except ClientError as error:
            described = {"Status": "FAILED", "StatusReason": error.response["Error"]["Message"]}
        with self.lock:
            ok = described["Status"] == "CREATE_COMPLETE"
            plan.status = "CREATE_SUCCESS" if ok else "CREATE_FAILED"
            plan.status_message = None if ok else described.get("StatusReason")
            plan.updated = utc_now()
            plan.change_set = described.get("ChangeSetId", "")
            plan.changes = [_change(c["ResourceChange"]) for c in described.get("Changes", [])]
            if plan.creates:
                provisioned.stack_id = described.get("StackId", "")
                if not ok:
                    provisioned.status = "ERROR"
                    provisioned.status_message = plan.status_message

    def _plan(self, call: Call) -> Plan:
        plan = self.account(call).plans.get(call.params["PlanId"])
        if plan is None:
            raise errors.not_found(f"Plan {call.params['PlanId']} not found.")
        return plan


def _summary(plan: Plan) -> dict[str, Any]:
    return {
        "PlanName": plan.name,
        "PlanId": plan.id,
        "ProvisionProductId": plan.provisioned_id,
        "ProvisionProductName": plan.provisioned_name,
        "PlanType": "CLOUDFORMATION",
        "ProvisioningArtifactId": plan.artifact_id,
    }


def _change(change: dict[str, Any]) -> dict[str, Any]:
    """Return CloudFormation's ResourceChange in Service Catalog's spelling."""
    result: dict[str, Any] = {
        "Action": change["Action"].upper(),
        "LogicalResourceId": change["LogicalResourceId"],
        "ResourceType": change["ResourceType"],
        "Scope": [s.upper() for s in change.get("Scope", [])],
        "Details": [_change_detail(d) for d in change.get("Details", [])],
    }
    if "PhysicalResourceId" in change:
        result["PhysicalResourceId"] = change["PhysicalResourceId"]
    if "Replacement" in change:
        result["Replacement"] = change["Replacement"].upper()
    return result


def _change_detail(detail: dict[str, Any]) -> dict[str, Any]:
    target = detail.get("Target", {})
    result: dict[str, Any] = {
        "Target": {
            key: target[key] if key == "Name" else target[key].upper()
            for key in ("Attribute", "Name", "RequiresRecreation")
            if key in target
        }
    }
    if "Evaluation" in detail:
        result["Evaluation"] = detail["Evaluation"].upper()
    if "CausingEntity" in detail:
        result["CausingEntity"] = detail["CausingEntity"]
    return result
