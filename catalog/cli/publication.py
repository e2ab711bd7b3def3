"""Everything one publish needs, prepared in order: read files, build bundles, look at AWS, plan."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.aws import Aws
from catalog.bundles.model import Asset, Bundle, Release
from catalog.errors import CatalogError
from catalog.manifest.load import find_templates, load_all
from catalog.manifest.models import CatalogManifest
from catalog.manifest.reach import Reach
from catalog.publishing.actions import Plan
from catalog.publishing.desired import DesiredState, desired_state
from catalog.publishing.narrowing import Narrowing
from catalog.publishing.observe import observe
from catalog.publishing.observed import Observed
from catalog.publishing.plan import make_plan
from catalog.publishing.release import read_release
from catalog.spokes.accounts import reached_accounts, target_reaches
from catalog.spokes.roles import RolesTemplate, StudioRoles, roles_template
from catalog.spokes.rollout import RolesAction, RolesStack, observe_roles, plan_roles

MANIFEST = "catalog.yml"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the checkout says: nothing here has asked AWS anything.

    Attributes:
        wheels: wheel sets that seeding builds take Copier from.
        wheels_prefix: their key prefix.
    """

    root: Path
    manifest: CatalogManifest
    release: Release
    bundles: Mapping[str, Bundle]
    wheels: Sequence[Asset]
    wheels_prefix: str

    def desired(self, *, reaches: Sequence[Reach] | None = None) -> DesiredState:
        """Return what AWS should hold, given what each target reaches."""
        return desired_state(
            manifest=self.manifest,
            bundles=self.bundles,
            release=self.release,
            wheels=self.wheels,
            wheels_prefix=self.wheels_prefix,
            reaches=reaches,
        )

    def roles(self) -> RolesTemplate:
        """Return the roles that the hub and every target account should hold."""
        spokes = self.manifest.spokes
        return roles_template(
            launch_role=spokes.launch_role,
            permissions_boundary=spokes.permissions_boundary,
            studio=StudioRoles(
                launch_role=spokes.studio_launch_role,
                use_policy=spokes.studio_use_policy,
                bucket_prefix=self.manifest.assets.bucket_prefix,
            )
            if self.manifest.uses_studio_s3
            else None,
        )


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What would be done now.

    Attributes:
        roles: stacks of roles as they are; one that could not be read carries its error.
        role_actions: what to do about them, before anything is published.
        plan: what to publish.
        observed: what `plan` was made from.
        only: what the plan is limited to.
    """

    desired: DesiredState
    roles: Sequence[RolesStack]
    role_actions: Sequence[RolesAction]
    plan: Plan
    observed: Observed
    only: Narrowing = field(default_factory=Narrowing)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.plan.empty and not self.role_actions

    @property
    def unreadable(self) -> tuple[CatalogError, ...]:
        """Why accounts or regions could not be looked at."""
        accounts = [stack.error for stack in self.roles if stack.error]
        return (*accounts, *self.plan.unreachable.values())


def read_sources(
    *,
    root: Path,
    manifest: Path | None,
    dev: bool,
    release: Release | None = None,
    cache_dir: Path = Path(".cache"),
    step: Callable[[str], None] = lambda _text: None,
) -> Sources:
    """Read and check the manifests, then build the bundles that the portfolios offer.

    Args:
        root: checkout of the catalog.
        manifest: the catalog manifest; `catalog.yml` in `root` by default.
        dev: publish a pre-release from any tree.
        release: given instead of read from git, by the demo.
        cache_dir: keeps downloaded wheel sets.
        step: told what happens, in a few words.

    Raises:
        CatalogError: InvalidInput, UncleanTree, TemplateError, ...
    """
    from catalog.bundles.build import build_bundle  # noqa: PLC0415 - CDK takes a second to import
    from catalog.bundles.wheels import wheels_prefix  # noqa: PLC0415

    catalog, _templates = load_all(root=root, catalog=manifest)
    known = find_templates(root=root)
    release = release or read_release(root=root, catalog_url=catalog.url, dev=dev)
    offered = {name for portfolio in catalog.portfolios.values() for name in portfolio.templates}
    bundles = {}
    for name in known:
        if name in offered:
            step(f"building {name}")
            bundles[name] = build_bundle(root=root, template=name)
    step("collecting wheels")
    return Sources(
        root=root,
        manifest=catalog,
        release=release,
        bundles=bundles,
        wheels=wheel_assets(cache_dir=cache_dir),
        wheels_prefix=wheels_prefix(),
    )


def wheel_assets(*, cache_dir: Path) -> tuple[Asset, ...]:
    """Return the wheel sets of the CodeBuild image and of this machine, downloaded if missing.

    This machine's set is what builds on a local AWS install from.

    Raises:
        WheelsUnavailable: the package index cannot be reached.
    """
    from catalog.bundles.wheels import (  # noqa: PLC0415 - see read_sources
        build_wheel_set,
        host_wheel_set,
        wheel_set_key,
    )
    from catalog.products.build_environment import PYTHON  # noqa: PLC0415

    image = (f"cp{PYTHON.replace('.', '')}", "linux_x86_64")
    assets = []
    for tag, platform in dict.fromkeys((image, host_wheel_set())):
        archive = build_wheel_set(python_tag=tag, platform=platform, cache_dir=cache_dir)
        content = archive.read_bytes()
        assets.append(
            Asset(
                key=wheel_set_key(python_tag=tag, platform=platform),
                sha256=hashlib.sha256(content).hexdigest(),
                content=content,
            )
        )
    return tuple(assets)


def connect(*, manifest: CatalogManifest, aws: Aws | None = None) -> Aws:
    """Return the way into AWS: the caller's credentials, and a role in every other account.

    Args:
        manifest: names the hub, its publisher role and the role of target accounts.
        aws: given instead, by the demo and by tests.
    """
    if aws is not None:
        return aws

    def role_for(account: str) -> str | None:
        if account == manifest.hub.account:
            return manifest.hub.publisher_role
        return manifest.spokes.admin_role

    return Aws(role_for=role_for)


def look(
    *, sources: Sources, aws: Aws, fast: bool = False, only: Narrowing | None = None
) -> Outlook:
    """Read AWS and plan. Changes nothing.

    Args:
        sources: what the checkout says.
        aws: how to call AWS.
        fast: see `observe`.
        only: regions and templates that the plan is limited to; roles are always looked at.

    Raises:
        CatalogError: no credentials, something foreign in the way, a version conflict, ...
    """
    manifest = sources.manifest
    aws.identity()
    only = only or Narrowing()
    reaches = target_reaches(aws=aws, manifest=manifest)
    desired = only.desired(sources.desired(reaches=reaches))
    roles = observe_roles(
        aws=aws,
        accounts=(manifest.hub.account, *reached_accounts(reaches)),
        region=manifest.regions[0],
        catalog=manifest.catalog,
        template=sources.roles(),
    )
    observed = observe(aws=aws, desired=desired, fast=fast)
    return Outlook(
        desired=desired,
        roles=roles,
        role_actions=plan_roles(roles),
        plan=only.plan(make_plan(desired=desired, observed=observed)),
        observed=observed,
        only=only,
    )
