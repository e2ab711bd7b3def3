"""Products and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.publishing import ownership
from catalog.publishing.actions import Kind, product_ref
from catalog.publishing.desired import DesiredProduct
from catalog.publishing.observed import ObservedProduct
from catalog.publishing.planning.draft import Draft, differences
from catalog.publishing.planning.versions import plan_versions


def choose_products(draft: Draft) -> tuple[dict[str, ObservedProduct], list[ObservedProduct]]:
    """Return the product of each wanted template, oldest first, and all others we own."""
    wanted = {p.template for p in draft.wanted.products}
    chosen: dict[str, ObservedProduct] = {}
    surplus = []
    for product in draft.seen.products:
        template = product.tags.get(ownership.TEMPLATE_TAG, "")
        if template in wanted and template not in chosen:
            chosen[template] = product
            draft.known[product_ref(template)] = product.id
        else:
            surplus.append(product)
    return chosen, surplus


def plan_product(
    draft: Draft,
    wanted: DesiredProduct,
    seen: ObservedProduct | None,
    objects: Mapping[str, str],
    bucket: tuple[str, ...],
) -> tuple[str, ...]:
    """Plan a product and its versions; return what its users must wait for."""
    # Wheels and the archive come first: a version must not be offered before it can start.
    assets = tuple(
        action
        for key, action in objects.items()
        if key in wanted.assets or key.startswith("wheels/")
    )
    artifact = wanted.artifact
    versions = plan_versions(
        product=wanted, seen=seen, account=draft.desired.account, region=draft.region
    )
    draft.refusals.extend(versions.refusals)
    created: tuple[str, ...] = ()
    if versions.create:
        upload: tuple[str, ...] = bucket
        if artifact.template.key not in draft.seen.objects:
            upload = (draft.put(artifact.template.key, bucket, f"template of {artifact.name}"),)
        created = (_create_version(draft, wanted, seen, (*assets, *upload)),)
    done = [*created, *(() if versions.create else assets)]
    if seen is not None:
        done += _update_product(draft, wanted, seen)
        for update in versions.updates:
            done.append(
                draft.add(
                    Kind.ARTIFACT_UPDATE,
                    f"{wanted.template} {update.artifact.id}",
                    subject=f'version {update.artifact.name} of "{wanted.name}"',
                    reason=update.reason,
                    changes=update.changes,
                    params={
                        "product": product_ref(wanted.template),
                        "artifact": update.artifact.id,
                        "set": {c.attribute: c.after for c in update.changes},
                    },
                    needs=created,
                    lane=draft.lane("product", wanted.template),
                )
            )
    return tuple(done)


def _create_version(
    draft: Draft, wanted: DesiredProduct, seen: ObservedProduct | None, needs: tuple[str, ...]
) -> str:
    artifact = wanted.artifact
    version = {
        "template": wanted.template,
        "version": artifact.name,
        "url": artifact.template_url,
        "description": ownership.artifact_description(
            changelog=artifact.changelog, record=artifact.record
        ),
    }
    if seen is not None:
        return draft.add(
            Kind.ARTIFACT_CREATE,
            f"{wanted.template} {artifact.name}",
            subject=f'version {artifact.name} of "{wanted.name}"',
            reason="it is new",
            params={"product": product_ref(wanted.template), **version},
            needs=needs,
            lane=draft.lane("product", wanted.template),
        )
    return draft.add(
        Kind.PRODUCT_CREATE,
        wanted.template,
        subject=f'product "{wanted.name}" with version {artifact.name}',
        reason="it does not exist",
        params={
            "ref": product_ref(wanted.template),
            "attributes": _product_attributes(wanted),
            "tags": dict(wanted.tags),
            **version,
        },
        needs=needs,
        lane=draft.lane("product", wanted.template),
    )


def _update_product(draft: Draft, wanted: DesiredProduct, seen: ObservedProduct) -> list[str]:
    before = {
        "Name": seen.name,
        "Owner": seen.owner,
        "Description": seen.description,
        "Distributor": seen.distributor,
        "SupportDescription": seen.support_description,
        "SupportEmail": seen.support_email,
        "SupportUrl": seen.support_url,
    }
    changes = differences(before, _product_attributes(wanted))
    return draft.update(
        Kind.PRODUCT_UPDATE,
        key=wanted.template,
        subject=f'product "{wanted.name}"',
        target={"product": product_ref(wanted.template)},
        attributes=changes,
        tags=(seen.tags, wanted.tags),
    )


def plan_surplus_products(draft: Draft, surplus: Sequence[ObservedProduct]) -> None:
    """Delete owned products that nobody offers or uses; mention the others."""
    for product in surplus:
        template = product.tags.get(ownership.TEMPLATE_TAG, product.id)
        if product.id not in draft.options.unused_products:
            draft.notes.append(
                f'{draft.region}: product "{product.name}" ({product.id}, template {template}) '
                "is offered by no portfolio; it is kept for the projects that came from it"
            )
            continue
        waits = [
            a.id
            for a in draft.actions
            if a.kind is Kind.ASSOCIATION_DELETE and a.params["product"] == product.id
        ]
        draft.add(
            Kind.PRODUCT_DELETE,
            product.id,
            subject=f'product "{product.name}"',
            reason="no portfolio offers it and no project uses it",
            params={"product": product.id},
            needs=tuple(waits),
        )


def _product_attributes(product: DesiredProduct) -> dict[str, str]:
    return {
        "Name": product.name,
        "Owner": product.owner,
        "Description": product.description,
        "Distributor": product.distributor,
        "SupportDescription": product.support_description,
        "SupportEmail": product.support_email,
        "SupportUrl": product.support_url,
    }
