"""A product launched onto an existing repository at a provider, through a connection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from launch_account import REGION, STACK, TAG, URL, Account
from tiny_catalogs import git

from catalog.localaws.codeconnections.provider import ProviderRepository
from catalog.localaws.codeconnections.service import CodeConnections
from catalog.localaws.git.login import signature
from catalog.localaws.git.urls import CODECONNECTIONS, strict_url

REPOSITORIES = {"GitHub": "acme/churn", "GitLab": "acme/data-science/churn"}


class Elsewhere:
    """A repository at a provider, and an available connection to it."""

    def __init__(
        self, account: Account, *, provider: str, files: Mapping[str, bytes] | None = None
    ) -> None:
        self.account = account
        self.provider = provider
        self.full_name = REPOSITORIES[provider]
        service = account.aws.service("codeconnections")
        assert isinstance(service, CodeConnections)
        self.repository: ProviderRepository = service.providers.add_repository(
            self.full_name, provider=provider, files=files
        )
        self.connection = account.client("codeconnections").create_connection(
            ConnectionName=provider, ProviderType=provider
        )["ConnectionArn"]
        service.complete_handshake(self.connection)

    def launch(self) -> dict[str, Any]:
        """Launch onto the repository and return how the stack ended."""
        return self.account.launch(
            RepositoryProvider=self.provider,
            ConnectionArn=self.connection,
            RepositoryId=self.full_name,
        )

    @property
    def tip(self) -> str:
        return self.repository.git.branches()["main"]

    def files(self) -> dict[str, bytes]:
        """Return what is on main."""
        stored = self.repository.git
        return {e.path: stored.blob(e.id) for e in stored.entries(self.tip, recursive=True)}

    def push(self, folder: Path) -> str:
        """Push a commit through the connection as the account's owner; return its id."""
        git(folder.parent, "clone", "-q", str(self.repository.git.path), str(folder))
        git(folder, "commit", "-q", "--allow-empty", "-m", "More")
        base = strict_url(
            self.account.aws.endpoint_url,
            remote=CODECONNECTIONS,
            account=self.account.id,
            region=REGION,
        )
        identifier = self.connection.rsplit("/", 1)[1]
        url = f"{base}{self.account.id}/{REGION}/{identifier}/{self.full_name}.git"
        keys = self.account.aws.credentials(account=self.account.id)
        when = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
        parts = urlsplit(url)
        made = signature(
            secret_key=keys["AWS_SECRET_ACCESS_KEY"],
            when=when,
            region=REGION,
            host=parts.hostname or "",
            path=parts.path,
        )
        signed = f"http://{keys['AWS_ACCESS_KEY_ID']}:{when}Z{made}@{parts.netloc}{parts.path}"
        git(folder, "push", "-q", signed, "HEAD:main")
        return git(folder, "rev-parse", "HEAD").strip()


def refusal(account: Account, stack: Mapping[str, Any]) -> str:
    """Return why the seed of a launch that was rolled back failed."""
    reasons = account.reasons(stack["StackId"])
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", reasons
    (reason,) = [reason for reason in reasons if reason.startswith("RepositorySeed:")]
    assert account.left_over() == []
    return reason


@pytest.mark.parametrize("provider", REPOSITORIES)
def test_an_existing_empty_repository_is_seeded_and_built(
    account: Account, provider: str, tmp_path: Path
) -> None:
    elsewhere = Elsewhere(account, provider=provider)

    stack = elsewhere.launch()

    assert stack["StackStatus"] == "CREATE_COMPLETE", account.reasons(stack["StackId"])
    seeded = elsewhere.tip
    files = elsewhere.files()
    answers = files[".copier-answers.yml"].decode()
    assert f"_src_path: {URL}" in answers
    assert f"_commit: {TAG}" in answers
    assert ".github/workflows/ci.yml" in files
    assert account.client("codecommit").list_repositories()["repositories"] == []

    pipeline = next(
        output["OutputValue"]
        for output in stack["Outputs"]
        if output["OutputKey"] == "BuildPipeline"
    )
    assert account.builds(pipeline) == [(seeded, "Succeeded")]
    pushed = elsewhere.push(tmp_path / "work")
    assert account.builds(pipeline, count=2) == [(seeded, "Succeeded"), (pushed, "Succeeded")]

    account.client("cloudformation", launch=True).delete_stack(StackName=STACK)
    deleted = account.ended(stack["StackId"])
    assert deleted["StackStatus"] == "DELETE_COMPLETE", account.reasons(stack["StackId"])
    assert elsewhere.tip == pushed, "the repository is its owner's"


def test_a_repository_that_holds_something_is_left_as_it_is(account: Account) -> None:
    elsewhere = Elsewhere(account, provider="GitHub", files={"README.md": b"mine\n"})
    before = elsewhere.repository.git.references()

    reason = refusal(account, elsewhere.launch())

    assert f"The repository {elsewhere.full_name} is not empty (it has main)" in reason
    assert "launch it again with an empty repository" in reason
    assert elsewhere.repository.git.references() == before


def test_refused_workflow_files_name_the_permission_that_is_missing(account: Account) -> None:
    elsewhere = Elsewhere(account, provider="GitHub")
    elsewhere.repository.refuse_workflows()

    reason = refusal(account, elsewhere.launch())

    assert "lacks the permission Workflows (read and write)" in reason
    assert elsewhere.repository.git.branches() == {}
