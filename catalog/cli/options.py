"""Options that several commands take, spelled once."""

from __future__ import annotations

from pathlib import Path

import click

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="Checkout of the catalog repository; the current folder by default.",
)
manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The manifest to publish; catalog.yml of the checkout by default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
yes_option = click.option("--yes", is_flag=True, help="Apply without asking; needed in CI.")
dev_option = click.option(
    "--dev",
    is_flag=True,
    help="Publish a pre-release from a tree that is not a clean release tag.",
)
region_option = click.option(
    "--region",
    "regions",
    multiple=True,
    help="Only this region of the catalog; may be repeated.",
)
template_option = click.option(
    "--template",
    "templates",
    multiple=True,
    help="Only this template and what it needs; may be repeated.",
)
journal_option = click.option(
    "--journal",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append what happens to this file, as JSON lines.",
)
