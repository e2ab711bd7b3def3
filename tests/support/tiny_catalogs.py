"""Tiny catalogs, stated inline by the tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SKELETON = "{{cookiecutter.project_slug}}"

QUESTIONS = """\
project_name:
  type: str
  group: Project
  help: Name of the project
  default: Late flights
  pattern: ^[A-Za-z0-9]([ -]*[A-Za-z0-9])*$

project_slug:
  type: str
  group: Project
  help: Name of the repository
  default: "{{ (project_name | lower | replace(' ', '-')) }}"
  pattern: ^[a-z0-9]+(-[a-z0-9]+)*$

kind:
  type: str
  group: Model
  help: What is predicted
  choices: [class, number]
  default: class

verbose:
  type: bool
  group: Model
  help: Whether to log much
  default: false

label:
  type: str
  group: Model
  help: Name of the label
  default: "{{ project_slug }}-label"
  pattern: ^[a-z0-9-]{1,40}$
"""

PRODUCT = """\
from catalog.products.project import Project


def build(scope, *, context):
    Project(scope, "Project", context=context)
"""


def template_files(
    name: str, *, questions: str = QUESTIONS, version: str = "0.1.0"
) -> dict[str, str]:
    """Return the files of a small template."""
    folder = f"templates/{name}"
    return {
        f"{folder}/template.yml": (
            f"name: {name}\ntitle: {name.title()}\nsummary: A template for tests.\n"
            f"version: {version}\nowner: Tests\n"
        ),
        f"{folder}/questions.yml": questions,
        f"{folder}/product.py": PRODUCT,
        f"{folder}/CHANGELOG.md": f"# Changelog\n\n## {version}\n\nFirst.\n",
        f"{folder}/{SKELETON}/README.md": "# {{ cookiecutter.project_name }}\n",
        f"{folder}/{SKELETON}/settings.txt": (
            "{{ cookiecutter.kind }} {{ cookiecutter.verbose }} {{ cookiecutter.label }}\n"
        ),
        f"{folder}/{SKELETON}/.gitignore": "reports/\n",
        f"{folder}/{SKELETON}/reports/kept.txt": "kept although ignored\n",
        f"{folder}/{SKELETON}/{{{{cookiecutter.__answers}}}}": (
            "# Changes here are lost: written by Copier\n{{ _copier_answers | to_nice_yaml }}"
        ),
    }


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def git(folder: Path, *arguments: str) -> str:
    """Run Git as a fixed person and return what it wrote."""
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@invalid"))
    }
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **identity},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def commit_all(folder: Path, *, tag: str | None = None) -> None:
    """Make a folder a Git repository with everything in one commit."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--force", "--all")
    git(folder, "commit", "--quiet", "--message", "Everything")
    if tag:
        git(folder, "tag", "--annotate", "--message", tag, tag)
