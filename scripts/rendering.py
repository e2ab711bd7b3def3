"""Renders a template with Copier from a plain copy of its files, for scripts and tests."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import copier

from scripts.template_sources import ROOT, Template

PARTS = ("copier.yml", "cookiecutter.json", "templates")


def copy_catalog(target: Path, *, root: Path = ROOT) -> Path:
    """Copy what rendering needs, as Git would check it out, and return `target`.

    Files that are new but not ignored are included, so that work in progress can be rendered.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PARTS],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.split("\0"):
        source = root / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def render(catalog: Path, target: Path, template: str, answers: Mapping[str, str | bool]) -> Path:
    """Render `template` of the catalog at `catalog` into `target` and return it."""
    copier.run_copy(
        str(catalog),
        target,
        data={"template": template, **answers},
        defaults=True,
        quiet=True,
        unsafe=False,
        vcs_ref="HEAD",
    )
    return target


def combinations(template: Template) -> Iterator[dict[str, str | bool]]:
    """Every combination of the answers that change the compiled pipeline."""
    questions = [q for q in template.asked if q.name in template.definition_answers]
    values: list[tuple[str | bool, ...]] = [q.choices or (True, False) for q in questions]
    for combination in itertools.product(*values):
        yield {q.name: value for q, value in zip(questions, combination, strict=True)}
