"""Retiring a version: first nobody may launch it any more, then nobody may use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from catalog.aws import Aws
from catalog.errors import InvalidInput, Location, Problem
from catalog.manifest.models import CatalogManifest
from catalog.publishing import assets, ownership
from catalog.publishing.desired import DesiredRegion, DesiredState
from catalog.publishing.observed import Observed, ObservedArtifact, ObservedProduct


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """What retiring a version does in one region.

    Attributes:
        guidance: set it to DEPRECATED: no new launches, updates of projects go on.
        inactive: set it inactive: neither.
    """

    account: str
    region: str
    product: ObservedProduct
    artifact: ObservedArtifact
    guidance: bool
    inactive: bool

    @property
    def empty(self) -> bool:
        """Whether it is so already."""
        return not self.guidance and not self.inactive

    def __str__(self) -> str:
        what = f'{self.region}: version {self.artifact.name} of "{self.product.name}"'
        if self.empty:
            return f"{what} is inactive already"
        steps = (["guidance DEPRECATED"] if self.guidance else []) + (
            ["inactive"] if self.inactive else []
        )
        return f"{what} becomes {' and '.join(steps)}"


def bare_state(manifest: CatalogManifest) -> DesiredState:
    """Return a desired state without anything in it: enough to observe what the catalog owns."""
    return DesiredState(
        catalog=manifest.catalog,
        account=manifest.hub.account,
        regions={
            region: DesiredRegion(
                region=region,
                bucket=assets.bucket_name(prefix=manifest.assets.bucket_prefix, region=region),
                settings={},
                objects=(),
                portfolios=(),
                products=(),
            )
            for region in manifest.regions
        },
        contents={},
    )


def plan_retirement(
    *, observed: Observed, template: str, version: str, current: str | None, inactive: bool
) -> tuple[Retirement, ...]:
    """Return what to do in each region that offers the version. Pure.

    Args:
        observed: the hub.
        template: the template's name.
        version: the version as Service Catalog shows it.
        current: version in `template.yml`, which the next publish would offer again; None when
            the template is gone.
        inactive: go to inactive at once, not only once it is deprecated.

    Raises:
        InvalidInput: no region offers such a version, or it is the current one.
    """
    if version == current:
        raise InvalidInput(
            [
                Problem(
                    message=f"{version} is the version that template {template!r} publishes",
                    where=Location(file=f"templates/{template}/template.yml", key="version"),
                )
            ],
            next_step="Publish a newer version first.",
        )
    found: list[Retirement] = []
    offered: set[str] = set()
    for region, seen in observed.regions.items():
        for product in seen.products:
            if product.tags.get(ownership.TEMPLATE_TAG) != template:
                continue
            for artifact in product.artifacts:
                record = ownership.artifact_record(artifact.description)
                if record is None or record.template != template:
                    continue
                offered.add(artifact.name)
                if artifact.name != version:
                    continue
                deprecated = artifact.guidance == "DEPRECATED" and ownership.is_retired(
                    artifact.description
                )
                found.append(
                    Retirement(
                        account=observed.account,
                        region=region,
                        product=product,
                        artifact=artifact,
                        guidance=not deprecated,
                        inactive=artifact.active and (inactive or deprecated),
                    )
                )
    if not found:
        known = ", ".join(sorted(offered)) or "none"
        message = f"template {template!r} has no published version {version}; there are: {known}"
        raise InvalidInput([Problem(message=message, where=Location())])
    return tuple(found)


def retire(*, aws: Aws, retirement: Retirement, today: date) -> None:
    """Carry out one region's part. Doing it again changes nothing."""
    changes: dict[str, object] = {}
    if retirement.guidance:
        changes["Guidance"] = "DEPRECATED"
        changes["Description"] = ownership.retired_description(
            retirement.artifact.description, day=today.isoformat()
        )
    if retirement.inactive:
        changes["Active"] = False
    if changes:
        aws.call(
            account=retirement.account,
            region=retirement.region,
            service="servicecatalog",
            operation="update_provisioning_artifact",
            ProductId=retirement.product.id,
            ProvisioningArtifactId=retirement.artifact.id,
            **changes,
        )


def artifact_ids(retirements: tuple[Retirement, ...]) -> Mapping[str, str]:
    """Return the product id of each artifact id."""
    return {item.artifact.id: item.product.id for item in retirements}
