"""The files of a catalog: what Git tracks, so that a stray file never changes a digest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import Location, TemplateError

EXECUTABLE = 0o755
PLAIN = 0o644
_NEVER = {".git", "__pycache__", ".venv", ".cache"}


@dataclass(frozen=True, kw_only=True)
class TreeFile:
    """One file.

    Attributes:
        path: relative POSIX path.
        content: bytes.
        mode: 0o755 when executable, else 0o644; the umask of the checkout does not show.
    """

    path: str
    content: bytes
    mode: int


def list_files(*, root: Path, under: Iterable[str]) -> list[str]:
    """Return the catalog's files below some folders, sorted, as relative POSIX paths.

    Args:
        root: checkout of the catalog. If it is the top of a Git work tree, only tracked files
            count; elsewhere every file does.
        under: relative paths of folders or files.

    Raises:
        TemplateError: when Git refuses to list the files.
    """
    wanted = list(under)
    if (root / ".git").exists():
        return sorted(path for path in _tracked(root, wanted) if (root / path).is_file())
    found: set[str] = set()
    for name in wanted:
        start = root / name
        if start.is_file():
            found.add(name)
        for folder, folders, files in os.walk(start):
            folders[:] = [f for f in folders if f not in _NEVER]
            found |= {(Path(folder) / file).relative_to(root).as_posix() for file in files}
    return sorted(found)


def read_files(*, root: Path, paths: Iterable[str]) -> list[TreeFile]:
    """Read files with normalised modes.

    Raises:
        TemplateError: a symbolic link, which the front doors treat differently from each other.
    """
    files = []
    for path in paths:
        full = root / path
        if full.is_symlink():
            raise TemplateError(
                "is a symbolic link; Copier and Cookiecutter treat those differently",
                where=Location(file=path),
                next_step="Replace it by the file itself.",
            )
        executable = full.stat().st_mode & 0o100
        files.append(
            TreeFile(path=path, content=full.read_bytes(), mode=EXECUTABLE if executable else PLAIN)
        )
    return files


def _tracked(root: Path, wanted: list[str]) -> list[str]:
    literal = [f":(literal){path}" for path in wanted]
    result = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--", *literal],
        capture_output=True,
        check=False,
    )
    if result.returncode:
        raise TemplateError(
            f"Git cannot list the files of {root}: {result.stderr.decode(errors='replace')}",
            next_step="Run the command in a checkout of the catalog that belongs to you.",
        )
    return [name for name in result.stdout.decode().split("\0") if name]
