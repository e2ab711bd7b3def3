"""A repository and a real Git client."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.git.login import signature

ACCOUNT = "111111111111"
REGION = "eu-west-1"


@dataclass
class GitUser:
    """A person at a terminal: git with a credential helper.

    `helper` is git's `credential.helper`; by default one that signs in this process, since each
    start of the aws CLI takes a second.
    """

    aws: LocalAws
    folder: Path
    credentials: dict[str, str]
    helper: str | None = None
    url: str = ""

    def _signed(self, url: str) -> str:
        when = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
        parts = urlsplit(url)
        made = signature(
            secret_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
            when=when,
            region=REGION,
            host=parts.hostname or "",
            path=parts.path,
        )
        token = self.credentials.get("AWS_SESSION_TOKEN")
        name = self.credentials["AWS_ACCESS_KEY_ID"] + (f"%{token}" if token else "")
        return f"!f() {{ echo username={name}; echo password={when}Z{made}; }}; f"

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = self.run(*arguments, cwd=cwd)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        url = next((one for one in arguments if one.startswith("http")), self.url)
        self.url = url
        helper = self._signed(url) if self.helper is None else self.helper
        options = [
            f"credential.helper={helper}",
            "credential.UseHttpPath=true",
            "user.name=Jo",
            "user.email=jo@example.com",
            "init.defaultBranch=main",
        ]
        return subprocess.run(
            ["git", *[part for one in options for part in ("-c", one)], *arguments],
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_NOSYSTEM": "1",
                "AWS_DEFAULT_REGION": REGION,
                "NO_PROXY": "localhost,127.0.0.1",
                **self.credentials,
            },
        )


@dataclass
class Lab:
    aws: LocalAws
    tmp_path: Path

    def client(self, service: str = "codecommit", **arguments: Any) -> Any:
        session = self.aws.session(account=ACCOUNT, region=REGION, **arguments)
        return session.client(service)

    def repository(self, name: str = "code") -> str:
        """Create a repository and return its clone URL."""
        made = self.client().create_repository(repositoryName=name)["repositoryMetadata"]
        return str(made["cloneUrlHttp"])

    def user(self, name: str = "jo", *, role_arn: str | None = None, **more: Any) -> GitUser:
        folder = self.tmp_path / name
        folder.mkdir()
        credentials = self.aws.credentials(account=ACCOUNT, role_arn=role_arn)
        return GitUser(aws=self.aws, folder=folder, credentials=credentials, **more)

    def commit(self, branch: str = "main", **files: str | None) -> str:
        client = self.client()
        branches = client.list_branches(repositoryName="code")["branches"]
        parent = {}
        if branch in branches:
            tip = client.get_branch(repositoryName="code", branchName=branch)["branch"]
            parent = {"parentCommitId": tip["commitId"]}
        answer = client.create_commit(
            repositoryName="code",
            branchName=branch,
            commitMessage=f"change {' '.join(files)}",
            putFiles=[
                {"filePath": name, "fileContent": text.encode()}
                for name, text in files.items()
                if text is not None
            ],
            deleteFiles=[{"filePath": name} for name, text in files.items() if text is None],
            **parent,
        )
        return str(answer["commitId"])

    def branch(self, name: str) -> str:
        """Create a branch from main and return its commit."""
        client = self.client()
        tip = client.get_branch(repositoryName="code", branchName="main")["branch"]["commitId"]
        client.create_branch(repositoryName="code", branchName=name, commitId=tip)
        return str(tip)


@pytest.fixture
def lab(aws: LocalAws, tmp_path: Path) -> Lab:
    return Lab(aws=aws, tmp_path=tmp_path)
