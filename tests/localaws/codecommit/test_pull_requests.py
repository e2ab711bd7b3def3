"""Pull requests: opened, followed, merged three ways, refused on conflict."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def pull(lab):
    """A repository with main and a branch `work` that adds a file; opens a pull request."""
    lab.repository()
    lab.commit(shared="one\ntwo\nthree\n")
    lab.branch("work")
    lab.commit("work", added="new")

    def open_request(**more):
        return lab.client().create_pull_request(
            title="Update",
            targets=[{"repositoryName": "code", "sourceReference": "work"}],
            **more,
        )["pullRequest"]

    return open_request


def merge(lab, how, request, **more):
    call = getattr(lab.client(), f"merge_pull_request_by_{how}")
    return call(pullRequestId=request["pullRequestId"], repositoryName="code", **more)[
        "pullRequest"
    ]


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def content(lab, path, branch="main"):
    return lab.client().get_file(repositoryName="code", filePath=path, commitSpecifier=branch)[
        "fileContent"
    ]


def test_a_pull_request_follows_its_source_branch(lab, pull):
    request = pull(description="why", clientRequestToken="t")
    assert pull(clientRequestToken="t")["pullRequestId"] == request["pullRequestId"]
    target = request["pullRequestTargets"][0]
    assert target["destinationReference"] == "refs/heads/main"
    assert target["mergeMetadata"] == {"isMerged": False}
    newer = lab.commit("work", more="m")
    shown = lab.client().get_pull_request(pullRequestId=request["pullRequestId"])["pullRequest"]
    assert shown["pullRequestTargets"][0]["sourceCommit"] == newer
    assert shown["revisionId"] != request["revisionId"]
    assert lab.client().list_pull_requests(repositoryName="code", pullRequestStatus="OPEN")[
        "pullRequestIds"
    ] == [request["pullRequestId"]]


def test_fast_forward(lab, pull):
    request = pull()
    merged = merge(lab, "fast_forward", request)
    assert merged["pullRequestStatus"] == "CLOSED"
    metadata = merged["pullRequestTargets"][0]["mergeMetadata"]
    assert metadata["mergeOption"] == "FAST_FORWARD_MERGE"
    assert metadata["mergeCommitId"] == request["pullRequestTargets"][0]["sourceCommit"]
    assert content(lab, "added") == b"new"
    with pytest.raises(ClientError) as caught:
        merge(lab, "fast_forward", request)
    assert caught.value.response["Error"]["Code"] == "PullRequestAlreadyClosedException"


@pytest.mark.parametrize(("how", "parents"), [("squash", 1), ("three_way", 2)])
def test_merging_branches_that_have_diverged(lab, pull, how, parents):
    request = pull()
    lab.commit(shared="ONE\ntwo\nthree\n")
    lab.commit("work", shared="one\ntwo\nTHREE\n")
    with pytest.raises(ClientError) as caught:
        merge(lab, "fast_forward", request)
    assert caught.value.response["Error"]["Code"] == "ManualMergeRequiredException"
    merged = merge(lab, how, request, commitMessage="Merged", authorName="Jo", email="j@e.com")
    commit = merged["pullRequestTargets"][0]["mergeMetadata"]["mergeCommitId"]
    shown = lab.client().get_commit(repositoryName="code", commitId=commit)["commit"]
    assert len(shown["parents"]) == parents
    assert (shown["message"].strip(), shown["author"]["name"]) == ("Merged", "Jo")
    assert content(lab, "shared") == b"ONE\ntwo\nTHREE\n"
    assert content(lab, "added") == b"new"


@pytest.mark.parametrize("how", ["squash", "three_way"])
def test_a_conflict_changes_nothing(lab, pull, how):
    request = pull()
    theirs = lab.commit(shared="theirs\n")
    lab.commit("work", shared="ours\n")
    with pytest.raises(ClientError) as caught:
        merge(lab, how, request)
    assert caught.value.response["Error"]["Code"] == "ManualMergeRequiredException"
    tip = lab.client().get_branch(repositoryName="code", branchName="main")["branch"]["commitId"]
    assert tip == theirs


def test_merging_what_was_not_reviewed_is_refused(lab, pull):
    request = pull()
    seen = request["pullRequestTargets"][0]["sourceCommit"]
    lab.commit("work", sneaky="x")
    with pytest.raises(ClientError) as caught:
        merge(lab, "squash", request, sourceCommitId=seen)
    assert caught.value.response["Error"]["Code"] == "TipOfSourceReferenceIsDifferentException"


def test_closing(lab, pull):
    request = pull()
    client = lab.client()
    own = {"pullRequestId": request["pullRequestId"]}
    client.update_pull_request_title(**own, title="Better")
    client.update_pull_request_status(**own, pullRequestStatus="CLOSED")
    shown = client.get_pull_request(**own)["pullRequest"]
    assert (shown["pullRequestStatus"], shown["title"]) == ("CLOSED", "Better")
    assert refused(client.update_pull_request_status, **own, pullRequestStatus="OPEN") == (
        "InvalidPullRequestStatusUpdateException"
    )
    assert refused(client.get_pull_request, pullRequestId="99") == (
        "PullRequestDoesNotExistException"
    )


def test_what_happens_to_a_pull_request_is_told(lab, pull):
    seen = []
    lab.aws.publish = seen.append
    merge(lab, "squash", pull())
    told = [
        (e["detail"]["event"], e["detail"].get("isMerged"))
        for e in seen
        if e["detail-type"] == "CodeCommit Pull Request State Change"
    ]
    assert told == [("pullRequestCreated", "False"), ("pullRequestMergeStatusUpdated", "True")]
    moved = [e["detail"] for e in seen if e["detail"]["event"] == "referenceUpdated"]
    assert moved[0]["mergeOption"] == "SQUASH_MERGE"
