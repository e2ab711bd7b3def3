"""The command tree."""

from __future__ import annotations

from pathlib import Path

import click

from catalog import __version__
from catalog.cli.doctor import doctor
from catalog.cli.local import local
from catalog.cli.options import dev_option, manifest_option, root_option, yes_option
from catalog.cli.publish import apply, fast_option, plan, publish, status
from catalog.cli.removal import destroy, retire


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@root_option
@manifest_option
@dev_option
@yes_option
@fast_option
@click.pass_context
def app(
    context: click.Context, root: Path, manifest: Path | None, dev: bool, yes: bool, fast: bool
) -> None:
    """Publish ML project templates to an organisation's accounts.

    Without a subcommand: plan, ask, apply. In CI, give --yes.
    """
    if context.invoked_subcommand is None:
        publish(root=root, manifest=manifest, dev=dev, yes=yes, fast=fast)


for command in (plan, apply, status, doctor, retire, destroy, local):
    app.add_command(command)
