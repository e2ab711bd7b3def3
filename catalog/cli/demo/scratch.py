"""A tagged scratch clone of the catalog, which stands in for its public repository.

The demo and the tests never rely on tags of the checkout they run in: clones may carry none.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import CatalogError, LocalAwsError

_AUTHOR = {
    "GIT_AUTHOR_NAME": "Catalog demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Catalog demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
}


@dataclass(frozen=True, kw_only=True)
class ScratchCatalog:
    """A clone of the catalog with one annotated release tag.

    Attributes:
        path: the clone's folder.
        url: the public URL that repos record; `environment` maps it to `path`.
        tag: the release tag.
    """

    path: Path
    url: str
    tag: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment in which git and Copier read `path` wherever they are asked for `url`.

        Copier adds `.git` to a GitHub URL, and keeps mirrors by URL in its cache: one of the
        real URL must not be mistaken for this clone, nor the other way round.
        """
        here = f"url.{self.path.as_uri()}.insteadOf"
        bare = self.url.removesuffix(".git")
        pairs = [(here, bare), (here, f"{bare}.git"), ("safe.directory", "*")]
        return {
            "GIT_CONFIG_COUNT": str(len(pairs)),
            **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(pairs)},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(pairs)},
            "XDG_CACHE_HOME": str(self.path.parent / "cache"),
        }


def clone_catalog(*, root: Path, destination: Path, url: str, tag: str) -> ScratchCatalog:
    """Clone the committed state of `root` into `destination` and tag it.

    Args:
        root: a git checkout of the catalog.
        destination: a folder that does not exist yet.
        url: the catalog's public URL.
        tag: the annotated tag to make.

    Raises:
        LocalAwsError: `root` is not a git checkout.
    """
    if not (root / ".git").exists():
        raise LocalAwsError(
            f"{root} is not a git checkout",
            next_step="clone the catalog with git: releases are tags, which a mere copy lacks.",
        )
    run_git("clone", "--quiet", "--no-tags", "--no-hardlinks", str(root), str(destination))
    run_git("tag", "--annotate", "--message", f"Release {tag}", tag, cwd=destination)
    return ScratchCatalog(path=destination, url=url, tag=tag)


def run_git(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run git and return what it printed.

    Raises:
        CatalogError: git failed; the message carries its own words.
    """
    finished = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env={**os.environ, **_AUTHOR, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise CatalogError(f"git {arguments[0]} failed: {finished.stderr.strip()}")
    return finished.stdout
