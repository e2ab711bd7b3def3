"""TagOptions: keys and values that portfolios and products offer at launch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.localaws.core.service import Call, paginate
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, locked
from catalog.localaws.servicecatalog.models import Portfolio, Product, RegionState, TagOption
from catalog.localaws.servicecatalog.quotas import require_room


class TagOptions(ServiceCatalogBase):
    """Operations on TagOptions."""

    @locked
    def create_tag_option(self, call: Call) -> dict[str, Any]:
        """Create a TagOption; a key and value pair exists once per account."""
        key, value = call.params["Key"], call.params["Value"]
        same_key = [o for o in self._own_options(call) if o.key == key]
        if any(o.value == value for o in same_key):
            raise errors.duplicate(f"TagOption with key {key} and value {value} already exists.")
        require_room(
            count=len(same_key),
            quota=self.quotas.values_per_tag_option,
            what=f"values for TagOption key {key}",
        )
        option = TagOption(id=ids.new_id("tag"), owner=call.account, key=key, value=value)
        self.region(call).tag_options[option.id] = option
        return {"TagOptionDetail": _detail(option)}

    @locked
    def describe_tag_option(self, call: Call) -> dict[str, Any]:
        """Return one TagOption."""
        return {"TagOptionDetail": _detail(self._option(call, call.params["Id"]))}

    @locked
    def update_tag_option(self, call: Call) -> dict[str, Any]:
        """Change a TagOption's value, or switch it on or off."""
        option = self._option(call, call.params["Id"])
        value = call.params.get("Value", option.value)
        if any(
            o.id != option.id and (o.key, o.value) == (option.key, value)
            for o in self._own_options(call)
        ):
            raise errors.duplicate(
                f"TagOption with key {option.key} and value {value} already exists."
            )
        option.value = value
        option.active = call.params.get("Active", option.active)
        return {"TagOptionDetail": _detail(option)}

    @locked
    def delete_tag_option(self, call: Call) -> dict[str, Any]:
        """Delete a TagOption that no resource offers."""
        option = self._option(call, call.params["Id"])
        if self._resources(call, option.id):
            raise errors.in_use(f"TagOption {option.id} is associated with a resource.")
        del self.region(call).tag_options[option.id]
        return {}

    @locked
    def list_tag_options(self, call: Call) -> dict[str, Any]:
        """List the account's TagOptions; the next token comes as `PageToken`."""
        wanted = call.params.get("Filters", {})
        found = [
            o
            for o in self._own_options(call)
            if wanted.get("Key", o.key) == o.key
            and wanted.get("Value", o.value) == o.value
            and wanted.get("Active", o.active) == o.active
        ]
        options, token = self._tag_page(call, found)
        return {"TagOptionDetails": [_detail(o) for o in options], **token}

    @locked
    def associate_tag_option_with_resource(self, call: Call) -> dict[str, Any]:
        """Offer a TagOption on an own portfolio or product."""
        option = self._option(call, call.params["TagOptionId"])
        resource = self._resource(call, call.params["ResourceId"])
        if option.id in resource.tag_options:
            raise errors.duplicate(
                f"TagOption {option.id} is already associated with {resource.id}."
            )
        require_room(
            count=len(resource.tag_options),
            quota=self.quotas.tag_options_per_resource,
            what="TagOptions per resource",
        )
        resource.tag_options.append(option.id)
        return {}

    @locked
    def disassociate_tag_option_from_resource(self, call: Call) -> dict[str, Any]:
        """Stop offering a TagOption on a resource."""
        option = self._option(call, call.params["TagOptionId"])
        resource = self._resource(call, call.params["ResourceId"])
        if option.id not in resource.tag_options:
            raise errors.not_found(f"TagOption {option.id} is not associated with {resource.id}.")
        resource.tag_options.remove(option.id)
        return {}

    @locked
    def list_resources_for_tag_option(self, call: Call) -> dict[str, Any]:
        """List the portfolios and products that offer a TagOption."""
        option = self._option(call, call.params["TagOptionId"])
        kinds: dict[str, type[Portfolio | Product]] = {"Portfolio": Portfolio, "Product": Product}
        kind = call.params.get("ResourceType")
        if kind is not None and kind not in kinds:
            raise errors.invalid(f"ResourceType {kind} is not one of Portfolio, Product.")
        found = [
            r
            for r in self._resources(call, option.id)
            if kind is None or isinstance(r, kinds[kind])
        ]
        resources, token = self._tag_page(call, found)
        return {"ResourceDetails": [_resource_detail(r) for r in resources], **token}

    def _own_options(self, call: Call) -> list[TagOption]:
        options = self.region(call).tag_options.values()
        return [o for o in options if o.owner == call.account]

    def _option(self, call: Call, option_id: str) -> TagOption:
        option = self.region(call).tag_options.get(option_id)
        if option is None or option.owner != call.account:
            raise errors.not_found(f"TagOption {option_id} not found.")
        return option

    def _resource(self, call: Call, resource_id: str) -> Portfolio | Product:
        region = self.region(call)
        found = region.portfolios.get(resource_id) or region.products.get(resource_id)
        if found is None or found.owner != call.account:
            raise errors.not_found(f"Resource {resource_id} not found.")
        return found

    def _resources(self, call: Call, option_id: str) -> list[Portfolio | Product]:
        region = self.region(call)
        everything: list[Portfolio | Product] = [
            *region.portfolios.values(),
            *region.products.values(),
        ]
        return [r for r in everything if option_id in r.tag_options]

    def _tag_page(self, call: Call, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        page, token = paginate(
            items,
            token=call.params.get("PageToken"),
            size=call.params.get("PageSize"),
            default=20,
            error=errors.bad_token,
        )
        return page, {"PageToken": token} if token else {}


def tag_option_details(region: RegionState, option_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return TagOptionDetail of each id."""
    return [_detail(region.tag_options[option_id]) for option_id in option_ids]


def _detail(option: TagOption) -> dict[str, Any]:
    return {
        "Key": option.key,
        "Value": option.value,
        "Active": option.active,
        "Id": option.id,
        "Owner": option.owner,
    }


def _resource_detail(resource: Portfolio | Product) -> dict[str, Any]:
    description = (
        resource.description
        if isinstance(resource, Portfolio)
        else resource.text["ShortDescription"]
    )
    return {
        "Id": resource.id,
        "ARN": resource.arn,
        "Name": resource.name,
        "Description": description or "",
        "CreatedTime": resource.created,
    }
