"""The archive's tree as a Git repository that answers under the catalog's public URL."""

from __future__ import annotations

from pathlib import Path

from .commands import git_config, run

IDENTITY = {
    "GIT_AUTHOR_NAME": "SageMaker template catalog",
    "GIT_AUTHOR_EMAIL": "catalog@invalid",
    "GIT_COMMITTER_NAME": "SageMaker template catalog",
    "GIT_COMMITTER_EMAIL": "catalog@invalid",
}
CONTENT = ("copier.yml", "templates")


def make(*, tree: Path, tag: str, folder: Path) -> None:
    """Commit the seed's tree into a new repository and tag it.

    Args:
        tree: the unpacked archive.
        tag: the release; an annotated tag, as in the catalog.
        folder: the work tree of the new repository, made here.
    """
    content = [name for name in CONTENT if (tree / name).exists()]
    settings = git_config([("core.autocrlf", "false"), ("init.defaultBranch", "main")])
    environment = {**IDENTITY, **settings}
    folder.mkdir()
    run(["git", "init", "--quiet"], cwd=folder, environment=environment)
    work_tree = ["git", f"--git-dir={folder / '.git'}", f"--work-tree={tree}"]
    # What a skeleton's own .gitignore names belongs to the skeleton all the same.
    run([*work_tree, "add", "--force", "--", *content], cwd=tree, environment=environment)
    run(
        [*work_tree, "commit", "--quiet", "--no-verify", "--message", tag],
        cwd=tree,
        environment=environment,
    )
    run([*work_tree, "tag", "--annotate", "--message", tag, tag], cwd=tree, environment=environment)


def redirect(*, catalog_url: str, to: Path) -> list[tuple[str, str]]:
    """Return Git settings that make the catalog's URL mean the scratch repository.

    Copier adds `.git` to some URLs before it clones, so both spellings are covered.
    """
    bare = catalog_url.removesuffix(".git")
    key = f"url.file://{to}.insteadOf"
    return [(key, f"{bare}.git"), (key, bare)]
