"""A bare Git repository on disk, driven by git's plumbing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NULL = "0" * 40


class GitError(Exception):
    """A git command failed; the message is what it printed."""


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    """One entry of a tree.

    Attributes:
        mode: as git writes it (`100644`, `100755`, `120000`, `040000`, `160000`).
        kind: `blob`, `tree` or `commit`.
        path: from the root of the tree that was listed.
        size: bytes of a blob, else 0.
    """

    mode: str
    kind: str
    id: str
    path: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who made a commit, and when (`<seconds> <zone>`)."""

    name: str
    email: str
    date: str = ""

    def moment(self) -> str:
        """Return the date as ISO 8601 in UTC."""
        seconds = int(self.date.partition(" ")[0] or 0)
        return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def environment(self, role: str) -> dict[str, str]:
        """Return the variables git reads for `role` (AUTHOR, COMMITTER)."""
        found = {f"GIT_{role}_NAME": self.name, f"GIT_{role}_EMAIL": self.email}
        if self.date:
            found[f"GIT_{role}_DATE"] = self.date
        return found


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit object."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which git reads no configuration of the user's or the machine's."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    return {
        **kept,
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **(extra or {}),
    }


def run_git(
    *arguments: str,
    cwd: Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run git and return its standard output.

    Raises:
        GitError: it failed.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        env=git_environment(environment),
    )
    if done.returncode:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]}")
    return done.stdout


class Repository:
    """A bare repository.

    Args:
        path: its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, *, branch: str = "main") -> Repository:
        """Make an empty repository whose HEAD is `branch`, so that a first clone is on it."""
        path.mkdir(parents=True)
        run_git("init", "--quiet", "--bare", f"--initial-branch={branch}", ".", cwd=path)
        repository = cls(path)
        repository.git("config", "http.receivepack", "true")
        # Reachable ids beyond branch tips: shallow builds fetch a commit by its id.
        repository.git("config", "uploadpack.allowReachableSHA1InWant", "true")
        # Archives hold what commits hold, whatever .gitattributes says.
        attributes = path / "info" / "attributes"
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text("* -export-ignore -export-subst\n", encoding="utf-8")
        return repository

    def git(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run git in the repository.

        Raises:
            GitError: it failed.
        """
        return run_git(*arguments, cwd=self.path, stdin=stdin, environment=environment)

    def text(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run git and return its output without surrounding white space.

        Raises:
            GitError: it failed.
        """
        return self.git(*arguments, environment=environment).decode("utf-8", "replace").strip()

    def references(self) -> dict[str, str]:
        """Return all references (`refs/heads/main`) and the objects they name."""
        lines = self.text("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return {name: value for name, _, value in (line.partition(" ") for line in lines)}

    def branches(self) -> dict[str, str]:
        """Return branch name → commit id."""
        prefix = "refs/heads/"
        return {
            name.removeprefix(prefix): value
            for name, value in self.references().items()
            if name.startswith(prefix)
        }

    def head(self) -> str:
        """Return the name of the default branch, whether or not it exists yet."""
        return self.text("symbolic-ref", "HEAD").removeprefix("refs/heads/")

    def set_head(self, branch: str) -> None:
        """Make `branch` the default branch."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def commit_id(self, specifier: str) -> str | None:
        """Return the commit that a branch, tag, reference or id names, or None."""
        if specifier.startswith("-"):
            return None
        for candidate in (f"refs/heads/{specifier}", specifier):
            try:
                return self.text(
                    "rev-parse", "--verify", "--quiet", "--end-of-options", candidate + "^{commit}"
                )
            except GitError:
                continue
        return None

    def commit(self, commit_id: str) -> Commit:
        """Return a commit object.

        Raises:
            GitError: there is no such commit.
        """
        head, _, message = (
            self.git("cat-file", "commit", commit_id).decode("utf-8", "replace").partition("\n\n")
        )
        fields: dict[str, list[str]] = {}
        for line in head.splitlines():
            name, _, value = line.partition(" ")
            if name:
                fields.setdefault(name, []).append(value)
        return Commit(
            id=commit_id,
            tree=fields["tree"][0],
            parents=tuple(fields.get("parent", ())),
            author=_signature(fields["author"][0]),
            committer=_signature(fields["committer"][0]),
            message=message,
        )

    def entries(
        self, commit_id: str, *, folder: str = "", recursive: bool = False
    ) -> list[TreeEntry]:
        """Return what a folder of a commit holds, or all files below it.

        Raises:
            GitError: there is no such commit or folder.
        """
        options = ["-r"] if recursive else []
        at = f"{commit_id}:{folder.strip('/')}"
        listed = self.git("ls-tree", "-z", "--long", *options, at).decode("utf-8", "replace")
        found = []
        for line in listed.split("\0"):
            if not line:
                continue
            head, _, name = line.partition("\t")
            mode, kind, object_id, size = head.split()
            path = "/".join(part for part in (folder.strip("/"), name) if part)
            number = 0 if size == "-" else int(size)
            found.append(TreeEntry(mode=mode, kind=kind, id=object_id, path=path, size=number))
        return found

    def entry(self, commit_id: str, path: str) -> TreeEntry | None:
        """Return one file or folder of a commit, or None."""
        listed = self.git("ls-tree", "-z", "--long", commit_id, "--", path.strip("/"))
        for line in listed.decode("utf-8", "replace").split("\0"):
            if line:
                head, _, name = line.partition("\t")
                mode, kind, object_id, size = head.split()
                number = 0 if size == "-" else int(size)
                return TreeEntry(mode=mode, kind=kind, id=object_id, path=name, size=number)
        return None

    def archive(self, commit_id: str) -> bytes:
        """Return all files of a commit as a ZIP archive.

        Raises:
            GitError: there is no such commit.
        """
        return self.git("archive", "--format=zip", commit_id)

    def blob(self, blob_id: str) -> bytes:
        """Return the content of a blob.

        Raises:
            GitError: there is no such blob.
        """
        return self.git("cat-file", "blob", blob_id)

    def update(self, reference: str, *, new: str, old: str) -> None:
        """Move a reference if it still is at `old` (`NULL`: does not exist yet).

        Raises:
            GitError: somebody else moved it.
        """
        self.git("update-ref", reference, new, old)

    def delete(self, reference: str, *, old: str) -> None:
        """Delete a reference if it still is at `old`.

        Raises:
            GitError: somebody else moved it.
        """
        self.git("update-ref", "-d", reference, old)

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor of two commits, or None."""
        try:
            return self.text("merge-base", one, other) or None
        except GitError:
            return None

    def commit_tree(
        self,
        tree: str,
        *,
        parents: tuple[str, ...],
        message: str,
        author: Signature,
        committer: Signature | None = None,
    ) -> str:
        """Write a commit object and return its id."""
        options = [part for parent in parents for part in ("-p", parent)]
        environment = author.environment("AUTHOR") | (committer or author).environment("COMMITTER")
        return (
            self.git("commit-tree", tree, *options, stdin=message.encode(), environment=environment)
            .decode()
            .strip()
        )


def _signature(line: str) -> Signature:
    who, _, when = line.rpartition("> ")
    name, _, email = who.partition(" <")
    return Signature(name=name, email=email, date=when)
