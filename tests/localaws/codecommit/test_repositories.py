"""Repositories, branches and tags through the API."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_a_repository_comes_back_as_it_was_made(lab):
    client = lab.client()
    key = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
    made = client.create_repository(
        repositoryName="code", repositoryDescription="Seeds", tags={"team": "ml"}, kmsKeyId=key
    )["repositoryMetadata"]
    assert made["repositoryDescription"] == "Seeds"
    assert made["kmsKeyId"] == key
    assert made["Arn"] == "arn:aws:codecommit:eu-west-1:111111111111:code"
    port = lab.aws.endpoint_url.rsplit(":", 1)[1]
    assert made["cloneUrlHttp"] == (
        f"http://localhost:{port}/codecommit/111111111111/eu-west-1/v1/repos/code"
    )
    assert client.get_repository(repositoryName="code")["repositoryMetadata"] == made
    assert client.list_tags_for_resource(resourceArn=made["Arn"])["tags"] == {"team": "ml"}
    client.untag_resource(resourceArn=made["Arn"], tagKeys=["team"])
    assert client.list_tags_for_resource(resourceArn=made["Arn"])["tags"] == {}


def test_names_lists_and_deletion(lab):
    client = lab.client()
    for name in ("b", "a"):
        lab.repository(name)
    assert refused(client.create_repository, repositoryName="a") == "RepositoryNameExistsException"
    assert refused(client.create_repository, repositoryName="a.git") == (
        "InvalidRepositoryNameException"
    )
    listed = client.list_repositories()["repositories"]
    assert [one["repositoryName"] for one in listed] == ["a", "b"]
    found = client.batch_get_repositories(repositoryNames=["a", "none"])
    assert [one["repositoryName"] for one in found["repositories"]] == ["a"]
    assert found["repositoriesNotFound"] == ["none"]
    assert client.delete_repository(repositoryName="a")["repositoryId"]
    assert "repositoryId" not in client.delete_repository(repositoryName="a")
    assert refused(client.get_repository, repositoryName="a") == "RepositoryDoesNotExistException"


def test_accounts_and_regions_are_apart(lab):
    lab.repository()
    for account, region in (("222222222222", "eu-west-1"), ("111111111111", "us-east-1")):
        client = lab.aws.session(account=account, region=region).client("codecommit")
        assert client.list_repositories()["repositories"] == []


def test_renaming_moves_the_clone_url(lab):
    url, jo = lab.repository(), lab.user()
    lab.commit(file="x")
    lab.client().update_repository_name(oldName="code", newName="renamed")
    assert "not found" in jo.run("ls-remote", url).stderr
    assert "refs/heads/main" in jo.git("ls-remote", url.removesuffix("code") + "renamed")


def test_branches(lab):
    lab.repository()
    client = lab.client()
    commit = lab.commit(file="x")
    client.create_branch(repositoryName="code", branchName="dev", commitId=commit)
    here = {"repositoryName": "code"}
    assert client.list_branches(**here)["branches"] == ["dev", "main"]
    again = refused(client.create_branch, **here, branchName="dev", commitId=commit)
    assert again == "BranchNameExistsException"
    assert refused(client.create_branch, **here, branchName="a..b", commitId=commit) == (
        "InvalidBranchNameException"
    )
    assert refused(client.get_branch, **here, branchName="no") == "BranchDoesNotExistException"
    assert refused(client.delete_branch, **here, branchName="main") == (
        "DefaultBranchCannotBeDeletedException"
    )
    client.update_default_branch(**here, defaultBranchName="dev")
    assert client.get_repository(**here)["repositoryMetadata"]["defaultBranch"] == "dev"
    assert client.delete_branch(**here, branchName="main")["deletedBranch"]["commitId"] == commit


def test_a_role_limited_to_one_repository(lab, make_role):
    lab.repository()
    lab.repository("other")
    role = make_role(
        "111111111111",
        "codebuild.amazonaws.com",
        {
            "Effect": "Allow",
            "Action": "codecommit:*",
            "Resource": "arn:aws:codecommit:eu-west-1:111111111111:code",
        },
    )
    client = lab.client(role_arn=role)
    assert client.get_repository(repositoryName="code")
    assert refused(client.get_repository, repositoryName="other") == "AccessDeniedException"
