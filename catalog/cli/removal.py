"""`publish-catalog retire` and `destroy`: taking away, never what a project uses."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from catalog.aws import Aws
from catalog.cli.console import stderr, stdout
from catalog.cli.options import manifest_option, root_option, yes_option
from catalog.cli.planning import ApplyProgress
from catalog.cli.publication import connect
from catalog.errors import ConfirmationNeeded, PartialFailure
from catalog.manifest.load import load_all
from catalog.manifest.models import CatalogManifest
from catalog.publishing.apply import apply_plan
from catalog.publishing.destroy import plan_destruction
from catalog.publishing.observe import observe
from catalog.publishing.observed import Observed
from catalog.publishing.retire import artifact_ids, bare_state, plan_retirement
from catalog.publishing.retire import retire as retire_one
from catalog.spokes.accounts import reached_accounts, target_reaches
from catalog.spokes.roles import STACK_NAME
from catalog.spokes.rollout import delete_roles
from catalog.spokes.usage import product_usage, studio_usage


@click.command()
@root_option
@manifest_option
@yes_option
@click.option("--force", is_flag=True, help="Retire it although projects use it.")
@click.option("--inactive", is_flag=True, help="Make it inactive at once.")
@click.argument("template")
@click.argument("version")
def retire(
    root: Path,
    manifest: Path | None,
    yes: bool,
    force: bool,
    inactive: bool,
    template: str,
    version: str,
) -> None:
    """Retire VERSION of TEMPLATE: no new projects; the second time, no updates either.

    Refused while projects use the version; they are listed.
    """
    catalog, templates = load_all(root=root, catalog=manifest)
    aws = connect(manifest=catalog)
    current = templates[template].version if template in templates else None
    observed = observe_owned(aws=aws, manifest=catalog)
    steps = plan_retirement(
        observed=observed, template=template, version=version, current=current, inactive=inactive
    )
    for step in steps:
        stdout().print(str(step))
    if all(step.empty for step in steps):
        return
    if not force:
        ids = artifact_ids(steps)
        product_usage(
            aws=aws,
            accounts=(
                catalog.hub.account,
                *reached_accounts(target_reaches(aws=aws, manifest=catalog)),
            ),
            regions=catalog.regions,
            products=ids.values(),
            versions=ids,
        ).require_none(
            what=f"version {version} of {template}",
            remedy="Update or delete these projects, or list the version under "
            "deprecated_versions in template.yml: that only ends new launches. --force retires "
            "it all the same.",
        )
    confirm("Retire it?", yes=yes)
    today = datetime.now(UTC).date()
    for step in steps:
        retire_one(aws=aws, retirement=step, today=today)
    stderr().print("Done.")


@click.command()
@root_option
@manifest_option
@yes_option
@click.option("--with-buckets", is_flag=True, help="Delete the assets buckets and all in them.")
def destroy(root: Path, manifest: Path | None, yes: bool, with_buckets: bool) -> None:
    """Delete what this catalog owns: shares, portfolios, products, versions and roles.

    Refused while anything is provisioned from its products. Buckets stay unless asked for.
    """
    catalog, _ = load_all(root=root, catalog=manifest)
    aws = connect(manifest=catalog)
    observed = observe_owned(aws=aws, manifest=catalog)
    plan = plan_destruction(manifest=catalog, observed=observed, with_buckets=with_buckets)
    accounts = (catalog.hub.account, *reached_accounts(target_reaches(aws=aws, manifest=catalog)))
    owned = [p.id for seen in observed.regions.values() for p in seen.products]
    if owned:
        product_usage(
            aws=aws, accounts=accounts, regions=catalog.regions, products=owned
        ).require_none(
            what="product of this catalog",
            remedy="Delete these projects first: without their launch role they could not be.",
        )
    studio_usage(
        aws=aws,
        accounts=accounts,
        regions=catalog.regions,
        role=catalog.spokes.studio_launch_role,
    ).require_none(
        what="role of Studio's S3 templates",
        remedy="Delete these projects first: without that role they could not be.",
    )
    for action in plan.actions:
        stdout().print(f"  - {action.region}: {action.kind.value} {action.subject}", markup=False)
    for note in plan.notes:
        stdout().print(f"Note: {note}", markup=False)
    stdout().print(f"  - stack {STACK_NAME} in {', '.join(accounts)}, where it is there")
    confirm(f"Destroy the catalog {catalog.catalog}?", yes=yes)
    with ApplyProgress(stderr(), total=len(plan.actions)) as progress:
        report = apply_plan(plan=plan, aws=aws, contents={}, progress=progress.step)
    # Roles last: whatever of the hub is left still needs them.
    report.raise_for_failure()
    failures = delete_roles(
        aws=aws, accounts=accounts, region=catalog.regions[0], catalog=catalog.catalog
    )
    if failures:
        raise PartialFailure(
            "\n  ".join(["not every roles stack was deleted", *map(str, failures.values())]),
            next_step="mend what is named above and run it again; what is done stays done.",
        )
    stderr().print("Done.")


def observe_owned(*, aws: Aws, manifest: CatalogManifest) -> Observed:
    """Read what the catalog owns in every region.

    Raises:
        CatalogError: a region cannot be read: nothing may be taken away half-seen.
    """
    aws.identity()
    observed = observe(aws=aws, desired=bare_state(manifest), fast=True)
    for error in observed.failures.values():
        raise error
    return observed


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal.

    Raises:
        ConfirmationNeeded: no `--yes` and no terminal to ask on.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfirmationNeeded(
            "there are changes and nobody to ask",
            next_step="review what is shown above, then run again with --yes.",
        )
    click.confirm(question, abort=True, err=True)
