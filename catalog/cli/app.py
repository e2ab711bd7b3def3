"""The command tree."""

from __future__ import annotations

from pathlib import Path

import click

from catalog import __version__
from catalog.cli.check import check
from catalog.cli.doctor import doctor
from catalog.cli.local import local
from catalog.cli.options import (
    dev_option,
    journal_option,
    manifest_option,
    region_option,
    root_option,
    template_option,
    yes_option,
)
from catalog.cli.publish import apply, fast_option, plan, publish, status
from catalog.cli.removal import destroy, retire
from catalog.publishing.narrowing import Narrowing


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@root_option
@manifest_option
@dev_option
@yes_option
@fast_option
@region_option
@template_option
@journal_option
@click.pass_context
def app(  # noqa: PLR0913, PLR0917 - one per option
    context: click.Context,
    root: Path,
    manifest: Path | None,
    dev: bool,
    yes: bool,
    fast: bool,
    regions: tuple[str, ...],
    templates: tuple[str, ...],
    journal: Path | None,
) -> None:
    """Publish ML project templates to an organisation's accounts.

    Without a subcommand: plan, ask, apply. In CI, give --yes.
    """
    if context.invoked_subcommand is None:
        publish(
            root=root,
            manifest=manifest,
            dev=dev,
            yes=yes,
            fast=fast,
            only=Narrowing(regions=regions, templates=templates),
            journal=journal,
        )


for command in (plan, apply, status, doctor, retire, destroy, check, local):
    app.add_command(command)
