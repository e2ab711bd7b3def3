"""The byte proof: a repo born in Studio equals `copier copy` at that tag with its answers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from catalog.cli.demo.scratch import ScratchCatalog, run_git
from catalog.errors import CatalogError

_OWN_KEYS = "_"  # Copier's own entries of an answers file start with it


@dataclass(frozen=True, kw_only=True)
class TreeDifference:
    """How two trees differ; empty lists mean that they are the same bytes and modes."""

    only_left: tuple[str, ...]
    only_right: tuple[str, ...]
    different: tuple[str, ...]
    files: int
    bytes: int

    @property
    def equal(self) -> bool:
        """Whether the trees are identical."""
        return not (self.only_left or self.only_right or self.different)


def render_with_copier(
    *, catalog: ScratchCatalog, answers: Mapping[str, object], destination: Path
) -> None:
    """Run the `copier copy` command a person would run, with `answers`, at the catalog's tag.

    Raises:
        CatalogError: Copier refused; the message carries its own words.
    """
    data = [
        part
        for key, value in answers.items()
        if not key.startswith(_OWN_KEYS)
        for part in ("--data", f"{key}={str(value).lower() if isinstance(value, bool) else value}")
    ]
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "copier", "copy", "--quiet", "--defaults"),
            *("--vcs-ref", catalog.tag, *data, catalog.url, str(destination)),
        ],
        env={**os.environ, **catalog.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise CatalogError(
            f"copier copy failed: {finished.stderr.strip() or finished.stdout.strip()}"
        )


def recorded_answers(repository: Path) -> dict[str, object]:
    """Return what `.copier-answers.yml` of a repo records."""
    loaded = yaml.safe_load((repository / ".copier-answers.yml").read_text(encoding="utf-8"))
    return dict(loaded)


def tracked_tree(repository: Path) -> dict[str, tuple[str, str, int]]:
    """Return path → (mode, sha256, size) of every file that git tracks in `repository`."""
    tree = {}
    for entry in run_git("ls-files", "--stage", "-z", cwd=repository).split("\0"):
        if not entry:
            continue
        meta, path = entry.split("\t", 1)
        tree[path] = (meta.split(" ", 1)[0], *_digest(repository / path))
    return tree


def folder_tree(folder: Path) -> dict[str, tuple[str, str, int]]:
    """Return path → (git mode, sha256, size) of every file below `folder`."""
    tree = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            mode = "100755" if path.stat().st_mode & 0o100 else "100644"
            tree[path.relative_to(folder).as_posix()] = (mode, *_digest(path))
    return tree


def compare(
    left: Mapping[str, tuple[str, str, int]], right: Mapping[str, tuple[str, str, int]]
) -> TreeDifference:
    """Compare two trees by name, mode and content."""
    return TreeDifference(
        only_left=tuple(sorted(left.keys() - right.keys())),
        only_right=tuple(sorted(right.keys() - left.keys())),
        different=tuple(
            sorted(name for name in left.keys() & right.keys() if left[name] != right[name])
        ),
        files=len(left),
        bytes=sum(size for _, _, size in left.values()),
    )


def _digest(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)
