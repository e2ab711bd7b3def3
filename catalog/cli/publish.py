"""`publish-catalog`, `plan`, `apply`, `status`: the publishing commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from catalog.aws import Aws
from catalog.cli.console import print_error, print_json, stderr, stdout
from catalog.cli.options import (
    dev_option,
    journal_option,
    json_option,
    manifest_option,
    region_option,
    root_option,
    template_option,
    yes_option,
)
from catalog.cli.planning import (
    ApplyProgress,
    markdown_summary,
    outlook_to_dict,
    print_plan,
    write_step_summary,
)
from catalog.cli.publication import Outlook, Sources, connect, look, read_sources
from catalog.errors import CatalogError, ConfirmationNeeded, PartialFailure, StalePlan
from catalog.publishing.apply import Progress, apply_plan
from catalog.publishing.journal import Journal
from catalog.publishing.narrowing import Narrowing
from catalog.publishing.serialize import check_fresh, read_plan
from catalog.spokes.rollout import RolesAction, apply_roles

PLAN_NOTHING, PLAN_ERROR, PLAN_CHANGES = 0, 1, 2

fast_option = click.option(
    "--fast",
    is_flag=True,
    help="Trust the hashes kept in descriptions instead of reading each constraint.",
)


@click.command()
@root_option
@manifest_option
@dev_option
@json_option
@fast_option
@region_option
@template_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan, for `publish-catalog apply FILE`.",
)
def plan(
    root: Path,
    manifest: Path | None,
    dev: bool,
    as_json: bool,
    fast: bool,
    regions: tuple[str, ...],
    templates: tuple[str, ...],
    out: Path | None,
) -> int:
    """Show what publishing would change. Exit code: 0 nothing to do, 2 changes, 1 error."""
    try:
        only = Narrowing(regions=regions, templates=templates)
        sources, _, outlook = _prepare(root=root, manifest=manifest, dev=dev, fast=fast, only=only)
        if out:
            out.write_text(
                json.dumps(outlook_to_dict(outlook), indent=2, sort_keys=True) + "\n", "utf-8"
            )
        if as_json:
            print_json(outlook_to_dict(outlook))
        else:
            print_plan(stdout(), outlook=outlook, sources=sources)
        write_step_summary(markdown_summary(outlook=outlook, sources=sources))
    except CatalogError as error:
        print_error(error)
        return PLAN_ERROR
    if outlook.unreadable:
        for unread in outlook.unreadable:
            print_error(unread)
        return PLAN_ERROR
    return PLAN_NOTHING if outlook.empty else PLAN_CHANGES


@click.command()
@root_option
@manifest_option
@dev_option
@yes_option
@region_option
@template_option
@journal_option
@click.argument("plan_file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def apply(
    root: Path,
    manifest: Path | None,
    dev: bool,
    yes: bool,
    regions: tuple[str, ...],
    templates: tuple[str, ...],
    journal: Path | None,
    plan_file: Path | None,
) -> None:
    """Apply a saved plan exactly, or plan and apply now.

    A saved plan is refused when AWS, the manifest or the templates have changed since.
    """
    only = Narrowing(regions=regions, templates=templates)
    if plan_file is None:
        publish(
            root=root, manifest=manifest, dev=dev, yes=yes, fast=False, only=only, journal=journal
        )
        return
    if only:
        raise click.UsageError("--region and --template are part of the saved plan already.")
    saved = read_plan(plan_file)
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    saved_roles = document.get("roles", [])
    only = Narrowing.from_dict(document.get("only", {}))
    sources, aws, outlook = _prepare(root=root, manifest=manifest, dev=dev, fast=False, only=only)
    check_fresh(saved=saved, current=outlook.plan, observed=outlook.observed)
    now = [{"account": a.account, "verb": a.verb} for a in outlook.role_actions]
    if now != saved_roles:
        raise StalePlan(
            "the plan is stale: the roles of an account have changed since it was made",
            next_step="Make the plan again and review it.",
        )
    carry_out(sources=sources, aws=aws, outlook=outlook, journal=journal)


def publish(
    *,
    root: Path,
    manifest: Path | None,
    dev: bool,
    yes: bool,
    fast: bool,
    only: Narrowing | None = None,
    journal: Path | None = None,
) -> None:
    """Plan, ask, apply: what the bare command does.

    Raises:
        ConfirmationNeeded: there are changes, no `--yes` and no terminal to ask on.
    """
    sources, aws, outlook = _prepare(root=root, manifest=manifest, dev=dev, fast=fast, only=only)
    print_plan(stdout(), outlook=outlook, sources=sources)
    write_step_summary(markdown_summary(outlook=outlook, sources=sources))
    if not outlook.empty and not yes:
        if not sys.stdin.isatty():
            raise ConfirmationNeeded(
                "there are changes and nobody to ask",
                next_step="review the plan above, then run again with --yes.",
            )
        click.confirm("Apply this plan?", abort=True, err=True)
    carry_out(sources=sources, aws=aws, outlook=outlook, journal=journal)


def carry_out(*, sources: Sources, aws: Aws, outlook: Outlook, journal: Path | None = None) -> None:
    """Apply an outlook: roles first, since a launch constraint names a role that must exist.

    Args:
        sources: what the checkout says.
        aws: how to call AWS.
        outlook: what to do.
        journal: file to append what happens to.

    Raises:
        PartialFailure: something failed; everything independent of it was done.
    """
    with Journal(journal) as log:
        log.plan(outlook.plan, release=sources.release.tag)
        _carry_out(sources=sources, aws=aws, outlook=outlook, log=log)


def _carry_out(*, sources: Sources, aws: Aws, outlook: Outlook, log: Journal) -> None:
    console = stderr()
    total = len(outlook.role_actions) + len(outlook.plan.actions)
    with ApplyProgress(console, total=total) as progress:

        def role(action: RolesAction, error: CatalogError | None) -> None:
            log.roles(action.account, action.verb, error)
            progress.role(action, error)

        def step(now: Progress) -> None:
            log.step(now)
            progress.step(now)

        role_errors = apply_roles(
            aws=aws,
            actions=outlook.role_actions,
            region=sources.manifest.regions[0],
            catalog=sources.manifest.catalog,
            template=sources.roles(),
            progress=role,
        )
        report = apply_plan(
            plan=outlook.plan,
            aws=aws,
            contents=outlook.desired.contents,
            progress=step,
        )
    unread = [stack.error for stack in outlook.roles if stack.error]
    if role_errors or unread:
        failures = [*role_errors.values(), *unread]
        try:
            report.raise_for_failure()
        except PartialFailure as error:
            failures.append(error)
        raise PartialFailure(
            "\n  ".join(["not everything was published", *(str(f) for f in failures)]),
            next_step="mend what is named above and run it again; what is done stays done.",
        )
    report.raise_for_failure()
    if total:
        console.print(f"Done: {total} actions in {report.seconds:.1f} s.")


@click.command()
@root_option
@manifest_option
@dev_option
@json_option
def status(root: Path, manifest: Path | None, dev: bool, as_json: bool) -> None:
    """Show what is published where: versions, shares, roles."""
    from catalog.cli.status import print_status, status_to_dict  # noqa: PLC0415

    sources, _, outlook = _prepare(root=root, manifest=manifest, dev=dev, fast=True)
    if as_json:
        print_json(status_to_dict(outlook=outlook, sources=sources))
    else:
        print_status(stdout(), outlook=outlook, sources=sources)
    for error in outlook.unreadable:
        raise error


def _prepare(
    *,
    root: Path,
    manifest: Path | None,
    dev: bool,
    fast: bool,
    only: Narrowing | None = None,
) -> tuple[Sources, Aws, Outlook]:
    console = stderr()
    with console.status("reading manifests") as shown:
        sources = read_sources(root=root, manifest=manifest, dev=dev, step=shown.update)
        aws = connect(manifest=sources.manifest)
        shown.update("reading AWS")
        outlook = look(sources=sources, aws=aws, fast=fast, only=only)
    return sources, aws, outlook
