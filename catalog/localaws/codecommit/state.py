"""What CodeCommit keeps, and what every group of its operations needs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.codecommit.events import emit_reference_change
from catalog.localaws.core.service import Call, Principal, Service, ServiceError
from catalog.localaws.git.access import require
from catalog.localaws.git.http import Change
from catalog.localaws.git.repository import NULL, GitError, Repository
from catalog.localaws.git.urls import CODECOMMIT

_NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(kw_only=True)
class StoredRepository:
    """One repository and its metadata."""

    name: str
    id: str
    account: str
    region: str
    description: str
    kms_key: str
    tags: dict[str, str]
    git: Repository
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def arn(self) -> str:
        """The repository's ARN."""
        return f"arn:aws:codecommit:{self.region}:{self.account}:{self.name}"

    def default_branch(self) -> str | None:
        """Return the default branch, or None while the repository is empty."""
        head = self.git.head()
        return head if head in self.git.branches() else None

    def describe(self, endpoint_url: str) -> dict[str, Any]:
        """Return the metadata as GetRepository shows it."""
        base = CODECOMMIT.local_url(endpoint_url, account=self.account, region=self.region)
        shown: dict[str, Any] = {
            "accountId": self.account,
            "repositoryId": self.id,
            "repositoryName": self.name,
            "creationDate": self.created,
            "lastModifiedDate": self.modified,
            "cloneUrlHttp": base + self.name,
            "cloneUrlSsh": f"ssh://git-codecommit.{self.region}.amazonaws.com/v1/repos/{self.name}",
            "Arn": self.arn,
            "kmsKeyId": self.kms_key,
        }
        if self.description:
            shown["repositoryDescription"] = self.description
        branch = self.default_branch()
        if branch:
            shown["defaultBranch"] = branch
        return shown


@dataclass(kw_only=True)
class CommitState:
    """What one account has in one region."""

    repositories: dict[str, StoredRepository] = field(default_factory=dict)
    pull_requests: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


def repository_arn(name: str, account: str, region: str) -> str:
    """Return the ARN of a repository."""
    return f"arn:aws:codecommit:{region}:{account}:{name}"


def on_repository(params: dict[str, Any], account: str, region: str) -> list[str]:
    """Return the ARN an operation with a `repositoryName` is authorised against."""
    return [repository_arn(params["repositoryName"], account, region)]


def check_name(name: str) -> None:
    """Refuse a repository name that CodeCommit refuses.

    Raises:
        ServiceError: `InvalidRepositoryNameException`.
    """
    if not _NAME.fullmatch(name) or name.endswith(".git"):
        raise ServiceError(
            "InvalidRepositoryNameException",
            "The repository name is not valid. Repository names can be any valid combination of "
            "letters, numbers, periods, underscores, and dashes between 1 and 100 characters in "
            "length, and cannot end with .git.",
        )


class CodeCommitBase(Service):
    """State and helpers of the CodeCommit service."""

    name = "codecommit"

    def new_state(self, account: str, region: str) -> CommitState:  # noqa: ARG002 - base signature
        """Return an account without repositories."""
        return CommitState()

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a repository, for conditions on `aws:ResourceTag`."""
        if arn.count(":") < 5:
            return None
        _, _, _, region, account, name = arn.split(":", 5)
        state: CommitState = self.state_of(account, region)
        stored = state.repositories.get(name)
        return stored.tags if stored else None

    def stored(self, call: Call, name: str | None = None) -> StoredRepository:
        """Return the repository a call names.

        Raises:
            ServiceError: `RepositoryDoesNotExistException`.
        """
        return self.find(
            account=call.account,
            region=call.region,
            name=call.params["repositoryName"] if name is None else name,
        )

    def find(self, *, account: str, region: str, name: str) -> StoredRepository:
        """Return a repository.

        Raises:
            ServiceError: `RepositoryDoesNotExistException`, or an invalid name.
        """
        check_name(name)
        state: CommitState = self.state_of(account, region)
        with state.lock:
            found = state.repositories.get(name)
        if found is None:
            raise ServiceError("RepositoryDoesNotExistException", f"{name} does not exist")
        return found

    def pull(self, *, principal: Principal, account: str, region: str, name: str) -> Repository:
        """Return a repository that `principal` may read by Git.

        Raises:
            ServiceError: it may not, or there is none.
        """
        require(
            self.aws,
            principal=principal,
            action="codecommit:GitPull",
            resource=repository_arn(name, account, region),
        )
        return self.find(account=account, region=region, name=name).git

    def commit_of(self, stored: StoredRepository, specifier: str | None) -> str:
        """Return the commit that a commit specifier names; the default branch's when absent.

        Raises:
            ServiceError: `CommitDoesNotExistException`.
        """
        wanted = specifier or stored.git.head()
        found = stored.git.commit_id(wanted)
        if found is None:
            raise ServiceError("CommitDoesNotExistException", f"Commit {wanted} does not exist")
        return found

    def branch_tip(self, stored: StoredRepository, branch: str) -> str:
        """Return the commit a branch points at.

        Raises:
            ServiceError: `BranchDoesNotExistException`.
        """
        name = branch.removeprefix("refs/heads/")
        tip = stored.git.branches().get(name)
        if tip is None:
            raise ServiceError("BranchDoesNotExistException", f"Branch {name} does not exist")
        return tip

    def move(
        self,
        stored: StoredRepository,
        *,
        branch: str,
        new: str,
        old: str,
        principal: Principal,
        moved: Callable[[], ServiceError] | None = None,
        extra: dict[str, str] | None = None,
    ) -> None:
        """Move (or create) a branch and send the event.

        Args:
            stored: the repository.
            branch: the branch.
            new: the commit it moves to.
            principal: who moves it.
            old: where the branch must still be; `NULL` when it must not exist.
            moved: makes the error for a branch that somebody else moved meanwhile.
            extra: further members of the event's detail.

        Raises:
            ServiceError: what `moved` makes.
        """
        reference = f"refs/heads/{branch.removeprefix('refs/heads/')}"
        try:
            stored.git.update(reference, new=new, old=old)
        except GitError as error:
            if moved is None:
                raise
            raise moved() from error
        self.changed(
            stored,
            [Change(reference=reference, old=old, new=new)],
            principal=principal,
            extra=extra,
        )

    def changed(
        self,
        stored: StoredRepository,
        changes: list[Change],
        *,
        principal: Principal,
        extra: dict[str, str] | None = None,
    ) -> None:
        """Take note of moved references: first branch becomes the default, events are sent."""
        stored.modified = datetime.now(UTC)
        branches = stored.git.branches()
        if branches and stored.git.head() not in branches:
            created = [
                change.reference.removeprefix("refs/heads/")
                for change in changes
                if change.reference.startswith("refs/heads/") and change.new != NULL
            ]
            if created:
                stored.git.set_head("main" if "main" in created else created[0])
        for change in changes:
            emit_reference_change(
                self.aws, stored=stored, change=change, caller=principal.arn, extra=extra
            )
