"""Records: the requests on provisioned products and how they went."""

from __future__ import annotations

from typing import Any, Protocol

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, locked, tag_list
from catalog.localaws.servicecatalog.models import Record

_SEARCH_KEYS = {"recordid", "provisionedproduct"}


class _Owned(Protocol):
    user_arn: str
    session_arn: str


class Records(ServiceCatalogBase):
    """Operations on records."""

    @locked
    def describe_record(self, call: Call) -> dict[str, Any]:
        """Return a record with a page of its outputs."""
        record = self.account(call).records.get(call.params["Id"])
        if record is None:
            raise errors.not_found(f"Record {call.params['Id']} not found.")
        page, more = self.page(call, record.outputs)
        return {"RecordDetail": record_detail(record), "RecordOutputs": page, **more}

    @locked
    def list_record_history(self, call: Call) -> dict[str, Any]:
        """List records, newest first; the caller's own unless a level says otherwise."""
        wanted = call.params.get("SearchFilter")
        if wanted and wanted.get("Key") not in _SEARCH_KEYS:
            raise errors.invalid("SearchFilter.Key must be recordid or provisionedproduct.")
        found = [
            r
            for r in reversed(self.account(call).records.values())
            if at_level(call, r)
            and (
                not wanted
                or wanted.get("Value")
                == (r.id if wanted["Key"] == "recordid" else r.provisioned_id)
            )
        ]
        page, more = self.page(call, found)
        return {"RecordDetails": [record_detail(r) for r in page], **more}


def at_level(call: Call, thing: _Owned) -> bool:
    """Return whether `thing` is within the request's AccessLevelFilter (User by default).

    Raises:
        ServiceError: InvalidParametersException for a level of somebody else.
    """
    level = call.params.get("AccessLevelFilter", {"Key": "User", "Value": "self"})
    if level.get("Value", "self") != "self":
        raise errors.invalid("AccessLevelFilter.Value must be self.")
    if level.get("Key") == "Account":
        return True
    if level.get("Key") == "Role":
        return thing.user_arn == (call.principal.role_arn or call.principal.arn)
    return thing.session_arn == call.principal.arn


def record_detail(record: Record) -> dict[str, Any]:
    """Return RecordDetail."""
    detail = {
        "RecordId": record.id,
        "ProvisionedProductName": record.provisioned_name,
        "Status": record.status,
        "CreatedTime": record.created,
        "UpdatedTime": record.updated,
        "ProvisionedProductType": "CFN_STACK",
        "RecordType": record.type,
        "ProvisionedProductId": record.provisioned_id,
        "ProductId": record.product_id,
        "ProvisioningArtifactId": record.artifact_id,
        "PathId": record.path_id,
        "RecordErrors": record.errors,
        "RecordTags": tag_list(record.tags),
    }
    if record.launch_role_arn:
        detail["LaunchRoleArn"] = record.launch_role_arn
    return detail
