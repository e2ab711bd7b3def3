"""The real git client clones, fetches and pushes."""

from __future__ import annotations

import pytest

PUSH = {
    "Effect": "Allow",
    "Action": ["codecommit:GitPush"],
    "Resource": "arn:aws:codecommit:eu-west-1:111111111111:code",
}


def first_commit(user, url):
    user.git("init", "work")
    work = user.folder / "work"
    (work / "a.txt").write_text("one\n")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    user.git("add", ".", cwd=work)
    user.git("commit", "-qm", "first", cwd=work)
    user.git("remote", "add", "origin", url, cwd=work)
    return work


AWS_HELPER = "!aws codecommit credential-helper --ignore-host-check $@"


def test_push_clone_fetch_and_shallow_clone(lab):
    url, jo = lab.repository(), lab.user(helper=AWS_HELPER)
    work = first_commit(jo, url)
    jo.git("push", "origin", "main", "HEAD:refs/heads/other", cwd=work)
    commit = jo.git("rev-parse", "HEAD", cwd=work)
    assert lab.client().get_branch(repositoryName="code", branchName="main")["branch"] == {
        "branchName": "main",
        "commitId": commit,
    }

    jo.git("clone", url, "clone")
    clone = jo.folder / "clone"
    assert (clone / "a.txt").read_text() == "one\n"
    assert (clone / "run.sh").stat().st_mode & 0o100
    (work / "big.bin").write_bytes(bytes(range(256)) * 12_000)
    jo.git("add", ".", cwd=work)
    jo.git("commit", "-qm", "big: git sends it in chunks", cwd=work)
    jo.git("push", "origin", "main", cwd=work)
    jo.git("pull", "origin", "main", cwd=clone)
    assert (clone / "big.bin").stat().st_size == 256 * 12_000
    jo.git("clone", "--depth=1", url, "shallow")
    assert jo.git("rev-list", "--count", "HEAD", cwd=jo.folder / "shallow") == "1"


def test_the_first_branch_that_is_pushed_becomes_the_default(lab):
    url, jo = lab.repository(), lab.user()
    work = first_commit(jo, url)
    metadata = lab.client().get_repository(repositoryName="code")["repositoryMetadata"]
    assert "defaultBranch" not in metadata
    jo.git("push", "origin", "HEAD:refs/heads/trunk", cwd=work)
    metadata = lab.client().get_repository(repositoryName="code")["repositoryMetadata"]
    assert metadata["defaultBranch"] == "trunk"


def test_reading_needs_no_credentials_on_the_plain_address_but_pushing_does(lab):
    url = lab.repository()
    lab.commit(file="x")
    stranger = lab.user("stranger", helper="")
    stranger.git("clone", url, "work")
    work = stranger.folder / "work"
    stranger.git("commit", "--allow-empty", "-qm", "more", cwd=work)
    refused = stranger.run("push", "origin", "main", cwd=work)
    assert refused.returncode != 0
    assert "could not read Username" in refused.stderr


def test_on_aws_own_host_name_reading_needs_a_signature_too(lab):
    url = lab.repository()
    lab.commit(file="x")
    strict = url.replace("//localhost", "//git-codecommit.eu-west-1.amazonaws.com.localhost")
    stranger = lab.user("stranger", helper="")
    assert "could not read Username" in stranger.run("clone", strict, "work").stderr
    # AWS's documented helper, without any option for the local AWS.
    jo = lab.user(helper="!aws codecommit credential-helper $@")
    jo.git("clone", strict, "work")
    assert (jo.folder / "work" / "file").read_text() == "x"


def test_a_role_without_git_push_is_refused(lab, make_role):
    url = lab.repository()
    lab.commit(file="x")
    reader = make_role("111111111111", "codebuild.amazonaws.com")
    user = lab.user("reader", role_arn=reader)
    user.git("clone", url, "work")
    work = user.folder / "work"
    user.git("commit", "--allow-empty", "-qm", "more", cwd=work)
    refused = user.run("push", "origin", "main", cwd=work)
    assert "403" in refused.stderr
    pusher = make_role("111111111111", "codebuild.amazonaws.com", PUSH)
    writer = lab.user("writer", role_arn=pusher, helper=AWS_HELPER)
    writer.git("push", url, "main", cwd=work)


def test_a_wrong_signature_is_refused(lab):
    url = lab.repository()
    lab.commit(file="x")
    thief = lab.user("thief")
    thief.credentials["AWS_SECRET_ACCESS_KEY"] = "guess"
    thief.git("clone", url, "work")
    thief.git("commit", "--allow-empty", "-qm", "x", cwd=thief.folder / "work")
    refused = thief.run("push", "origin", "main", cwd=thief.folder / "work")
    assert "403" in refused.stderr


@pytest.mark.parametrize("path", ["nope", "..%2fcode", "code/info"])
def test_what_is_not_there(lab, path):
    url = lab.repository().removesuffix("code") + path
    assert "not found" in lab.user().run("ls-remote", url).stderr


def test_every_push_is_told_by_an_event(lab):
    url, jo = lab.repository(), lab.user()
    seen = []
    lab.aws.publish = seen.append
    work = first_commit(jo, url)
    jo.git("push", "origin", "main", "HEAD:refs/heads/other", cwd=work)
    first = jo.git("rev-parse", "HEAD", cwd=work)
    jo.git("commit", "--allow-empty", "-qm", "second", cwd=work)
    second = jo.git("rev-parse", "HEAD", cwd=work)
    jo.git("tag", "v1", cwd=work)
    jo.git("push", "origin", "main", ":other", "v1", cwd=work)

    details = [event["detail"] for event in seen]
    assert [(d["event"], d["referenceFullName"]) for d in details] == [
        ("referenceCreated", "refs/heads/main"),
        ("referenceCreated", "refs/heads/other"),
        ("referenceUpdated", "refs/heads/main"),
        ("referenceDeleted", "refs/heads/other"),
        ("referenceCreated", "refs/tags/v1"),
    ]
    assert (details[2]["oldCommitId"], details[2]["commitId"]) == (first, second)
    assert details[0]["callerUserArn"] == "arn:aws:iam::111111111111:root"
    assert seen[0]["detail-type"] == "CodeCommit Repository State Change"
    assert seen[0]["resources"] == ["arn:aws:codecommit:eu-west-1:111111111111:code"]
    assert details[4]["referenceType"] == "tag"
