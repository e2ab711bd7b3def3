"""What a checkout may publish as: a release tag, or a marked development version."""

from __future__ import annotations

import subprocess
from pathlib import Path

from catalog.bundles.model import Release
from catalog.errors import UncleanTree


def read_release(*, root: Path, catalog_url: str, dev: bool) -> Release:
    """Return the release that `root` stands at.

    Args:
        root: a git checkout.
        catalog_url: public URL of the catalog's repository.
        dev: publish a development version, whatever the tree's state.

    Raises:
        UncleanTree: not `dev`, and the tree has changes or HEAD carries no annotated tag.
    """
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain")
    if dev:
        suffix = "-dirty" if changed or not commit else ""
        return Release(
            tag=f"dev-{commit or 'none'}{suffix}", catalog_url=catalog_url, updatable=False
        )
    next_step = "Commit and tag a release (git tag -a), or publish with --dev."
    if not commit:
        raise UncleanTree(f"{root} is not a git checkout with a commit", next_step=next_step)
    if changed:
        files = changed.splitlines()
        shown = ", ".join(line[3:] for line in files[:3]) + (", ..." if len(files) > 3 else "")
        raise UncleanTree(f"the tree has uncommitted changes: {shown}", next_step=next_step)
    tag = _git(root, "describe", "--exact-match", "HEAD")
    if not tag:
        raise UncleanTree(f"commit {commit} carries no annotated tag", next_step=next_step)
    return Release(tag=tag, catalog_url=catalog_url)


def artifact_name(*, version: str, digest: str, release: Release) -> str:
    """Return the version people see: `1.2.0`, or `1.2.0-dev.g<commit>` for a development one.

    A development version of a tree with changes also names the digest: its commit alone does not
    say what is in it. The `g` keeps a commit of digits only from being an invalid SemVer number.
    """
    if release.updatable:
        return version
    commit, _, dirty = release.tag.removeprefix("dev-").partition("-")
    core, plus, build = version.partition("+")
    name = f"{core}{'.' if '-' in core else '-'}dev.g{commit}"
    if dirty:
        name += f".d{digest[:8]}"
    return f"{name}{plus}{build}"


def _git(root: Path, *arguments: str) -> str:
    """Return git's answer, or an empty string where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.rstrip() if done.returncode == 0 else ""
