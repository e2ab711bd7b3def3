"""The events CodeCommit sends, as its user guide's "Monitoring CodeCommit events" shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.localaws.core.local import LocalAws
from catalog.localaws.git.http import Change
from catalog.localaws.git.repository import NULL

if TYPE_CHECKING:
    from catalog.localaws.codecommit.state import StoredRepository


def emit_reference_change(
    aws: LocalAws,
    *,
    stored: StoredRepository,
    change: Change,
    caller: str,
    extra: dict[str, str] | None = None,
) -> None:
    """Send "CodeCommit Repository State Change" for a branch or tag that moved.

    Args:
        aws: where.
        stored: the repository.
        change: the reference, before and after.
        caller: ARN of who moved it.
        extra: further members of the detail (`mergeOption`).
    """
    kinds = {"refs/heads/": "branch", "refs/tags/": "tag"}
    prefix = next((one for one in kinds if change.reference.startswith(one)), None)
    if prefix is None:
        return
    created, deleted = change.old == NULL, change.new == NULL
    event = "Created" if created else "Deleted" if deleted else "Updated"
    detail: dict[str, Any] = {
        "callerUserArn": caller,
        "event": f"reference{event}",
        "repositoryName": stored.name,
        "repositoryId": stored.id,
        "referenceType": kinds[prefix],
        "referenceName": change.reference.removeprefix(prefix),
        "referenceFullName": change.reference,
        **(extra or {}),
    }
    if not deleted:
        detail["commitId"] = change.new
    if not created:
        detail["oldCommitId"] = change.old
    _emit(aws, stored, "CodeCommit Repository State Change", detail)


def emit_pull_request(
    aws: LocalAws,
    *,
    stored: StoredRepository,
    shown: dict[str, Any],
    event: str,
    caller: str,
) -> None:
    """Send "CodeCommit Pull Request State Change".

    Args:
        aws: where.
        stored: the repository.
        shown: the pull request as GetPullRequest shows it.
        event: `pullRequestCreated`, `pullRequestSourceBranchUpdated`,
            `pullRequestStatusChanged` or `pullRequestMergeStatusUpdated`.
        caller: ARN of who changed it.
    """
    target = shown["pullRequestTargets"][0]
    merge = target["mergeMetadata"]
    detail: dict[str, Any] = {
        "event": event,
        "pullRequestId": shown["pullRequestId"],
        "repositoryNames": [stored.name],
        "title": shown["title"],
        "description": shown.get("description", ""),
        "author": shown["authorArn"],
        "callerUserArn": caller,
        "pullRequestStatus": "Open" if shown["pullRequestStatus"] == "OPEN" else "Closed",
        "isMerged": str(merge["isMerged"]),
        "sourceReference": target["sourceReference"],
        "sourceCommit": target["sourceCommit"],
        "destinationReference": target["destinationReference"],
        "destinationCommit": target["destinationCommit"],
        "revisionId": shown["revisionId"],
        "creationDate": f"{shown['creationDate']:%a %b %d %H:%M:%S UTC %Y}",
        "lastModifiedDate": f"{shown['lastActivityDate']:%a %b %d %H:%M:%S UTC %Y}",
    }
    if merge["isMerged"]:
        detail["mergeOption"] = merge["mergeOption"]
    _emit(aws, stored, "CodeCommit Pull Request State Change", detail)


def _emit(
    aws: LocalAws, stored: StoredRepository, detail_type: str, detail: dict[str, Any]
) -> None:
    aws.emit(
        account=stored.account,
        region=stored.region,
        source="aws.codecommit",
        detail_type=detail_type,
        detail=detail,
        resources=[stored.arn],
    )
