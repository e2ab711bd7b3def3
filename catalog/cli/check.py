"""`publish-catalog check`: what a pull request to a catalog must satisfy. Asks AWS nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from catalog.bundles.bumps import check_versions
from catalog.cli.console import stdout
from catalog.cli.options import manifest_option, root_option
from catalog.errors import CatalogError, InvalidInput, Location, Problem
from catalog.manifest.load import load_all

_DERIVED = Path("scripts/check_derived.py")


@click.command()
@root_option
@manifest_option
def check(root: Path, manifest: Path | None) -> None:
    """Check manifests, versions, templates and derived files, and explain what fails."""
    from catalog.bundles.build import build_bundle  # noqa: PLC0415 - CDK takes a second to import

    # A manifest with mistakes ends it here, with every mistake of every file.
    _, templates = load_all(root=root, catalog=manifest)
    problems = check_versions(root=root, templates=templates)
    for name in templates:
        try:
            build_bundle(root=root, template=name)
        except InvalidInput as error:
            problems += error.problems
        except CatalogError as error:
            where = error.where or Location(file=f"templates/{name}")
            problems.append(Problem(message=error.message, where=where, hint=error.next_step))
    problems += check_derived(root=root)
    if problems:
        raise InvalidInput(problems)
    stdout().print(f"{len(templates)} templates: manifests, versions and derived files are right.")


def check_derived(*, root: Path) -> list[Problem]:
    """Return whether the files that are made from others differ from what would be made now."""
    if not (root / _DERIVED).exists():
        return []
    done = subprocess.run(
        [sys.executable, "-m", "scripts.check_derived"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    return [
        Problem(message=line.strip(), where=Location(), hint="run `make derive`")
        for line in (done.stdout or done.stderr).splitlines()
        if line.strip()
    ]
