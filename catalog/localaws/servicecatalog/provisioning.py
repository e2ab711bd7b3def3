"""Provisioned products: launch, update, terminate; each followed to its end in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import idempotent, locked, utc_now
from catalog.localaws.servicecatalog.launches import Launch, Launches, given_tags
from catalog.localaws.servicecatalog.models import Provisioned, Record
from catalog.localaws.servicecatalog.records import Records, record_detail
from catalog.localaws.servicecatalog.stacks import Outcome, StoppedError


class Provisioning(Launches, Records):
    """Operations that change provisioned products."""

    @idempotent("ProvisionToken")
    def provision_product(self, call: Call) -> dict[str, Any]:
        """Launch a product as its launch role; the record tells how it goes."""
        self._require_free_name(call, call.params["ProvisionedProductName"])
        launch = self.check_launch(call, params=call.params, tags=given_tags(call), previous=None)
        with self.lock:
            self._require_free_name(call, call.params["ProvisionedProductName"])
            provisioned = self.new_provisioned(
                call,
                launch,
                provisioned_id=ids.new_id("pp"),
                name=call.params["ProvisionedProductName"],
                token=call.params["ProvisionToken"],
            )
            record = self.begin_record(call, provisioned, "PROVISION_PRODUCT", launch)
            answer = {"RecordDetail": record_detail(record)}
        request = self.stack_request(
            call, launch, provisioned_id=provisioned.id, provisioned_arn=provisioned.arn
        )
        stacks = self.stacks(launch.credentials, region=call.region)
        self.follow(
            call,
            provisioned,
            record,
            work=lambda: stacks.create(
                request, on_id=lambda stack_id: setattr(provisioned, "stack_id", stack_id)
            ),
            on_failure="ERROR",
        )
        return answer

    @idempotent("UpdateToken")
    def update_provisioned_product(self, call: Call) -> dict[str, Any]:
        """Bring a provisioned product to another version, or to other parameters."""
        with self.lock:
            provisioned = self.find_provisioned(call)
            self._require_settled(provisioned)
        launch = self.check_launch(
            call,
            params=self._update_params(call, provisioned),
            tags=self._update_tags(call, provisioned),
            previous=provisioned.parameters,
        )
        with self.lock:
            self._require_settled(provisioned)
            self._allow_tag_update(call, launch)
            provisioned.status = "UNDER_CHANGE"
            record = self.begin_record(call, provisioned, "UPDATE_PROVISIONED_PRODUCT", launch)
            answer = {"RecordDetail": record_detail(record)}
        request = self.stack_request(
            call, launch, provisioned_id=provisioned.id, provisioned_arn=provisioned.arn
        )
        stacks = self.stacks(launch.credentials, region=call.region)
        self.follow(
            call,
            provisioned,
            record,
            work=lambda: stacks.update(request, stack_id=provisioned.stack_id),
            on_failure="TAINTED",
            on_success=lambda: self.adopt(provisioned, launch),
        )
        return answer

    @idempotent("TerminateToken")
    def terminate_provisioned_product(self, call: Call) -> dict[str, Any]:
        """Delete a provisioned product and its stack, as the role it was launched with."""
        with self.lock:
            provisioned = self.find_provisioned(call)
            self._require_settled(provisioned)
            provisioned.status = "UNDER_CHANGE"
            record = self.begin_record(call, provisioned, "TERMINATE_PROVISIONED_PRODUCT", None)
            answer = {"RecordDetail": record_detail(record)}
        self.follow(
            call,
            provisioned,
            record,
            work=lambda: self._delete_stack(call, provisioned),
            on_failure="TAINTED",
            on_success=lambda: self._forget(call, provisioned),
        )
        return answer

    @idempotent("IdempotencyToken")
    @locked
    def update_provisioned_product_properties(self, call: Call) -> dict[str, Any]:
        """Change who owns a provisioned product, or the role it is changed with."""
        provisioned = self.account(call).provisioned.get(call.params["ProvisionedProductId"])
        if provisioned is None:
            raise errors.not_found(
                f"Provisioned product {call.params['ProvisionedProductId']} not found."
            )
        if provisioned.status == "UNDER_CHANGE":
            raise errors.invalid_state(f"Provisioned product {provisioned.id} is under change.")
        properties = call.params["ProvisionedProductProperties"]
        if "OWNER" in properties:
            provisioned.user_arn = provisioned.session_arn = properties["OWNER"]
        if "LAUNCH_ROLE" in properties:
            provisioned.launch_role_arn = properties["LAUNCH_ROLE"] or None
        record = self.begin_record(call, provisioned, "UPDATE_PROVISIONED_PRODUCT_PROPERTIES", None)
        record.status = "SUCCEEDED"
        return {
            "ProvisionedProductId": provisioned.id,
            "ProvisionedProductProperties": properties,
            "RecordId": record.id,
            "Status": record.status,
        }

    def new_provisioned(
        self, call: Call, launch: Launch, *, provisioned_id: str, name: str, token: str
    ) -> Provisioned:
        """Register a new provisioned product, UNDER_CHANGE."""
        chosen = launch.chosen
        provisioned = Provisioned(
            id=provisioned_id,
            name=name,
            account=call.account,
            region=call.region,
            product_id=chosen.product.id,
            product_name=chosen.product.name,
            artifact_id=chosen.artifact.id,
            artifact_name=chosen.artifact.name or "",
            path_id=chosen.path.id,
            created=utc_now(),
            user_arn=call.principal.role_arn or call.principal.arn,
            session_arn=call.principal.arn,
            token=token,
            launch_role_arn=launch.role_arn,
            tags=launch.tags,
            parameters=launch.parameters,
        )
        self.account(call).provisioned[provisioned.id] = provisioned
        return provisioned

    def begin_record(
        self, call: Call, provisioned: Provisioned, kind: str, launch: Launch | None
    ) -> Record:
        """Open the record of a request on `provisioned`."""
        chosen = launch.chosen if launch else None
        record = Record(
            id=ids.new_id("rec"),
            type=kind,
            provisioned_id=provisioned.id,
            provisioned_name=provisioned.name,
            product_id=chosen.product.id if chosen else provisioned.product_id,
            artifact_id=chosen.artifact.id if chosen else provisioned.artifact_id,
            path_id=chosen.path.id if chosen else provisioned.path_id,
            created=utc_now(),
            updated=utc_now(),
            user_arn=call.principal.role_arn or call.principal.arn,
            session_arn=call.principal.arn,
            launch_role_arn=launch.role_arn if launch else provisioned.launch_role_arn,
            tags=launch.tags if launch else {},
        )
        self.account(call).records[record.id] = record
        provisioned.last_record = record.id
        if launch:
            provisioned.last_provisioning_record = record.id
        return record

    def follow(
        self,
        call: Call,
        provisioned: Provisioned,
        record: Record,
        *,
        work: Callable[[], Outcome],
        on_failure: str,
        on_success: Callable[[], None] = lambda: None,
    ) -> None:
        """Run `work` in the background and write how it ends into record and product."""

        def run() -> None:
            self._progress(record)
            if not self.aws.pause():
                return
            try:
                outcome = work()
            except StoppedError:
                return
            except Exception as error:
                self._end(provisioned, record, Outcome(ok=False, message=str(error)), on_failure)
                raise
            with self.lock:
                self._end(provisioned, record, outcome, on_failure)
                if outcome.ok:
                    on_success()

        self.aws.spawn(f"{record.type} {provisioned.id} in {call.account}", run)

    def adopt(self, provisioned: Provisioned, launch: Launch) -> None:
        """Make an update's product, version, path, role, parameters and tags those in force."""
        chosen = launch.chosen
        provisioned.product_id, provisioned.product_name = chosen.product.id, chosen.product.name
        provisioned.artifact_id = chosen.artifact.id
        provisioned.artifact_name = chosen.artifact.name or ""
        provisioned.path_id = chosen.path.id
        provisioned.launch_role_arn = launch.role_arn
        provisioned.parameters, provisioned.tags = launch.parameters, launch.tags

    def find_provisioned(self, call: Call) -> Provisioned:
        """Return the provisioned product that the request names, by id or by name.

        Raises:
            ServiceError: ResourceNotFoundException or InvalidParametersException.
        """
        params = call.params
        wanted_id = params.get("ProvisionedProductId", params.get("Id"))
        name = params.get("ProvisionedProductName", params.get("Name"))
        if (wanted_id is None) == (name is None):
            raise errors.invalid("Specify either the id or the name of the provisioned product.")
        for provisioned in self.account(call).provisioned.values():
            if wanted_id == provisioned.id or name in (provisioned.name, provisioned.arn):
                return provisioned
        raise errors.not_found(f"Provisioned product {wanted_id or name} not found.")

    def _progress(self, record: Record) -> None:
        with self.lock:
            record.status, record.updated = "IN_PROGRESS", utc_now()

    def _end(
        self, provisioned: Provisioned, record: Record, outcome: Outcome, on_failure: str
    ) -> None:
        record.updated = utc_now()
        record.outputs = outcome.outputs
        record.status = "SUCCEEDED" if outcome.ok else "FAILED"
        provisioned.status = "AVAILABLE" if outcome.ok else on_failure
        provisioned.status_message = outcome.message or None
        if outcome.ok:
            provisioned.outputs = outcome.outputs
            provisioned.last_successful_record = (
                provisioned.last_provisioning_record or provisioned.last_successful_record
            )
        else:
            record.errors = [{"Code": "InternalServerException", "Description": outcome.message}]

    def _delete_stack(self, call: Call, provisioned: Provisioned) -> Outcome:
        if call.params.get("RetainPhysicalResources") or not provisioned.stack_id:
            return Outcome(ok=True)
        role_arn = provisioned.launch_role_arn
        try:
            credentials = self.assume(role_arn) if role_arn else call.credentials
            outcome = self.stacks(credentials, region=call.region).delete(provisioned.stack_id)
        except ServiceError as error:
            outcome = Outcome(ok=False, message=error.message)
        return Outcome(ok=True) if call.params.get("IgnoreErrors") else outcome

    def _forget(self, call: Call, provisioned: Provisioned) -> None:
        self.account(call).provisioned.pop(provisioned.id, None)

    def _update_params(self, call: Call, provisioned: Provisioned) -> dict[str, Any]:
        params = dict(call.params)
        if not {"ProductId", "ProductName"} & set(params):
            params["ProductId"] = provisioned.product_id
        if not {"ProvisioningArtifactId", "ProvisioningArtifactName"} & set(params):
            params["ProvisioningArtifactId"] = provisioned.artifact_id
        if not {"PathId", "PathName"} & set(params):
            with self.lock:
                product = self.resolve_product(call, params)
                paths = [p.id for p in self.launch_paths(call, product)]
            if provisioned.path_id in paths:
                params["PathId"] = provisioned.path_id
        return params

    def _update_tags(self, call: Call, provisioned: Provisioned) -> dict[str, str]:
        return given_tags(call) if "Tags" in call.params else provisioned.tags

    def _allow_tag_update(self, call: Call, launch: Launch) -> None:
        if "Tags" not in call.params:
            return
        allowed = any(
            p["Properties"]["TagUpdateOnProvisionedProduct"] == "ALLOWED"
            for p in launch.chosen.path.parameters_of("RESOURCE_UPDATE")
        )
        if not allowed:
            raise errors.invalid(
                "Tags can be updated only where a RESOURCE_UPDATE constraint allows it."
            )

    def _require_free_name(self, call: Call, name: str) -> None:
        with self.lock:
            if any(p.name == name for p in self.account(call).provisioned.values()):
                raise errors.invalid(f"A stack named {name} already exists.")

    def _require_settled(self, provisioned: Provisioned) -> None:
        if provisioned.status in ("UNDER_CHANGE", "PLAN_IN_PROGRESS"):
            raise errors.invalid(f"Provisioned product {provisioned.id} is {provisioned.status}.")
