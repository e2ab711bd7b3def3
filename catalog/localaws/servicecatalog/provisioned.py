"""Reading provisioned products: describe, outputs, scan and search."""

from __future__ import annotations

from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors
from catalog.localaws.servicecatalog.base import locked, tag_list
from catalog.localaws.servicecatalog.models import Provisioned
from catalog.localaws.servicecatalog.provisioning import Provisioning
from catalog.localaws.servicecatalog.records import at_level

_SORT_KEYS = ("arn", "id", "name", "lastRecordId")


class ProvisionedProducts(Provisioning):
    """Operations that read provisioned products."""

    @locked
    def describe_provisioned_product(self, call: Call) -> dict[str, Any]:
        """Return one provisioned product."""
        return {
            "ProvisionedProductDetail": _detail(self.find_provisioned(call)),
            "CloudWatchDashboards": [],
        }

    @locked
    def get_provisioned_product_outputs(self, call: Call) -> dict[str, Any]:
        """Return the outputs of a provisioned product's stack, all or the wanted ones."""
        outputs = self.find_provisioned(call).outputs
        wanted = call.params.get("OutputKeys")
        if wanted:
            known = {o["OutputKey"] for o in outputs}
            if missing := [key for key in wanted if key not in known]:
                raise errors.invalid(f"Output keys {', '.join(missing)} do not exist.")
            outputs = [o for o in outputs if o["OutputKey"] in wanted]
        page, more = self.page(call, outputs)
        return {"Outputs": page, **more}

    @locked
    def scan_provisioned_products(self, call: Call) -> dict[str, Any]:
        """List provisioned products of the caller, of its role or of the account."""
        found = [p for p in self.account(call).provisioned.values() if at_level(call, p)]
        page, more = self.page(call, found)
        return {"ProvisionedProducts": [_detail(p) for p in page], **more}

    @locked
    def search_provisioned_products(self, call: Call) -> dict[str, Any]:
        """Search provisioned products; a query is `key:value`, or text that a member equals."""
        queries = call.params.get("Filters", {}).get("SearchQuery", [])
        found = [
            p
            for p in self.account(call).provisioned.values()
            if at_level(call, p) and all(_matches(p, query) for query in queries)
        ]
        if sort := call.params.get("SortBy"):
            if sort not in _SORT_KEYS:
                raise errors.invalid(f"SortBy must be one of {', '.join(_SORT_KEYS)}.")
            found.sort(
                key=lambda p: _searchable(p)[sort.lower()],
                reverse=call.params.get("SortOrder") == "DESCENDING",
            )
        page, more = self.page(call, found, default=100)
        return {
            "ProvisionedProducts": [_attribute(p) for p in page],
            "TotalResultsCount": len(found),
            **more,
        }

    @locked
    def list_stack_instances_for_provisioned_product(self, call: Call) -> dict[str, Any]:
        """Refuse: every provisioned product here is a stack, none a stack set."""
        provisioned = self.find_provisioned(call)
        raise errors.invalid(
            f"Provisioned product {provisioned.id} is of type CFN_STACK, not CFN_STACKSET."
        )


def _detail(provisioned: Provisioned) -> dict[str, Any]:
    detail: dict[str, Any] = {
        **_common(provisioned),
        "ProductId": provisioned.product_id,
        "ProvisioningArtifactId": provisioned.artifact_id,
    }
    if provisioned.launch_role_arn:
        detail["LaunchRoleArn"] = provisioned.launch_role_arn
    return detail


def _attribute(provisioned: Provisioned) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        **_common(provisioned),
        "Tags": tag_list(provisioned.tags),
        "ProductId": provisioned.product_id,
        "ProductName": provisioned.product_name,
        "ProvisioningArtifactId": provisioned.artifact_id,
        "ProvisioningArtifactName": provisioned.artifact_name,
        "UserArn": provisioned.user_arn,
        "UserArnSession": provisioned.session_arn,
    }
    if provisioned.stack_id:
        attribute["PhysicalId"] = provisioned.stack_id
    return attribute


def _common(provisioned: Provisioned) -> dict[str, Any]:
    optional = {
        "StatusMessage": provisioned.status_message,
        "IdempotencyToken": provisioned.token,
        "LastRecordId": provisioned.last_record,
        "LastProvisioningRecordId": provisioned.last_provisioning_record,
        "LastSuccessfulProvisioningRecordId": provisioned.last_successful_record,
    }
    return {
        "Name": provisioned.name,
        "Arn": provisioned.arn,
        "Type": "CFN_STACK",
        "Id": provisioned.id,
        "Status": provisioned.status,
        "CreatedTime": provisioned.created,
        **{key: value for key, value in optional.items() if value},
    }


def _searchable(provisioned: Provisioned) -> dict[str, str]:
    members = {
        key: value for key, value in _attribute(provisioned).items() if isinstance(value, str)
    }
    return {key.lower(): value for key, value in members.items()}


def _matches(provisioned: Provisioned, query: str) -> bool:
    members = _searchable(provisioned)
    key, colon, value = query.partition(":")
    if colon and key.lower() in members:
        return members[key.lower()].casefold() == value.strip().casefold()
    return query.casefold() in (m.casefold() for m in members.values())
