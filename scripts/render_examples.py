"""Renders each template into `examples/`, with its defaults and with everything else chosen.

The trees are the gallery, and reviewers see in them what a change of a template does to a
repository. Locks, data and shared folders are left out. `--check` writes nothing, names what
differs and exits 1.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.rendering import copy_catalog, render
from scripts.template_sources import ROOT, Template, load_templates

EXAMPLES = ROOT / "examples"
LEFT_OUT = ("uv.lock", "*.parquet", ".copier-answers.yml")


def main() -> int:
    """Render and write, or compare."""
    check = "--check" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        expected = rendered(Path(folder))
        differing = sorted(differences(expected, EXAMPLES))
        if not check and differing:
            for present in EXAMPLES.iterdir():
                if present.is_dir():
                    shutil.rmtree(present)
            shutil.copytree(expected, EXAMPLES, dirs_exist_ok=True)
    for name in differing:
        print(f"{'differs' if check else 'wrote'}: examples/{name}")
    return 1 if check and differing else 0


def rendered(folder: Path) -> Path:
    """Render every example below `folder` and return the folder of them all."""
    catalog = copy_catalog(folder / "catalog")
    target = folder / "examples"
    for template in load_templates():
        for name, answers in _answers(template).items():
            project = render(catalog, folder / "projects" / name, template.name, answers)
            for place in template.shared.values():
                shutil.rmtree(project / place)
            shutil.copytree(project, target / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return target


def _answers(template: Template) -> dict[str, dict[str, str | bool]]:
    other: dict[str, str | bool] = {}
    for question in template.asked:
        if question.kind == "bool":
            other[question.name] = not question.default
        elif question.choices:
            other[question.name] = next(c for c in question.choices if c != question.default)
    return {template.name: {}, f"{template.name}-other": other}


def differences(expected: Path, present: Path) -> set[str]:
    """Return the files that are missing, surplus or different, relative to both folders."""
    names = {
        path.relative_to(folder).as_posix()
        for folder in (expected, present)
        for path in folder.rglob("*")
        # README.md explains the folder and belongs to no example.
        if path.is_file() and path.parent != folder
    }
    _, mismatch, errors = filecmp.cmpfiles(expected, present, sorted(names), shallow=False)
    return {*mismatch, *errors}


if __name__ == "__main__":
    sys.exit(main())
