"""Commits, files and folders through the API."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

HERE = {"repositoryName": "code"}


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_a_commit_through_the_api_is_what_git_sees(lab):
    url, jo, client = lab.repository(), lab.user(), lab.client()
    answer = client.create_commit(
        **HERE,
        branchName="main",
        authorName="Jo",
        email="jo@example.com",
        commitMessage="first",
        putFiles=[
            {"filePath": "a/b.txt", "fileContent": b"text\n"},
            {"filePath": "run", "fileContent": b"#!/bin/sh\n", "fileMode": "EXECUTABLE"},
        ],
    )
    assert [f["absolutePath"] for f in answer["filesAdded"]] == ["a/b.txt", "run"]
    jo.git("clone", url, "work")
    work = jo.folder / "work"
    assert (work / "a" / "b.txt").read_text() == "text\n"
    assert (work / "run").stat().st_mode & 0o100
    assert jo.git("log", "-1", "--format=%an <%ae> %s", cwd=work) == "Jo <jo@example.com> first"
    commit = client.get_commit(**HERE, commitId=answer["commitId"])["commit"]
    assert commit["message"] == "first"
    assert commit["author"]["name"] == "Jo"
    assert commit["parents"] == []
    assert commit["treeId"] == answer["treeId"]


def test_reading_files_and_folders(lab):
    lab.repository()
    client = lab.client()
    first = lab.commit(**{"src/a.py": "1", "readme": "r"})
    lab.commit(readme="changed")
    assert client.get_file(**HERE, filePath="readme")["fileContent"] == b"changed"
    old = client.get_file(**HERE, filePath="readme", commitSpecifier=first)
    assert old["fileContent"] == b"r"
    assert old["fileMode"] == "NORMAL"
    assert client.get_blob(**HERE, blobId=old["blobId"])["content"] == b"r"
    root = client.get_folder(**HERE, folderPath="/")
    assert [f["absolutePath"] for f in root["files"]] == ["readme"]
    assert [f["relativePath"] for f in root["subFolders"]] == ["src"]
    inner = client.get_folder(**HERE, folderPath="src", commitSpecifier="main")
    assert inner["files"][0]["absolutePath"] == "src/a.py"
    assert refused(client.get_file, **HERE, filePath="no") == "FileDoesNotExistException"
    assert refused(client.get_folder, **HERE, folderPath="no") == "FolderDoesNotExistException"
    assert refused(client.get_file, **HERE, filePath="readme", commitSpecifier="no") == (
        "CommitDoesNotExistException"
    )
    assert refused(client.get_file, **HERE, filePath="readme", commitSpecifier="--help") == (
        "CommitDoesNotExistException"
    )


def test_differences_a_page_at_a_time(lab):
    lab.repository()
    client = lab.client()
    before = lab.commit(keep="k", change="1", drop="d")
    after = lab.commit(change="2", drop=None, add="a")
    pages = client.get_paginator("get_differences").paginate(
        **HERE,
        beforeCommitSpecifier=before,
        afterCommitSpecifier=after,
        PaginationConfig={"PageSize": 2},
    )
    found = [one for page in pages for one in page["differences"]]
    assert [(d["changeType"], d.get("afterBlob", d.get("beforeBlob"))["path"]) for d in found] == [
        ("A", "add"),
        ("M", "change"),
        ("D", "drop"),
    ]
    everything = client.get_differences(**HERE, afterCommitSpecifier=before)["differences"]
    assert {d["changeType"] for d in everything} == {"A"}


def test_the_parent_protects_from_lost_updates(lab):
    lab.repository()
    client = lab.client()
    first = lab.commit(file="1")
    lab.commit(file="2")
    change = {
        **HERE,
        "branchName": "main",
        "putFiles": [{"filePath": "file", "fileContent": b"3"}],
    }
    assert refused(client.create_commit, **change) == "ParentCommitIdRequiredException"
    assert refused(client.create_commit, **change, parentCommitId=first) == (
        "ParentCommitIdOutdatedException"
    )


def test_put_file_refuses_what_changes_nothing(lab):
    lab.repository()
    client = lab.client()
    first = client.put_file(**HERE, branchName="main", filePath="f", fileContent=b"1")["commitId"]
    same = {**HERE, "branchName": "main", "filePath": "f", "fileContent": b"1"}
    assert refused(client.put_file, **same, parentCommitId=first) == "SameFileContentException"
    nothing = {**HERE, "branchName": "main", "parentCommitId": first}
    assert refused(client.create_commit, **nothing) == "NoChangeException"


def test_moving_deleting_and_modes(lab):
    lab.repository()
    client = lab.client()
    first = lab.commit(old="content", drop="x", run="x")
    client.create_commit(
        **HERE,
        branchName="main",
        parentCommitId=first,
        putFiles=[{"filePath": "new", "sourceFile": {"filePath": "old", "isMove": True}}],
        deleteFiles=[{"filePath": "drop"}],
        setFileModes=[{"filePath": "run", "fileMode": "EXECUTABLE"}],
    )
    files = client.get_folder(**HERE, folderPath="/")["files"]
    assert {f["absolutePath"]: f["fileMode"] for f in files} == {
        "new": "NORMAL",
        "run": "EXECUTABLE",
    }
    assert client.get_file(**HERE, filePath="new")["fileContent"] == b"content"
