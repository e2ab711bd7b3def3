"""Whether each changed template has a new version, compared with the last release tag."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from catalog.errors import Location, Problem
from catalog.manifest.models import TemplateManifest


def check_versions(*, root: Path, templates: Mapping[str, TemplateManifest]) -> list[Problem]:
    """Return what is wrong with the templates' versions.

    A template that differs from the last annotated tag needs another version than it had there;
    each version needs its heading in CHANGELOG.md. Files that templates share (`templates/_shared`)
    are copied into each of them, so a change there shows in the copies. Without a tag there is
    nothing to compare with, and only change logs are checked.

    Args:
        root: checkout of the catalog.
        templates: by name, as they are now.
    """
    tag = _git(root, "describe", "--abbrev=0", "HEAD").strip()
    problems = []
    for name, template in templates.items():
        folder = f"templates/{name}"
        before = _git(root, "show", f"{tag}:./{folder}/template.yml") if tag else ""
        found = re.search(r"""^version:\s*["']?([^\s"'#]+)""", before, re.MULTILINE)
        if found and found[1] == template.version:
            changed = _git(root, "diff", "--name-only", "--relative", tag, "--", folder)
            if changed:
                files = changed.splitlines()
                shown = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")
                problems.append(
                    Problem(
                        message=f"{name} has changed since {tag} but is still version "
                        f"{template.version}: {shown}",
                        where=Location(file=f"{folder}/template.yml", key="version"),
                        hint="bump it: a published version never changes",
                    )
                )
        problems += _check_changelog(root, folder, template.version)
    return problems


def _check_changelog(root: Path, folder: str, version: str) -> list[Problem]:
    path = root / folder / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if re.search(rf"^##\s+\[?v?{re.escape(version)}\]?(\s|$)", text, re.MULTILINE):
        return []
    return [
        Problem(
            message=f"has no entry for version {version}",
            where=Location(file=f"{folder}/CHANGELOG.md"),
            hint=f"add a heading '## {version}': it becomes the version's description",
        )
    ]


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, or an empty string where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
