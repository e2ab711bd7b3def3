"""Connections, and Git through them to a provider's repositories."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from catalog.localaws.git.login import signature

ACCOUNT = "111111111111"
REGION = "eu-west-1"


@pytest.fixture
def client(aws):
    return aws.session(account=ACCOUNT, region=REGION).client("codeconnections")


@pytest.fixture
def connection(aws, client):
    arn = client.create_connection(ConnectionName="github", ProviderType="GitHub")["ConnectionArn"]
    aws.service("codeconnections").complete_handshake(arn)
    return arn


AWS_HELPER = "!aws codecommit credential-helper $@"


def signer(credentials, url):
    """Return a credential helper that has signed already: starting the aws CLI takes a second."""
    when = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    parts = urlsplit(url)
    made = signature(
        secret_key=credentials["AWS_SECRET_ACCESS_KEY"],
        when=when,
        region=REGION,
        host=parts.hostname,
        path=parts.path,
    )
    name = f"{credentials['AWS_ACCESS_KEY_ID']}%{credentials['AWS_SESSION_TOKEN']}"
    return f"!f() {{ echo username={name}; echo password={when}Z{made}; }}; f"


@pytest.fixture
def git(aws, connection, tmp_path):
    """Run git as a role on the address builds use."""

    def run(role_arn, *arguments, cwd=None, helper=None):
        credentials = aws.credentials(account=ACCOUNT, role_arn=role_arn)
        to = next((one for one in arguments if one.startswith("http")), url(aws, connection))
        return subprocess.run(
            [
                "git",
                *("-c", f"credential.helper={helper or signer(credentials, to)}"),
                *("-c", "credential.UseHttpPath=true"),
                *("-c", "user.name=Jo", "-c", "user.email=jo@example.com"),
                *arguments,
            ],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_NOSYSTEM": "1",
                "AWS_DEFAULT_REGION": REGION,
                "NO_PROXY": "localhost,127.0.0.1",
                **credentials,
            },
        )

    return run


def url(aws, arn, repository="acme/churn"):
    port = aws.endpoint_url.rsplit(":", 1)[1]
    host = f"codeconnections.{REGION}.amazonaws.com.localhost:{port}"
    identifier = arn.rsplit("/", 1)[1]
    path = f"/codeconnections/git-http/{ACCOUNT}/{REGION}/{identifier}/{repository}.git"
    return f"http://{host}{path}"


def use(arn, **conditions):
    statement = {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": arn}
    if conditions:
        keys = {f"codeconnections:{name}": value for name, value in conditions.items()}
        statement["Condition"] = {"StringEquals": keys}
    return statement


def test_a_connection_waits_for_its_handshake(aws, client):
    arn = client.create_connection(
        ConnectionName="github", ProviderType="GitHub", Tags=[{"Key": "team", "Value": "ml"}]
    )["ConnectionArn"]
    assert arn.startswith("arn:aws:codeconnections:eu-west-1:111111111111:connection/")
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    aws.service("codeconnections").complete_handshake(arn)
    shown = client.list_connections(ProviderTypeFilter="GitHub")["Connections"][0]
    assert shown["ConnectionStatus"] == "AVAILABLE"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "ml"}
    ]
    client.delete_connection(ConnectionArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_connection(ConnectionArn=arn)


def test_the_former_name_shows_the_same_connections(aws, connection):
    former = aws.session(account=ACCOUNT, region=REGION).client("codestar-connections")
    assert former.get_connection(ConnectionArn=connection)["Connection"]["ConnectionName"] == (
        "github"
    )
    made = former.create_connection(ConnectionName="old", ProviderType="GitLab")["ConnectionArn"]
    assert made.startswith("arn:aws:codestar-connections:")
    assert len(former.list_connections()["Connections"]) == 2


def test_clone_and_push_through_a_connection(aws, connection, git, make_role, tmp_path):
    providers = aws.service("codeconnections").providers
    repository = providers.add_repository("acme/churn", files={"readme": b"hello\n"})
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", use(connection))
    cloned = git(role, "clone", url(aws, connection), "work", helper=AWS_HELPER)
    assert cloned.returncode == 0, cloned.stderr
    work = tmp_path / "work"
    assert (work / "readme").read_text() == "hello\n"
    git(role, "commit", "--allow-empty", "-qm", "more", cwd=work)
    pushed = git(role, "push", "origin", "main", cwd=work)
    assert pushed.returncode == 0, pushed.stderr
    tip = git(role, "rev-parse", "HEAD", cwd=work).stdout.strip()
    assert repository.git.branches() == {"main": tip}


@pytest.mark.parametrize(
    ("conditions", "allowed"),
    [
        ({"FullRepositoryId": "acme/churn", "ProviderAction": "GitPull"}, True),
        ({"FullRepositoryId": "acme/other"}, False),
        ({"ProviderAction": "GitPush"}, False),
        ({"ProviderPermissionsRequired": "read_only"}, True),
    ],
)
def test_use_connection_and_its_condition_keys(
    aws, connection, git, make_role, conditions, allowed
):
    aws.service("codeconnections").providers.add_repository("acme/churn", files={"a": b""})
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", use(connection, **conditions))
    listed = git(role, "ls-remote", url(aws, connection))
    assert (listed.returncode == 0) is allowed
    if not allowed:
        assert "403" in listed.stderr


def test_pending_connections_and_missing_repositories(aws, client, git, make_role, connection):
    pending = client.create_connection(ConnectionName="x", ProviderType="GitHub")["ConnectionArn"]
    aws.service("codeconnections").providers.add_repository("acme/churn")
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", use("*"))
    assert "403" in git(role, "ls-remote", url(aws, pending)).stderr
    assert "not found" in git(role, "ls-remote", url(aws, connection, "acme/none")).stderr


def test_github_refuses_workflow_files_in_its_own_words(aws, connection, git, make_role, tmp_path):
    providers = aws.service("codeconnections").providers
    repository = providers.add_repository("acme/churn")
    repository.refuse_workflows()
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", use(connection))
    git(role, "clone", url(aws, connection), "work")
    work = tmp_path / "work"
    (work / ".github" / "workflows").mkdir(parents=True)
    (work / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    git(role, "checkout", "-qb", "main", cwd=work)
    git(role, "add", ".", cwd=work)
    git(role, "commit", "-qm", "first", cwd=work)
    refused = git(role, "push", "origin", "main", cwd=work)
    assert refused.returncode != 0
    assert (
        "! [remote rejected] main -> main (refusing to allow a GitHub App to create or update "
        "workflow `.github/workflows/ci.yml` without `workflows` permission)"
    ) in refused.stderr
    assert repository.git.branches() == {}
    repository.refuse_workflows(refuse=False)
    assert git(role, "push", "origin", "main", cwd=work).returncode == 0


def test_files_beside_the_workflows_may_be_pushed(aws, connection, git, make_role, tmp_path):
    providers = aws.service("codeconnections").providers
    repository = providers.add_repository("acme/churn", files={".github/workflows/ci.yml": b"on:"})
    repository.refuse_workflows()
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", use(connection))
    git(role, "clone", url(aws, connection), "work")
    work = tmp_path / "work"
    (work / "src.py").write_text("x = 1\n")
    git(role, "add", ".", cwd=work)
    git(role, "commit", "-qm", "more", cwd=work)
    pushed = git(role, "push", "origin", "HEAD:main", "HEAD:refs/heads/new", cwd=work)
    assert pushed.returncode == 0, pushed.stderr


def test_the_api_is_authorised_per_connection(aws, client, connection, make_role):
    other = client.create_connection(ConnectionName="x", ProviderType="GitHub")["ConnectionArn"]
    allowed = {
        "Effect": "Allow",
        "Action": "codeconnections:GetConnection",
        "Resource": connection,
    }
    role = make_role(ACCOUNT, "codebuild.amazonaws.com", allowed)
    limited = aws.session(account=ACCOUNT, region=REGION, role_arn=role).client("codeconnections")
    assert limited.get_connection(ConnectionArn=connection)
    with pytest.raises(ClientError) as caught:
        limited.get_connection(ConnectionArn=other)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
