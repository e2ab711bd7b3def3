"""Operations on repositories, their tags and branches."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.codecommit.state import (
    CodeCommitBase,
    CommitState,
    StoredRepository,
    check_name,
)
from catalog.localaws.core.service import Call, ServiceError, paginate
from catalog.localaws.git.http import Change
from catalog.localaws.git.repository import NULL, GitError, Repository

_PAGE = 1000
_TAG_LIMIT = 50


def bad_token() -> ServiceError:
    """Return the refusal of a page token that was never given out."""
    return ServiceError("InvalidContinuationTokenException", "The continuation token is not valid.")


class RepositoryOperations(CodeCommitBase):
    """CreateRepository and its kin."""

    def create_repository(self, call: Call) -> dict[str, Any]:
        """Create an empty repository."""
        state: CommitState = self.state(call)
        name = call.params["repositoryName"]
        check_name(name)
        tags = call.params.get("tags", {})
        if len(tags) > _TAG_LIMIT:
            raise ServiceError("TooManyTagsException", "The maximum number of tags is 50.")
        with state.lock:
            if name in state.repositories:
                raise ServiceError(
                    "RepositoryNameExistsException", f"Repository named {name} already exists"
                )
            unique = str(uuid.uuid4())
            folder = self.aws.work_dir / "codecommit" / call.account / call.region / f"{unique}.git"
            stored = StoredRepository(
                name=name,
                id=unique,
                account=call.account,
                region=call.region,
                description=call.params.get("repositoryDescription", ""),
                kms_key=call.params.get(
                    "kmsKeyId",
                    f"arn:aws:kms:{call.region}:{call.account}:alias/aws/codecommit",
                ),
                tags=dict(tags),
                git=Repository.create(folder),
            )
            state.repositories[name] = stored
        return {"repositoryMetadata": stored.describe(self.aws.endpoint_url)}

    def get_repository(self, call: Call) -> dict[str, Any]:
        """Return one repository."""
        return {"repositoryMetadata": self.stored(call).describe(self.aws.endpoint_url)}

    def batch_get_repositories(self, call: Call) -> dict[str, Any]:
        """Return repositories by name."""
        state: CommitState = self.state(call)
        names = call.params["repositoryNames"]
        with state.lock:
            found = [state.repositories[name] for name in names if name in state.repositories]
        known = {stored.name for stored in found}
        return {
            "repositories": [stored.describe(self.aws.endpoint_url) for stored in found],
            "repositoriesNotFound": [name for name in names if name not in known],
        }

    def list_repositories(self, call: Call) -> dict[str, Any]:
        """Return names and ids, a page at a time."""
        state: CommitState = self.state(call)
        by_date = call.params.get("sortBy") == "lastModifiedDate"
        with state.lock:
            found = sorted(
                state.repositories.values(),
                key=lambda one: (one.modified.timestamp() if by_date else 0, one.name),
                reverse=call.params.get("order") == "descending",
            )
        page, token = paginate(
            [{"repositoryName": one.name, "repositoryId": one.id} for one in found],
            token=call.params.get("nextToken"),
            size=None,
            default=_PAGE,
            error=bad_token,
        )
        return {"repositories": page, **({"nextToken": token} if token else {})}

    def delete_repository(self, call: Call) -> dict[str, Any]:
        """Delete a repository; one that is gone already is no error."""
        state: CommitState = self.state(call)
        check_name(call.params["repositoryName"])
        with state.lock:
            stored = state.repositories.pop(call.params["repositoryName"], None)
        if stored is None:
            return {}
        shutil.rmtree(stored.git.path, ignore_errors=True)
        return {"repositoryId": stored.id}

    def update_repository_name(self, call: Call) -> dict[str, Any]:
        """Rename a repository; its clone URL changes with it."""
        state: CommitState = self.state(call)
        old, new = call.params["oldName"], call.params["newName"]
        check_name(new)
        with state.lock:
            stored = self.stored(call, old)
            if new in state.repositories:
                raise ServiceError(
                    "RepositoryNameExistsException", f"Repository named {new} already exists"
                )
            del state.repositories[old]
            stored.name, stored.modified = new, datetime.now(UTC)
            state.repositories[new] = stored
        return {}

    def update_repository_description(self, call: Call) -> dict[str, Any]:
        """Replace the description."""
        stored = self.stored(call)
        stored.description = call.params.get("repositoryDescription", "")
        stored.modified = datetime.now(UTC)
        return {}

    def update_repository_encryption_key(self, call: Call) -> dict[str, Any]:
        """Replace the KMS key."""
        stored = self.stored(call)
        before, stored.kms_key = stored.kms_key, call.params["kmsKeyId"]
        return {
            "repositoryId": stored.id,
            "kmsKeyId": stored.kms_key,
            "originalKmsKeyId": before,
        }

    def update_default_branch(self, call: Call) -> dict[str, Any]:
        """Make a branch the default one."""
        stored = self.stored(call)
        self.branch_tip(stored, call.params["defaultBranchName"])
        stored.git.set_head(call.params["defaultBranchName"])
        stored.modified = datetime.now(UTC)
        return {}

    # Tags

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add or replace tags."""
        self._by_arn(call).tags.update(call.params["tags"])
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        stored = self._by_arn(call)
        for key in call.params["tagKeys"]:
            stored.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """Return the tags."""
        return {"tags": dict(self._by_arn(call).tags)}

    def _by_arn(self, call: Call) -> StoredRepository:
        parts = call.params["resourceArn"].split(":")
        if len(parts) != 6 or parts[2] != "codecommit":
            raise ServiceError(
                "InvalidResourceArnException", f"{call.params['resourceArn']} is not valid."
            )
        return self.find(account=parts[4], region=parts[3], name=parts[5])

    # Branches

    def get_branch(self, call: Call) -> dict[str, Any]:
        """Return a branch and its tip."""
        name = call.params.get("branchName", "")
        tip = self.branch_tip(self.stored(call), name)
        return {"branch": {"branchName": name, "commitId": tip}}

    def list_branches(self, call: Call) -> dict[str, Any]:
        """Return names of branches, a page at a time."""
        page, token = paginate(
            sorted(self.stored(call).git.branches()),
            token=call.params.get("nextToken"),
            size=None,
            default=_PAGE,
            error=bad_token,
        )
        return {"branches": page, **({"nextToken": token} if token else {})}

    def create_branch(self, call: Call) -> dict[str, Any]:
        """Create a branch at a commit."""
        stored = self.stored(call)
        name = call.params["branchName"]
        if name in stored.git.branches():
            raise ServiceError("BranchNameExistsException", f"Branch {name} already exists")
        try:
            stored.git.git("check-ref-format", "--branch", name)
        except GitError as error:
            raise ServiceError(
                "InvalidBranchNameException", f"The branch name {name} is not valid."
            ) from error
        commit = self.commit_of(stored, call.params["commitId"])
        self.move(stored, branch=name, new=commit, old=NULL, principal=call.principal)
        return {}

    def delete_branch(self, call: Call) -> dict[str, Any]:
        """Delete a branch that is not the default one."""
        stored = self.stored(call)
        name = call.params["branchName"]
        tip = stored.git.branches().get(name)
        if tip is None:
            return {}
        if name == stored.git.head():
            raise ServiceError(
                "DefaultBranchCannotBeDeletedException",
                f"The default branch cannot be deleted: {name}",
            )
        stored.git.delete(f"refs/heads/{name}", old=tip)
        change = Change(reference=f"refs/heads/{name}", old=tip, new=NULL)
        self.changed(stored, [change], principal=call.principal)
        return {"deletedBranch": {"branchName": name, "commitId": tip}}
