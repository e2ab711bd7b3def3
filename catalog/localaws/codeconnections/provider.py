"""A double of GitHub and GitLab: the repositories that connections lead to.

Real connections end at a provider outside AWS, where a repository exists before a project is made
for it. Tests and demos make such repositories here.
"""

from __future__ import annotations

import shlex
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.localaws.git.editing import EMPTY_TREE, edit_tree, write_blob
from catalog.localaws.git.repository import NULL, Repository, Signature

# GitHub's own words, as it refuses an app's push; {file} is the first offending file.
WORKFLOW_REFUSAL = (
    "refusing to allow a GitHub App to create or update workflow `{file}` "
    "without `workflows` permission"
)
_HOOK = """\
#!/bin/sh
while read -r old new name; do
  if [ "$new" = {null} ]; then continue; fi
  if [ "$old" = {null} ]; then
    old=$(git rev-parse --verify --quiet HEAD) || old={empty}
  fi
  file=$(git diff --name-only --diff-filter=d "$old" "$new" -- .github/workflows | head -n 1)
  if [ -n "$file" ]; then
    printf {message} "$file" >"${{PUSH_REFUSAL:-/dev/stderr}}"
    exit 1
  fi
done
"""


@dataclass(kw_only=True)
class ProviderRepository:
    """A repository at a provider.

    Attributes:
        provider: `GitHub`, `GitLab` and so on, as CodeConnections names provider types.
        full_name: `owner/name`; GitLab's may have more parts.
    """

    provider: str
    full_name: str
    git: Repository

    def refuse_workflows(self, *, refuse: bool = True) -> None:
        """Refuse pushes that create or update files in `.github/workflows/`.

        GitHub does so when the app behind the connection lacks the `workflows` permission.
        """
        hook = self.git.path / "hooks" / "pre-receive"
        hook.unlink(missing_ok=True)
        if not refuse:
            return
        hook.parent.mkdir(exist_ok=True)
        message = shlex.quote(WORKFLOW_REFUSAL.format(file="%s"))
        hook.write_text(_HOOK.format(null=NULL, empty=EMPTY_TREE, message=message))
        hook.chmod(0o755)


class Providers:
    """All repositories of all providers.

    Args:
        folder: where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._repositories: dict[tuple[str, str], ProviderRepository] = {}
        self._lock = threading.Lock()

    def add_repository(
        self,
        full_name: str,
        *,
        provider: str = "GitHub",
        branch: str = "main",
        files: Mapping[str, bytes] | None = None,
    ) -> ProviderRepository:
        """Make a repository, as its owner would before asking for a project.

        Args:
            full_name: `owner/name`.
            provider: the provider type.
            branch: the default branch.
            files: content of a first commit; without it the repository is empty.

        Raises:
            ValueError: there is one already.
        """
        key = (provider, full_name)
        with self._lock:
            if key in self._repositories:
                raise ValueError(f"{provider} has a repository {full_name} already")
            git = Repository.create(self._folder / f"{uuid.uuid4()}.git", branch=branch)
            repository = ProviderRepository(provider=provider, full_name=full_name, git=git)
            self._repositories[key] = repository
        if files:
            entries = {path: ("100644", write_blob(git, data)) for path, data in files.items()}
            owner = Signature(name=full_name.partition("/")[0], email="owner@example.com")
            commit = git.commit_tree(
                edit_tree(git, parent=None, entries=entries),
                parents=(),
                message="Initial commit",
                author=owner,
            )
            git.update(f"refs/heads/{branch}", new=commit, old=NULL)
        return repository

    def find(self, full_name: str, *, provider: str) -> ProviderRepository | None:
        """Return a repository, or None."""
        with self._lock:
            return self._repositories.get((provider, full_name))
