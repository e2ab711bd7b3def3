"""CopyProduct: a product of this or another account, in this or another region, as an own one."""

from __future__ import annotations

import dataclasses
from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids, templates
from catalog.localaws.servicecatalog.base import ServiceCatalogBase, idempotent, locked, utc_now
from catalog.localaws.servicecatalog.models import Artifact, Copy, Product, RegionState
from catalog.localaws.servicecatalog.quotas import require_room


class Copies(ServiceCatalogBase):
    """Operations that copy products."""

    def settle(self, region: RegionState) -> None:
        """Let copies that are through appear."""
        super().settle(region)
        now = self.now()
        for copy in [c for c in region.pending_copies if now >= c.ready_at]:
            region.pending_copies.remove(copy)
            copy.applied = True
            if not copy.is_new and copy.product.id not in region.products:
                copy.failure = f"Product {copy.product.id} not found."
                continue
            copy.product.artifacts |= {a.id: a for a in copy.artifacts}
            region.products[copy.product.id] = copy.product

    @idempotent("IdempotencyToken")
    @locked
    def copy_product(self, call: Call) -> dict[str, Any]:
        """Begin to copy a product; the copy never follows its source afterwards."""
        source = self._source(call)
        wanted = [i["Id"] for i in call.params.get("SourceProvisioningArtifactIdentifiers", [])]
        if missing := [i for i in wanted if i not in source.artifacts]:
            raise errors.not_found(f"Provisioning artifact {missing[0]} not found.")
        artifacts = [
            self._copied(call, artifact)
            for artifact in source.artifacts.values()
            if not wanted or artifact.id in wanted
        ]
        copy = Copy(
            owner=call.account,
            product=self._target(call, source),
            artifacts=artifacts,
            ready_at=self.now() + self.transition_seconds,
            is_new="TargetProductId" not in call.params,
        )
        require_room(
            count=len(copy.product.artifacts) + len(artifacts) - 1,
            quota=self.quotas.artifacts_per_product,
            what=f"provisioning artifacts for product {copy.product.id}",
        )
        token = ids.new_id("copyproduct")
        self.region(call).copies[token] = copy
        self.region(call).pending_copies.append(copy)
        return {"CopyProductToken": token}

    @locked
    def describe_copy_product_status(self, call: Call) -> dict[str, Any]:
        """Return how far a copy has come."""
        token = call.params["CopyProductToken"]
        copy = self.region(call).copies.get(token)
        if copy is None or copy.owner != call.account:
            raise errors.not_found(f"Copy of product {token} not found.")
        if not copy.applied:
            return {"CopyProductStatus": "IN_PROGRESS"}
        if copy.failure:
            return {"CopyProductStatus": "FAILED", "StatusDetail": copy.failure}
        return {"CopyProductStatus": "SUCCEEDED", "TargetProductId": copy.product.id}

    def _source(self, call: Call) -> Product:
        arn = call.params["SourceProductArn"]
        parts = arn.split(":")
        region_name, product_id = parts[3], parts[-1].rpartition("/")[2]
        elsewhere = dataclasses.replace(call, region=region_name)
        self.settle(self.region(elsewhere))
        source = self.product(elsewhere, product_id)
        if source.arn != arn:
            raise errors.not_found(f"Product {arn} not found.")
        return source

    def _target(self, call: Call, source: Product) -> Product:
        if target_id := call.params.get("TargetProductId"):
            if "TargetProductName" in call.params:
                raise errors.invalid("Specify either TargetProductId or TargetProductName.")
            return self.own_product(call, target_id, doing="copy into a product")
        owned = sum(p.owner == call.account for p in self.region(call).products.values())
        require_room(count=owned, quota=self.quotas.products, what="products per region")
        with_tags = "CopyTags" in call.params.get("CopyOptions", [])
        return Product(
            id=ids.new_id("prod"),
            view_id=ids.new_id("prodview"),
            owner=call.account,
            region=call.region,
            type=source.type,
            created=utc_now(),
            text={
                **source.text,
                "Name": call.params.get("TargetProductName", source.name),
            },
            tags=dict(source.tags) if with_tags and self.sees_tags(call, source) else {},
            source_id=source.id,
        )

    def _copied(self, call: Call, artifact: Artifact) -> Artifact:
        return dataclasses.replace(
            artifact,
            id=ids.new_id("pa"),
            created=utc_now(),
            template_url=templates.store(self.aws, region=call.region, body=artifact.template.body),
            source_id=artifact.id,
        )
