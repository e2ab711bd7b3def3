"""Provisioning artifacts: the versions of a product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.localaws.core.service import Call
from catalog.localaws.servicecatalog import errors, ids, templates
from catalog.localaws.servicecatalog.base import (
    ServiceCatalogBase,
    idempotent,
    locked,
    utc_now,
)
from catalog.localaws.servicecatalog.models import Artifact, Product
from catalog.localaws.servicecatalog.quotas import require_room

_URL = "LoadTemplateFromURL"
_PHYSICAL = "ImportFromPhysicalId"


class Artifacts(ServiceCatalogBase):
    """Operations on provisioning artifacts."""

    @idempotent("IdempotencyToken")
    def create_provisioning_artifact(self, call: Call) -> dict[str, Any]:
        """Create a version; beside another one in creation it may be lost (see Switches)."""
        with self.lock:
            self._require_artifact_room(self._changeable(call, "create"))
        artifact = self.new_artifact(call, call.params["Parameters"])
        with self.lock:
            self.settle(self.region(call))
            product = self._changeable(call, "create")
            self._require_artifact_room(product)
            now = self.now()
            artifact.lost = self.switches.concurrent_artifacts == "lost" and any(
                not a.lost and a.status(now) == "CREATING" for a in product.artifacts.values()
            )
            product.artifacts[artifact.id] = artifact
            if artifact.lost:
                doomed = (product.id, artifact.id, artifact.ready_at)
                self.region(call).doomed.append(doomed)
            return {
                "ProvisioningArtifactDetail": artifact_detail(artifact, guidance=False),
                "Info": artifact.info,
                "Status": artifact.status(now),
            }

    @locked
    def update_provisioning_artifact(self, call: Call) -> dict[str, Any]:
        """Change a version's name, description, activity or guidance; never its template."""
        product = self._changeable(call, "update")
        artifact = self.artifact(product, call.params["ProvisioningArtifactId"])
        artifact.name = call.params.get("Name", artifact.name)
        artifact.description = call.params.get("Description", artifact.description)
        artifact.active = call.params.get("Active", artifact.active)
        artifact.guidance = call.params.get("Guidance", artifact.guidance)
        return self._artifact_answer(artifact)

    @locked
    def delete_provisioning_artifact(self, call: Call) -> dict[str, Any]:
        """Delete a version that is not the product's last one."""
        product = self._changeable(call, "delete")
        artifact = self.artifact(product, call.params["ProvisioningArtifactId"])
        if len(product.artifacts) == 1:
            raise errors.in_use(
                f"Provisioning artifact {artifact.id} is the last one of product {product.id} "
                "and cannot be deleted."
            )
        del product.artifacts[artifact.id]
        return {}

    @locked
    def describe_provisioning_artifact(self, call: Call) -> dict[str, Any]:
        """Return one version, by ids or by names."""
        product = self._product_of(call)
        artifact = self._artifact_of(call, product)
        answer = self._artifact_answer(artifact)
        if call.params.get("IncludeProvisioningArtifactParameters"):
            answer["ProvisioningArtifactParameters"] = templates.describe_parameters(
                artifact.template
            )
        return answer

    @locked
    def list_provisioning_artifacts(self, call: Call) -> dict[str, Any]:
        """List every version of a product, with activity and guidance, on one page."""
        product = self.product(call, call.params["ProductId"])
        return {
            "ProvisioningArtifactDetails": [artifact_detail(a) for a in product.artifacts.values()]
        }

    def new_artifact(self, call: Call, parameters: Mapping[str, Any]) -> Artifact:
        """Fetch and check a template as the caller and return the artifact made of it.

        Raises:
            ServiceError: InvalidParametersException.
        """
        info: dict[str, str] = parameters.get("Info", {})
        if (_URL in info) == (_PHYSICAL in info) or len(info) != 1:
            raise errors.invalid(f"Info must hold either {_URL} or {_PHYSICAL}.")
        if parameters.get("Type", "CLOUD_FORMATION_TEMPLATE") != "CLOUD_FORMATION_TEMPLATE":
            raise errors.not_emulated(
                "The local AWS knows artifacts of type CLOUD_FORMATION_TEMPLATE only."
            )
        if _PHYSICAL in info:
            raise errors.not_emulated(
                f"The local AWS does not make artifacts from stacks ({_PHYSICAL})."
            )
        body = templates.read_as_caller(call, info[_URL])
        template = templates.parse(body)
        return Artifact(
            id=ids.new_id("pa"),
            name=parameters.get("Name"),
            description=parameters.get("Description"),
            type="CLOUD_FORMATION_TEMPLATE",
            created=utc_now(),
            info=dict(info),
            template=template,
            template_url=templates.store(self.aws, region=call.region, body=body),
            ready_at=self.now() + self.transition_seconds,
            failed=parameters.get("Name") in self.failing_artifacts,
        )

    def artifact(self, product: Product, artifact_id: str) -> Artifact:
        """Return an artifact of `product`.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        found = product.artifacts.get(artifact_id)
        if found is None:
            raise errors.not_found(f"Provisioning artifact {artifact_id} not found.")
        return found

    def artifact_named(self, product: Product, name: str) -> Artifact:
        """Return the artifact of that name.

        Raises:
            ServiceError: ResourceNotFoundException, or InvalidParametersException when several
                have it.
        """
        found = [a for a in product.artifacts.values() if a.name == name]
        if not found:
            raise errors.not_found(f"Provisioning Artifact with name {name} not found.")
        if len(found) > 1:
            raise errors.invalid(f"Multiple Provisioning Artifact with name {name} found.")
        return found[0]

    def _artifact_answer(self, artifact: Artifact) -> dict[str, Any]:
        return {
            "ProvisioningArtifactDetail": artifact_detail(artifact),
            "Info": {"TemplateUrl": artifact.info[_URL]} if _URL in artifact.info else {},
            "Status": artifact.status(self.now()),
        }

    def _changeable(self, call: Call, verb: str) -> Product:
        return self.own_product(
            call,
            call.params["ProductId"],
            doing=f"{verb} a provisioning artifact for a product",
        )

    def _product_of(self, call: Call) -> Product:
        if "ProductId" in call.params:
            return self.product(call, call.params["ProductId"])
        if "ProductName" not in call.params:
            raise errors.invalid("Either ProductId or ProductName must be specified.")
        name = call.params["ProductName"]
        named = [
            p
            for p in self.region(call).products.values()
            if p.name == name and p.owner == call.account
        ]
        if not named:
            raise errors.not_found(f"Product with name {name} not found")
        if len(named) > 1:
            raise errors.invalid(f"Multiple Product with name {name} found.")
        return named[0]

    def _artifact_of(self, call: Call, product: Product) -> Artifact:
        if "ProvisioningArtifactId" in call.params:
            return self.artifact(product, call.params["ProvisioningArtifactId"])
        if "ProvisioningArtifactName" not in call.params:
            raise errors.invalid(
                "Either ProvisioningArtifactId or ProvisioningArtifactName must be specified."
            )
        return self.artifact_named(product, call.params["ProvisioningArtifactName"])

    def _require_artifact_room(self, product: Product) -> None:
        require_room(
            count=len(product.artifacts),
            quota=self.quotas.artifacts_per_product,
            what=f"provisioning artifacts for product {product.id}",
        )


def artifact_detail(artifact: Artifact, *, guidance: bool = True) -> dict[str, Any]:
    """Return ProvisioningArtifactDetail; creation answers it without guidance."""
    detail: dict[str, Any] = {
        "Id": artifact.id,
        **_texts(artifact),
        "Type": artifact.type,
        "CreatedTime": artifact.created,
        "Active": artifact.active,
    }
    return {**detail, "Guidance": artifact.guidance} if guidance else detail


def artifact_summary(artifact: Artifact) -> dict[str, Any]:
    """Return ProvisioningArtifactSummary, which has neither activity nor guidance."""
    metadata = {"SourceProvisioningArtifactId": artifact.source_id} if artifact.source_id else {}
    return {
        "Id": artifact.id,
        **_texts(artifact),
        "CreatedTime": artifact.created,
        "ProvisioningArtifactMetadata": metadata,
    }


def artifact_view(artifact: Artifact) -> dict[str, Any]:
    """Return ProvisioningArtifact, as users see it."""
    return {
        "Id": artifact.id,
        **_texts(artifact),
        "CreatedTime": artifact.created,
        "Guidance": artifact.guidance,
    }


def _texts(artifact: Artifact) -> dict[str, str]:
    texts = {"Name": artifact.name, "Description": artifact.description}
    return {key: value for key, value in texts.items() if value is not None}
