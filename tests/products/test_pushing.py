"""Pushing the first commit: once, never over anything, with reasons that help."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_catalogs import git, write_tree

from catalog.products.seeding.errors import SeedError
from catalog.products.seeding.pushing import explain, push
from catalog.products.seeding.settings import Settings

URL = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r"
CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/0a1b"


def settings(**changes: str) -> Settings:
    values = {
        "request": "request-1",
        "template": "flights",
        "catalog_url": "https://git.example.com/platform/catalog.git",
        "release_tag": "v1.2.3",
        "assets_bucket": "assets",
        "wheels_prefix": "wheels/0",
        "project_bucket": "project",
        "provider": "CodeCommit",
        "repository": "sagemaker-late-flights-p-1",
        "connection_arn": "",
        "codecommit_url": URL,
    }
    return Settings(**{**values, **changes})


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty bare repository that answers under CodeCommit's URL."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", folder], check=True)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{folder}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", URL)
    return folder


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a rendered repository, anew each time."""
    made = iter(range(100))

    def make(text: str = "hello\n") -> Path:
        files = {"README.md": text, ".gitignore": "reports/\n", "reports/kept.txt": "kept\n"}
        return write_tree(tmp_path / f"rendered-{next(made)}", files)

    return make


def test_the_first_push_becomes_main(remote: Path, rendered: Callable[..., Path]) -> None:
    commit = push(settings=settings(), repository=rendered(), message="Start")

    assert git(remote, "rev-parse", "main").strip() == commit
    names = git(remote, "ls-tree", "-r", "--name-only", "main").split()
    assert names == [".gitignore", "README.md", "reports/kept.txt"]
    assert git(remote, "rev-list", "--count", "main").strip() == "1"


def test_a_retry_finds_its_own_seed(remote: Path, rendered: Callable[..., Path]) -> None:
    first = push(settings=settings(), repository=rendered(), message="Start")

    again = push(settings=settings(), repository=rendered(), message="Start")

    assert again == first


@pytest.mark.parametrize("change", ["other content", "a later commit", "another branch", "a tag"])
def test_anything_else_is_never_overwritten(
    remote: Path, rendered: Callable[..., Path], tmp_path: Path, change: str
) -> None:
    push(settings=settings(), repository=rendered(), message="Start")
    if change != "other content":
        work = tmp_path / "work"
        git(tmp_path, "clone", "-q", str(remote), str(work))
        name = {"a later commit": "main", "another branch": "feature", "a tag": "v1"}[change]
        git(work, "commit", "-q", "--allow-empty", "-m", "Mine")
        git(work, "push", "-q", "origin", f"HEAD:refs/{'tags' if name == 'v1' else 'heads'}/{name}")
    before = git(remote, "for-each-ref")
    text = "other\n" if change == "other content" else "hello\n"

    with pytest.raises(SeedError, match="is not empty") as refused:
        push(settings=settings(), repository=rendered(text), message="Start")

    assert "launch it again with an empty repository" in str(refused.value)
    assert git(remote, "for-each-ref") == before


def test_somebody_elses_commit_with_the_same_content_is_not_ours(
    remote: Path, rendered: Callable[..., Path]
) -> None:
    theirs = rendered()
    git(theirs, "init", "-q", "-b", "main")
    git(theirs, "add", "--force", "--all")
    git(theirs, "commit", "-q", "-m", "Mine")
    git(theirs, "push", "-q", str(remote), "main")

    with pytest.raises(SeedError, match="is not empty"):
        push(settings=settings(), repository=rendered(), message="Start")


def test_refused_workflow_files_name_the_missing_permission(
    remote: Path, rendered: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = settings(provider="GitHub", repository="team/flights", connection_arn=CONNECTION)
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", there.remote_url)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\n"
        "echo 'refusing to allow a GitHub App to create or update workflow"
        " `.github/workflows/ci.yml` without `workflows` permission' >&2\n"
        "exit 1\n"
    )
    hook.chmod(0o755)

    with pytest.raises(SeedError, match="lacks the permission Workflows"):
        push(settings=there, repository=rendered(), message="Start")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("remote: Repository not found.", "Check the spelling"),
        ("The requested URL returned error: 403", "AVAILABLE"),
        ("fatal: Could not resolve host: codeconnections", "network"),
        ("remote: error: GH006: Protected branch update failed", "protected"),
        ("error: something new\n happened", "something new happened"),
    ],
)
def test_what_git_says_becomes_advice(said: str, advice: str) -> None:
    text = explain(settings(provider="GitHub", repository="team/flights"), said)

    assert advice in text
    assert "GitHub repository team/flights" in text


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_connection_has_a_git_endpoint_named_after_its_arn(service: str) -> None:
    there = settings(
        provider="GitLab",
        repository="group/sub/flights",
        connection_arn=f"arn:aws:{service}:us-east-1:111122223333:connection/0a1b-2c",
    )

    assert there.remote_url == (
        f"https://{service}.us-east-1.amazonaws.com/git-http/111122223333/us-east-1/0a1b-2c/"
        "group/sub/flights.git"
    )
