"""What `catalog.yml` and `template.yml` may say."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from catalog.manifest.values import (
    AccountId,
    BucketPrefix,
    Email,
    GitUrl,
    Key,
    OrganizationalUnitId,
    OrganizationId,
    PrincipalPattern,
    Region,
    RoleName,
    SemVer,
    TagKey,
    TagValue,
    Text50,
    Text100,
    Text1500,
    Url,
)


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


# AWS allows 20 tags: 7 of the catalog, 8 of the portfolio or template, 4 that mark ownership.
Tags = dict[TagKey, TagValue]


class Distribution(StrEnum):
    """How a portfolio reaches the accounts of a target."""

    ORGANIZATION = "organization"
    """One share to the organization or an OU, with principal names: no call in any account."""
    ACCOUNT = "account"
    """A share per account, accepted there."""
    REPLICATE = "replicate"
    """A portfolio of its own in every account."""
    STUDIO_S3 = "studio-s3"
    """Templates that Studio reads from S3, without Service Catalog."""


class Hub(_Model):
    """The account that owns portfolios and products."""

    account: AccountId
    """Account id of the hub, in quotes."""
    publisher_role: RoleName | None = None
    """Role to assume in the hub. Without it, the caller's own credentials are used there."""


class Assets(_Model):
    """Where seed archives and templates are stored."""

    bucket_prefix: BucketPrefix
    """Buckets are named `<bucket_prefix>-<region>` and belong to the hub."""


class Portfolio(_Model):
    """A portfolio: some templates, offered to some roles."""

    name: Text100
    """What people see in Service Catalog."""
    provider: Text50
    """The team that answers for it."""
    description: Text1500 = ""
    """What the portfolio is for."""
    templates: Annotated[tuple[Key, ...], Field(strict=False, min_length=1, max_length=150)]
    """Folder names under `templates/`. Service Catalog allows 150 products per portfolio."""
    principals: Annotated[tuple[PrincipalPattern, ...], Field(strict=False, max_length=10)]
    """Patterns of the roles that may launch, without account id. At most 10 (AWS)."""
    launch_role: RoleName | None = None
    """Role that creates a project's resources; `spokes.launch_role` unless said here."""
    tags: Tags = Field(default_factory=dict, max_length=8)
    """Tags of the portfolio."""


class Exclusions(_Model):
    """What a target leaves out."""

    accounts: Annotated[tuple[AccountId, ...], Field(strict=False)] = ()
    """Single accounts."""
    ous: Annotated[tuple[OrganizationalUnitId, ...], Field(strict=False)] = ()
    """Organizational units, with everything below them."""


class Target(_Model):
    """Who gets which portfolios. Exactly one of `organization`, `ou`, `accounts`."""

    organization: OrganizationId | None = None
    """The whole organization."""
    ou: OrganizationalUnitId | None = None
    """One organizational unit, with everything below it."""
    accounts: Annotated[tuple[AccountId, ...], Field(strict=False, min_length=1)] | None = None
    """Single accounts; not with distribution `organization`."""
    portfolios: Annotated[tuple[Key, ...], Field(strict=False, min_length=1)]
    """Keys under `portfolios`."""
    regions: Annotated[tuple[Region, ...], Field(strict=False, min_length=1)] | None = None
    """Some of the catalog's regions; all of them by default."""
    exclude: Exclusions | None = None
    """What to leave out below `organization` or `ou`; not with distribution `organization`."""
    distribution: Annotated[Distribution, Field(strict=False)] = Distribution.ORGANIZATION
    """How the portfolios get there."""


class Spokes(_Model):
    """Roles that exist under the same name in the hub and in every target account."""

    admin_role: RoleName = "OrganizationAccountAccessRole"
    """Role assumed in target accounts to set up the others."""
    launch_role: RoleName = "SageMakerCatalogLaunchRole"
    """Role that Service Catalog assumes to create a project's resources."""
    use_role_prefix: RoleName = "SageMakerCatalogUse"
    """Prefix of the roles that a project's own resources run as."""
    studio_launch_role: RoleName = "SageMakerCatalogStudioLaunchRole"
    """Role that CloudFormation takes on for a project from one of Studio's S3 templates."""
    studio_use_policy: RoleName = "SageMakerCatalogStudioUse"
    """Managed policy for Studio execution roles: read S3 templates, create projects from them."""
    permissions_boundary: RoleName | None = None
    """Name of an IAM policy that bounds every role a project creates."""


class CatalogManifest(_Model):
    """`catalog.yml`: one organisation's catalog."""

    catalog: Key
    """Identity of this catalog: what carries this name in its tags belongs to it."""
    url: GitUrl
    """Public URL of this repository; generated repositories record it for updates."""
    organization: OrganizationId
    """The organization whose accounts may read assets."""
    hub: Hub
    regions: Annotated[tuple[Region, ...], Field(strict=False, min_length=1)]
    """Regions to publish to."""
    assets: Assets
    portfolios: Annotated[dict[Key, Portfolio], Field(min_length=1, max_length=100)]
    """Portfolios by key. A key never changes; the name may. AWS allows 100 per region."""
    targets: Annotated[tuple[Target, ...], Field(strict=False, min_length=1)]
    """Where portfolios go."""
    spokes: Spokes = Field(default_factory=Spokes)
    tags: Tags = Field(default_factory=dict, max_length=7)
    """Tags of everything the catalog creates in the hub."""

    def launch_role_of(self, *, portfolio: str) -> str:
        """Return the launch role's name for a portfolio key."""
        return self.portfolios[portfolio].launch_role or self.spokes.launch_role

    @property
    def uses_studio_s3(self) -> bool:
        """Whether any target gets templates by way of S3."""
        return any(t.distribution is Distribution.STUDIO_S3 for t in self.targets)

    def regions_of(self, *, target: Target) -> tuple[str, ...]:
        """Return the regions of a target, in the catalog's order."""
        wanted = target.regions or self.regions
        return tuple(region for region in self.regions if region in wanted)


class Support(_Model):
    """Whom users ask."""

    description: Text1500 | None = None
    email: Email | None = None
    url: Url | None = None


class TemplateManifest(_Model):
    """`templates/<name>/template.yml`."""

    name: Key
    """The folder's name."""
    title: Text100
    """Product name in Service Catalog and Studio."""
    summary: Text1500
    """What a project of this template does, in a sentence or two."""
    version: SemVer
    """Bumped whenever the template's content changes."""
    owner: Text100
    """The team that maintains it."""
    support: Support = Field(default_factory=Support)
    links: dict[Text100, Url] = Field(default_factory=dict)
    """Further reading, by title."""
    tags: Tags = Field(default_factory=dict, max_length=8)
    """Tags of the product."""
    deprecated_versions: Annotated[tuple[SemVer, ...], Field(strict=False)] = ()
    """Versions that existing projects may keep and new ones may not choose."""
