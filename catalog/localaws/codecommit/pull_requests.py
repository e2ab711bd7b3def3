"""Operations on pull requests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.codecommit.events import emit_pull_request
from catalog.localaws.codecommit.files import author_of
from catalog.localaws.codecommit.repositories import bad_token
from catalog.localaws.codecommit.state import CodeCommitBase, CommitState, StoredRepository
from catalog.localaws.core.service import Call, ServiceError, paginate
from catalog.localaws.git.editing import EMPTY_TREE, MergeConflictError, merge_trees

_PAGE = 100


@dataclass(kw_only=True)
class PullRequest:
    """One pull request, of one target."""

    id: str
    repository: StoredRepository
    title: str
    description: str
    source: str
    destination: str
    author: str
    token: str
    status: str = "OPEN"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    active: datetime = field(default_factory=lambda: datetime.now(UTC))
    source_commit: str = ""
    destination_commit: str = ""
    merge_base: str = ""
    merge: dict[str, Any] = field(default_factory=lambda: {"isMerged": False})

    def refresh(self) -> None:
        """Follow the branches, as an open pull request does."""
        if self.status != "OPEN":
            return
        branches = self.repository.git.branches()
        source = branches.get(self.source, self.source_commit)
        if source != self.source_commit:
            self.active = datetime.now(UTC)
        self.source_commit = source
        self.destination_commit = branches.get(self.destination, self.destination_commit)
        base = self.repository.git.merge_base(self.destination_commit, source)
        self.merge_base = base or ""

    def describe(self) -> dict[str, Any]:
        """Return it as GetPullRequest shows it."""
        revision = hashlib.sha256(f"{self.id}{self.source_commit}".encode()).hexdigest()
        target: dict[str, Any] = {
            "repositoryName": self.repository.name,
            "sourceReference": f"refs/heads/{self.source}",
            "destinationReference": f"refs/heads/{self.destination}",
            "sourceCommit": self.source_commit,
            "destinationCommit": self.destination_commit,
            "mergeMetadata": dict(self.merge),
        }
        if self.merge_base:
            target["mergeBase"] = self.merge_base
        return {
            "pullRequestId": self.id,
            "title": self.title,
            "description": self.description,
            "lastActivityDate": self.active,
            "creationDate": self.created,
            "pullRequestStatus": self.status,
            "authorArn": self.author,
            "pullRequestTargets": [target],
            "clientRequestToken": self.token,
            "revisionId": revision,
            "approvalRules": [],
        }


class PullRequestOperations(CodeCommitBase):
    """CreatePullRequest and its kin."""

    def create_pull_request(self, call: Call) -> dict[str, Any]:
        """Open a pull request; a repeated client request token returns the first one."""
        state: CommitState = self.state(call)
        params = call.params
        if len(params["targets"]) != 1:
            raise ServiceError("InvalidTargetsException", "Exactly one target is supported.")
        target = params["targets"][0]
        stored = self.stored(call, target["repositoryName"])
        source = target["sourceReference"].removeprefix("refs/heads/")
        destination = target.get("destinationReference", stored.git.head())
        destination = destination.removeprefix("refs/heads/")
        token = params.get("clientRequestToken", "")
        with state.lock:
            if token and token in state.tokens:
                return {"pullRequest": state.pull_requests[state.tokens[token]].describe()}
            for branch in (source, destination):
                if branch not in stored.git.branches():
                    raise ServiceError(
                        "ReferenceDoesNotExistException",
                        f"Reference refs/heads/{branch} does not exist",
                    )
            if source == destination:
                raise ServiceError(
                    "SourceAndDestinationAreSameException",
                    "The source branch and destination branch for the pull request are the same.",
                )
            request = PullRequest(
                id=str(len(state.pull_requests) + 1),
                repository=stored,
                title=params["title"],
                description=params.get("description", ""),
                source=source,
                destination=destination,
                author=call.principal.arn,
                token=token,
            )
            request.refresh()
            state.pull_requests[request.id] = request
            if token:
                state.tokens[token] = request.id
        return self._told(request, call, event="pullRequestCreated")

    def get_pull_request(self, call: Call) -> dict[str, Any]:
        """Return a pull request."""
        return {"pullRequest": self._request(call).describe()}

    def list_pull_requests(self, call: Call) -> dict[str, Any]:
        """Return ids of a repository's pull requests, newest first."""
        state: CommitState = self.state(call)
        stored = self.stored(call)
        status, author = call.params.get("pullRequestStatus"), call.params.get("authorArn")
        with state.lock:
            ids = [
                one.id
                for one in reversed(state.pull_requests.values())
                if one.repository is stored
                and status in (None, one.status)
                and author in (None, one.author)
            ]
        page, token = paginate(
            ids,
            token=call.params.get("nextToken"),
            size=call.params.get("maxResults"),
            default=_PAGE,
            error=bad_token,
        )
        return {"pullRequestIds": page, **({"nextToken": token} if token else {})}

    def update_pull_request_status(self, call: Call) -> dict[str, Any]:
        """Close a pull request; it cannot be opened again."""
        request = self._request(call)
        if call.params["pullRequestStatus"] == "OPEN":
            raise ServiceError(
                "InvalidPullRequestStatusUpdateException",
                "The pull request status update is not valid. "
                "The only valid update is from OPEN to CLOSED.",
            )
        self._must_be_open(request)
        request.status, request.active = "CLOSED", datetime.now(UTC)
        return self._told(request, call, event="pullRequestStatusChanged")

    def update_pull_request_title(self, call: Call) -> dict[str, Any]:
        """Replace the title."""
        request = self._request(call)
        self._must_be_open(request)
        request.title, request.active = call.params["title"], datetime.now(UTC)
        return {"pullRequest": request.describe()}

    def update_pull_request_description(self, call: Call) -> dict[str, Any]:
        """Replace the description."""
        request = self._request(call)
        self._must_be_open(request)
        request.description, request.active = call.params["description"], datetime.now(UTC)
        return {"pullRequest": request.describe()}

    # Merging

    def merge_pull_request_by_fast_forward(self, call: Call) -> dict[str, Any]:
        """Move the destination branch to the source commit."""
        request = self._mergeable(call)
        if request.merge_base != request.destination_commit:
            raise _manual_merge()
        return self._merged(request, call, commit=request.source_commit, by="FAST_FORWARD_MERGE")

    def merge_pull_request_by_squash(self, call: Call) -> dict[str, Any]:
        """Put all changes into one commit on the destination branch."""
        request = self._mergeable(call)
        commit = self._merge_commit(request, call, parents=(request.destination_commit,))
        return self._merged(request, call, commit=commit, by="SQUASH_MERGE")

    def merge_pull_request_by_three_way(self, call: Call) -> dict[str, Any]:
        """Make a merge commit on the destination branch."""
        request = self._mergeable(call)
        parents = (request.destination_commit, request.source_commit)
        commit = self._merge_commit(request, call, parents=parents)
        return self._merged(request, call, commit=commit, by="THREE_WAY_MERGE")

    def _mergeable(self, call: Call) -> PullRequest:
        request = self._request(call)
        self._must_be_open(request)
        if request.repository is not self.stored(call):
            raise ServiceError(
                "RepositoryNotAssociatedWithPullRequestException",
                f"The pull request is not in {call.params['repositoryName']}",
            )
        expected = call.params.get("sourceCommitId", request.source_commit)
        if expected != request.source_commit:
            raise ServiceError(
                "TipOfSourceReferenceIsDifferentException",
                "The tip of the source branch has changed since the commit that was given.",
            )
        return request

    def _merge_commit(self, request: PullRequest, call: Call, *, parents: tuple[str, ...]) -> str:
        git = request.repository.git
        try:
            tree = merge_trees(
                git,
                base=request.merge_base or EMPTY_TREE,
                ours=request.destination_commit,
                theirs=request.source_commit,
            )
        except MergeConflictError as conflict:
            raise _manual_merge() from conflict
        message = call.params.get("commitMessage") or (
            f"Merge {request.source} into {request.destination}"
        )
        author = author_of(call.params, call.principal, name="authorName")
        return git.commit_tree(tree, parents=parents, message=message, author=author)

    def _merged(self, request: PullRequest, call: Call, *, commit: str, by: str) -> dict[str, Any]:
        self.move(
            request.repository,
            branch=request.destination,
            new=commit,
            old=request.destination_commit,
            principal=call.principal,
            moved=lambda: ServiceError(
                "ConcurrentReferenceUpdateException",
                "The merge cannot be completed because the target branch has been modified.",
            ),
            extra={"mergeOption": by},
        )
        request.status, request.active = "CLOSED", datetime.now(UTC)
        request.merge = {
            "isMerged": True,
            "mergedBy": call.principal.arn,
            "mergeCommitId": commit,
            "mergeOption": by,
        }
        return self._told(request, call, event="pullRequestMergeStatusUpdated")

    def _request(self, call: Call) -> PullRequest:
        state: CommitState = self.state(call)
        wanted = call.params["pullRequestId"]
        found: PullRequest | None = state.pull_requests.get(wanted)
        if found is None:
            raise ServiceError(
                "PullRequestDoesNotExistException", f"Pull request {wanted} does not exist"
            )
        found.refresh()
        return found

    @staticmethod
    def _must_be_open(request: PullRequest) -> None:
        if request.status != "OPEN":
            raise ServiceError(
                "PullRequestAlreadyClosedException", f"Pull request {request.id} is closed"
            )

    def _told(self, request: PullRequest, call: Call, *, event: str) -> dict[str, Any]:
        shown = request.describe()
        emit_pull_request(
            self.aws,
            stored=request.repository,
            shown=shown,
            event=event,
            caller=call.principal.arn,
        )
        return {"pullRequest": shown}


def _manual_merge() -> ServiceError:
    return ServiceError(
        "ManualMergeRequiredException",
        "The pull request cannot be merged automatically into the destination branch. "
        "You must manually merge the branches and resolve any conflicts.",
    )
