"""Cloning a CodeCommit source for a build, as its service role."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from catalog.localaws.codebuild.builds import Build
from catalog.localaws.codebuild.failures import PhaseError
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError
from catalog.localaws.git.repository import GitError, run_git

if TYPE_CHECKING:
    from catalog.localaws.codecommit.service import CodeCommit


class Cloner:
    """Clones for one build.

    Args:
        credentials: of the build's service role.
    """

    def __init__(self, *, aws: LocalAws, build: Build, credentials: Mapping[str, str]) -> None:
        self._aws = aws
        self._build = build
        self._credentials = credentials

    def clone(self, *, source: Mapping[str, Any], version: str, into: Path, label: str) -> str:
        """Clone, check out `version` (a branch, tag or commit id), and return the commit id.

        Raises:
            PhaseError: the role may not pull, or repository or version do not exist.
        """
        build = self._build
        url: str = source["location"]
        codecommit = cast("CodeCommit", self._aws.service("codecommit"))
        keys = self._aws.identities.authenticate(
            access_key=self._credentials["AWS_ACCESS_KEY_ID"],
            token=self._credentials.get("AWS_SESSION_TOKEN", ""),
        )
        try:
            repository = codecommit.pull(
                principal=keys.principal,
                account=build.account,
                region=build.region,
                name=url.rstrip("/").rsplit("/", 1)[-1],
            )
        except ServiceError as error:
            raise self._failure(error.message, label=label, version=version) from error
        wanted = version.removeprefix("refs/heads/") or repository.head()
        commit = repository.commit_id(wanted)
        if commit is None:
            raise self._failure(f"reference not found: {wanted}", label=label, version=version)
        depth = source.get("gitCloneDepth", 0)
        try:
            run_git("clone", "--quiet", "--no-checkout", str(repository.path), ".", cwd=into)
            run_git("checkout", "--quiet", "--detach", commit, cwd=into)
            if depth:
                self._shorten(into, depth=depth)
            run_git("remote", "set-url", "origin", url, cwd=into)
        except GitError as error:
            raise self._failure(str(error), label=label, version=version) from error
        return commit

    def _shorten(self, into: Path, *, depth: int) -> None:
        run_git("fetch", "--quiet", f"--depth={depth}", "--update-shallow", "origin", cwd=into)

    def _failure(self, message: str, *, label: str, version: str) -> PhaseError:
        return PhaseError("CLIENT_ERROR", f"{message} for {label} and source version {version}")
