"""Commits what was rendered and pushes it, unless the repository already holds something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .commands import CommandError, git_config, run
from .errors import SeedError
from .scratch_catalog import IDENTITY
from .settings import Settings

BRANCH = "refs/heads/main"
# The host is a connection's own Git endpoint, or CodeCommit's behind a proxy: the helper signs
# for whatever Git asks for.
HELPER = "!aws codecommit credential-helper --ignore-host-check $@"


def push(*, settings: Settings, repository: Path, message: str) -> str:
    """Commit a rendered repository and push it to main.

    A repository whose main is exactly this tree in a single commit by this seed is left as it
    is and counts as seeded: that is what a retried launch finds.

    Args:
        settings: where to push to.
        repository: the rendered files.
        message: commit message.

    Returns:
        The commit id on the remote's main.

    Raises:
        SeedError: the repository is not empty, or the push is refused.
    """
    environment = {
        **IDENTITY,
        "GIT_TERMINAL_PROMPT": "0",
        **git_config(
            [
                ("core.autocrlf", "false"),
                ("core.fileMode", "true"),
                ("credential.helper", ""),
                ("credential.helper", HELPER),
                ("credential.UseHttpPath", "true"),
            ]
        ),
    }

    def git(*arguments: str) -> str:
        return run(["git", *arguments], cwd=repository, environment=environment).strip()

    git("init", "--quiet", "--initial-branch=main")
    # Every rendered file belongs to the first commit, also those that .gitignore names.
    git("add", "--force", "--all")
    git("commit", "--quiet", "--no-verify", "--message", message)
    url = settings.remote_url
    try:
        listed = [line.split("\t", 1) for line in git("ls-remote", url).splitlines()]
        refs = {name: commit for commit, name in listed}
        branches = sorted(ref for ref in refs if ref.startswith(("refs/heads/", "refs/tags/")))
        if branches:
            if branches == [BRANCH] and _is_ours(git, url):
                return refs[BRANCH]
            raise SeedError(_not_empty(settings, branches))
        git("push", "--quiet", url, f"HEAD:{BRANCH}")
    except CommandError as error:
        raise SeedError(explain(settings, error.output)) from error
    return git("rev-parse", "HEAD")


def _is_ours(git: Callable[..., str], url: str) -> bool:
    git("fetch", "--quiet", "--depth=2", url, BRANCH)
    tree, author, parents = git("show", "--no-patch", "--format=%T %ae [%P]", "FETCH_HEAD").split(
        " ", 2
    )
    # Depth 2: a shallow tip would claim to have no parents.
    return (
        parents == "[]"
        and tree == git("rev-parse", "HEAD^{tree}")
        and author == IDENTITY["GIT_AUTHOR_EMAIL"]
    )


def _not_empty(settings: Settings, branches: list[str]) -> str:
    shown = ", ".join(ref.split("/", 2)[2] for ref in branches[:3])
    return (
        f"The repository {settings.repository} is not empty (it has {shown}). A new project never"
        " overwrites anything: launch it again with an empty repository, one created without"
        " README, licence or .gitignore."
    )


def explain(settings: Settings, said: str) -> str:
    """Return what a data scientist can do about what Git said."""
    text = said.lower()
    repository = f"{settings.provider} repository {settings.repository}"
    if "workflow" in text and ("permission" in text or "scope" in text or "refus" in text):
        return (
            f"The {repository} refuses workflow files (.github/workflows) from the connection: its"
            " GitHub App lacks the permission Workflows (read and write). Ask an owner of the"
            " GitHub organisation to grant it to the app under Settings, GitHub Apps, or launch"
            " the project with another CI."
        )
    if "protected branch" in text or "gh006" in text or "pre-receive hook declined" in text:
        return (
            f"The {repository} refuses a push to main: the branch is protected. Let the"
            " connection push the first commit, or protect the branch after the launch."
        )
    if "could not resolve" in text or "failed to connect" in text or "timed out" in text:
        return (
            f"The {repository} cannot be reached from the seeding build. Ask your platform team"
            " whether its network may reach the Git endpoint."
        )
    if "not found" in text or "404" in text or "does not exist" in text:
        return (
            f"There is no {repository}, or the connection does not see it. Check the spelling,"
            " and that the connection's app is installed for this repository."
        )
    if "403" in text or "401" in text or "denied" in text or "authentication" in text:
        return (
            f"The {repository} refuses the connection's credentials. Check that the connection is"
            " AVAILABLE and that its app may write to the contents of this repository."
        )
    return f"The {repository} did not take the first commit: {' '.join(said.split())}"
