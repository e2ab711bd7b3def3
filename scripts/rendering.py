"""Renders a template with Copier from a plain copy of its files, for scripts and tests."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import copier

from scripts.template_sources import ROOT, Template

Answers = Mapping[str, str | bool]
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


def render(catalog: Path, target: Path, template: str, answers: Answers) -> Path:
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


def combinations(template: Template, names: Sequence[str]) -> Iterator[dict[str, str | bool]]:
    """Every combination of the answers to the named questions."""
    questions = [q for q in template.asked if q.name in names]
    values: list[tuple[str | bool, ...]] = [q.choices or (True, False) for q in questions]
    for combination in itertools.product(*values):
        yield {q.name: value for q, value in zip(questions, combination, strict=True)}


def merged(results: Sequence[tuple[Answers, bytes]]) -> bytes:
    """One templated file of what it is for each combination of answers, plain where all agree."""
    by_content: dict[bytes, list[Answers]] = {}
    for answers, content in results:
        by_content.setdefault(content, []).append(answers)
    if len(by_content) == 1:
        return results[0][1]
    parts = []
    for number, (content, cases) in enumerate(by_content.items()):
        condition = " or ".join(f"({_condition(case)})" for case in cases)
        keyword = "if" if number == 0 else "elif"
        parts.append(f"{{% {keyword} {condition} %}}".encode() + content)
    return b"".join(parts) + b"{% endif %}"


def _condition(answers: Answers) -> str:
    return " and ".join(f"cookiecutter.{name} == {value!r}" for name, value in answers.items())
