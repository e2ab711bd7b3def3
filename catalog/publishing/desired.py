"""What AWS should hold: manifest and bundles, turned into values. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.bundles.model import Asset, Bundle, Release
from catalog.errors import InvalidInput, Location, Problem
from catalog.manifest import CatalogManifest, Reach, stated_reaches
from catalog.manifest.values import known_regions
from catalog.publishing import assets, ownership
from catalog.publishing.release import artifact_name
from catalog.publishing.targeting import DesiredShare, DesiredSpoke, target_region


@dataclass(frozen=True, kw_only=True)
class DesiredObject:
    """An object of an assets bucket; its content is `DesiredState.contents[sha256]`."""

    key: str
    sha256: str
    size: int
    content_type: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DesiredPortfolio:
    """A portfolio of one region."""

    key: str
    name: str
    provider: str
    description: str
    tags: Mapping[str, str]
    templates: tuple[str, ...]
    launch_role: str
    principals: tuple[str, ...]
    shares: tuple[DesiredShare, ...]


@dataclass(frozen=True, kw_only=True)
class DesiredArtifact:
    """The version that a product should offer as its newest.

    Attributes:
        name: what people see (`1.2.0`).
        record: what its description will record if it is created now.
        changelog: Markdown that its description starts with.
        template: the object that Service Catalog reads.
        template_url: its URL.
        development: published by `--dev`.
    """

    name: str
    record: ownership.ArtifactRecord
    changelog: str
    template: DesiredObject
    template_url: str
    development: bool


@dataclass(frozen=True, kw_only=True)
class DesiredProduct:
    """A product of one region."""

    template: str
    name: str
    owner: str
    description: str
    distributor: str
    support_description: str
    support_email: str
    support_url: str
    tags: Mapping[str, str]
    artifact: DesiredArtifact
    assets: tuple[str, ...]
    deprecated_versions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DesiredStudioTemplate:
    """A template that Studio lists from a folder of the assets bucket.

    Attributes:
        folder: key prefix that a domain's tag names.
        version: what people see (`1.2.0`).
        digest: of the bundle.
        development: published by `--dev`.
        object: the template, with the tag that makes it visible.
        assets: keys that a project of it needs.
    """

    folder: str
    template: str
    version: str
    digest: str
    development: bool
    object: DesiredObject
    assets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DesiredRegion:
    """Everything of the hub in one region.

    Attributes:
        bucket: name of the assets bucket.
        settings: its settings, see `assets.bucket_settings`.
        objects: assets that must be there, templates aside.
        studio: templates that Studio reads from S3.
        spokes: target accounts in which something must be.
        notes: what the targets come to where they overlap.
    """

    region: str
    bucket: str
    settings: Mapping[str, str]
    objects: tuple[DesiredObject, ...]
    portfolios: tuple[DesiredPortfolio, ...]
    products: tuple[DesiredProduct, ...]
    studio: tuple[DesiredStudioTemplate, ...] = ()
    spokes: tuple[DesiredSpoke, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def uses_bucket(self) -> bool:
        """Whether anything must lie in the assets bucket."""
        return bool(self.products or self.studio)


@dataclass(frozen=True, kw_only=True)
class DesiredState:
    """What a publish of these bundles by this manifest comes to.

    Attributes:
        catalog: the catalog's name.
        account: the hub's account id.
        regions: by region name.
        contents: bytes of every object, by lower-case hex sha256.
    """

    catalog: str
    account: str
    regions: Mapping[str, DesiredRegion]
    contents: Mapping[str, bytes] = field(repr=False, compare=False)


def desired_state(
    *,
    manifest: CatalogManifest,
    bundles: Mapping[str, Bundle],
    release: Release,
    wheels: Sequence[Asset] = (),
    wheels_prefix: str = "wheels",
    reaches: Sequence[Reach] | None = None,
) -> DesiredState:
    """Return the desired state.

    Args:
        manifest: a valid `catalog.yml`.
        bundles: by template name; every template that a portfolio offers.
        release: what the bundles are published from.
        wheels: wheel sets, uploaded to every region.
        wheels_prefix: key prefix of the wheel sets, written into the templates.
        reaches: what each target reaches, in the manifest's order; what the manifest alone says
            by default, which is enough for shares to the organization or an OU.

    Raises:
        InvalidInput: a portfolio offers a template that has no bundle.
    """
    _require_bundles(manifest, bundles)
    contents: dict[str, bytes] = {}
    regions = {}
    for region in manifest.regions:
        partition = known_regions().get(region, "aws")
        bucket = assets.bucket_name(prefix=manifest.assets.bucket_prefix, region=region)
        targeting = target_region(
            manifest=manifest,
            region=region,
            reaches=stated_reaches(manifest=manifest) if reaches is None else reaches,
            bucket=bucket,
        )
        keys = targeting.portfolios
        listed = {t for key in keys for t in manifest.portfolios[key].templates}
        in_studio = {t for templates in targeting.folders.values() for t in templates}
        objects = {asset.key: _asset(asset, contents) for asset in wheels}
        products: list[DesiredProduct] = []
        studio: list[DesiredStudioTemplate] = []
        for template in sorted(listed | in_studio):
            bundle = bundles[template]
            objects.update({asset.key: _asset(asset, contents) for asset in bundle.assets})
            body = bundle.filled(
                release=release,
                assets_bucket_prefix=manifest.assets.bucket_prefix,
                wheels_prefix=wheels_prefix,
            ).encode()
            contents[hashlib.sha256(body).hexdigest()] = body
            if template in listed:
                artifact = _artifact(manifest, bundle, release, body, bucket, region, partition)
                products.append(_product(manifest, bundle, artifact))
            studio += (
                _studio_template(bundle, release, body, folder)
                for folder, templates in sorted(targeting.folders.items())
                if template in templates
            )
        if any(spoke.location for spoke in targeting.spokes):
            contents[assets.EMPTY_SHA256] = b""
        regions[region] = DesiredRegion(
            region=region,
            bucket=bucket,
            settings=assets.bucket_settings(
                bucket=bucket,
                organization=manifest.organization,
                catalog=manifest.catalog,
                partition=partition,
                studio=bool(studio),
            ),
            objects=tuple(objects[key] for key in sorted(objects)) if products or studio else (),
            portfolios=tuple(_portfolio(manifest, key, targeting.shares[key]) for key in keys),
            products=tuple(products),
            studio=tuple(studio),
            spokes=targeting.spokes,
            notes=targeting.notes,
        )
    return DesiredState(
        catalog=manifest.catalog,
        account=manifest.hub.account,
        regions=regions,
        contents=contents,
    )


def _require_bundles(manifest: CatalogManifest, bundles: Mapping[str, Bundle]) -> None:
    problems = [
        Problem(
            message=f"no bundle of template {template!r}",
            where=Location(key=f"portfolios.{key}.templates"),
        )
        for key, portfolio in manifest.portfolios.items()
        for template in portfolio.templates
        if template not in bundles
    ]
    if problems:
        raise InvalidInput(problems)


def _portfolio(
    manifest: CatalogManifest, key: str, shares: tuple[DesiredShare, ...]
) -> DesiredPortfolio:
    portfolio = manifest.portfolios[key]
    return DesiredPortfolio(
        key=key,
        name=portfolio.name,
        provider=portfolio.provider,
        description=ownership.portfolio_description(
            catalog=manifest.catalog, key=key, text=portfolio.description
        ),
        tags=ownership.portfolio_tags(
            catalog=manifest.catalog, key=key, tags={**manifest.tags, **portfolio.tags}
        ),
        templates=portfolio.templates,
        launch_role=manifest.launch_role_of(portfolio=key),
        principals=tuple(sorted(portfolio.principals)),
        shares=shares,
    )


def _product(
    manifest: CatalogManifest, bundle: Bundle, artifact: DesiredArtifact
) -> DesiredProduct:
    return DesiredProduct(
        template=bundle.template,
        name=bundle.title,
        owner=bundle.owner,
        description=bundle.summary,
        distributor=ownership.product_distributor(catalog=manifest.catalog),
        support_description=bundle.support.get("description") or "",
        support_email=bundle.support.get("email") or "",
        support_url=bundle.support.get("url") or "",
        tags=ownership.product_tags(
            catalog=manifest.catalog,
            template=bundle.template,
            tags={**manifest.tags, **bundle.tags},
        ),
        artifact=artifact,
        assets=tuple(asset.key for asset in bundle.assets),
        deprecated_versions=bundle.deprecated_versions,
    )


def _artifact(
    manifest: CatalogManifest,
    bundle: Bundle,
    release: Release,
    body: bytes,
    bucket: str,
    region: str,
    partition: str,
) -> DesiredArtifact:
    sha256 = hashlib.sha256(body).hexdigest()
    name = artifact_name(version=bundle.version, digest=bundle.digest, release=release)
    key = assets.template_key(
        template=bundle.template,
        version=name,
        release=release.tag,
        digest=bundle.digest,
        sha256=sha256,
    )
    return DesiredArtifact(
        name=name,
        record=ownership.ArtifactRecord(
            catalog=manifest.catalog,
            template=bundle.template,
            version=bundle.version,
            digest=bundle.digest,
            release=release.tag,
            url=release.catalog_url,
        ),
        changelog=bundle.changelog,
        template=DesiredObject(
            key=key,
            sha256=sha256,
            size=len(body),
            content_type="application/yaml",
            tags=assets.TEMPLATE_OBJECT_TAGS,
        ),
        template_url=assets.template_url(
            bucket=bucket, region=region, key=key, partition=partition
        ),
        development=not release.updatable,
    )


def _studio_template(
    bundle: Bundle, release: Release, body: bytes, folder: str
) -> DesiredStudioTemplate:
    sha256 = hashlib.sha256(body).hexdigest()
    version = artifact_name(version=bundle.version, digest=bundle.digest, release=release)
    name = assets.StudioName(
        template=bundle.template, version=version, digest=bundle.digest[:16], sha256=sha256[:12]
    )
    return DesiredStudioTemplate(
        folder=folder,
        template=bundle.template,
        version=version,
        digest=name.digest,
        development=not release.updatable,
        object=DesiredObject(
            key=name.key(folder=folder),
            sha256=sha256,
            size=len(body),
            content_type="application/yaml",
            tags=assets.STUDIO_OBJECT_TAGS,
        ),
        assets=tuple(asset.key for asset in bundle.assets),
    )


def _asset(asset: Asset, contents: dict[str, bytes]) -> DesiredObject:
    contents[asset.sha256] = asset.content
    return DesiredObject(
        key=asset.key,
        sha256=asset.sha256,
        size=len(asset.content),
        content_type="application/zip",
    )
