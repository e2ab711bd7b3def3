"""Writing commits without a work tree, and merging."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from catalog.localaws.git.repository import GitError, Repository, run_git

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class MergeConflictError(Exception):
    """Two commits cannot be merged without a human; `paths` are the files in conflict."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(sorted(set(paths)))
        super().__init__(", ".join(self.paths))


def write_blob(repository: Repository, content: bytes) -> str:
    """Store a file's content and return its id."""
    return repository.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()


def edit_tree(
    repository: Repository, *, parent: str | None, entries: Mapping[str, tuple[str, str] | None]
) -> str:
    """Return the tree of `parent` (none: an empty one) with entries replaced.

    Args:
        repository: where the objects are.
        parent: a commit.
        entries: path → (mode, blob id), or None to remove the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if parent:
            repository.git("read-tree", parent, environment=environment)
        lines = [
            f"{mode_and_id[0]} {mode_and_id[1]}\t{path}" if mode_and_id else f"0 {'0' * 40}\t{path}"
            for path, mode_and_id in entries.items()
        ]
        repository.git(
            "update-index",
            "-z",
            "--index-info",
            stdin="\0".join([*lines, ""]).encode(),
            environment=environment,
        )
        return repository.text("write-tree", environment=environment)


def merge_trees(repository: Repository, *, base: str, ours: str, theirs: str) -> str:
    """Return the tree of a three-way merge.

    Args:
        repository: where the objects are.
        ours: commit merged into.
        theirs: commit to merge.
        base: common ancestor, or `EMPTY_TREE`.

    Raises:
        MergeConflictError: a file was changed on both sides in ways that do not fit together.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        environment = {
            "GIT_INDEX_FILE": str(Path(folder, "index")),
            "GIT_DIR": str(repository.path),
            "GIT_WORK_TREE": str(work),
        }

        def git(*arguments: str) -> str:
            return run_git(*arguments, cwd=work, environment=environment).decode("utf-8", "replace")

        git("read-tree", "-m", "--aggressive", base, ours, theirs)
        try:
            git("merge-index", "-o", "-q", "git-merge-one-file", "-a")
        except GitError as error:
            left = git("ls-files", "--unmerged", "-z").split("\0")
            paths = [line.partition("\t")[2] for line in left if line]
            if not paths:
                raise
            raise MergeConflictError(paths) from error
        return git("write-tree").strip()
