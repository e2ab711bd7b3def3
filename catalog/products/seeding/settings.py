"""What the seeding build is told, by its environment and by the answers of the launch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import SeedError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Environment of one seeding build.

    Attributes:
        request: id of CloudFormation's request; names the folder that answers and reason are in.
        template: which template of the catalog.
        catalog_url: public URL of the catalog, which the repository records.
        release_tag: the catalog's tag, which the repository records.
        assets_bucket: where the wheel sets are.
        wheels_prefix: key prefix of the wheel sets.
        project_bucket: the project's own bucket.
        provider: `CodeCommit`, `GitHub` or `GitLab`.
        repository: CodeCommit repository name, or `owner/name`.
        connection_arn: CodeConnections connection; empty for CodeCommit.
        codecommit_url: HTTPS clone URL; empty for the others.
    """

    request: str
    template: str
    catalog_url: str
    release_tag: str
    assets_bucket: str
    wheels_prefix: str
    project_bucket: str
    provider: str
    repository: str
    connection_arn: str
    codecommit_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the `SEED_*` variables.

        Raises:
            SeedError: one is missing.
        """
        given = os.environ if environment is None else environment
        names = {
            "request": "SEED_REQUEST",
            "template": "SEED_TEMPLATE",
            "catalog_url": "SEED_CATALOG_URL",
            "release_tag": "SEED_RELEASE_TAG",
            "assets_bucket": "SEED_ASSETS_BUCKET",
            "wheels_prefix": "SEED_WHEELS_PREFIX",
            "project_bucket": "SEED_PROJECT_BUCKET",
            "provider": "SEED_REPOSITORY_PROVIDER",
            "repository": "SEED_REPOSITORY",
        }
        missing = sorted(name for name in names.values() if not given.get(name))
        if missing:
            raise SeedError(
                f"The seeding build lacks {', '.join(missing)}: launch the project anew."
            )
        return cls(
            **{field: given[name] for field, name in names.items()},
            connection_arn=given.get("SEED_CONNECTION_ARN", ""),
            codecommit_url=given.get("SEED_CODECOMMIT_URL", ""),
        )

    @property
    def folder(self) -> str:
        """S3 URL of the request's folder in the project's bucket."""
        return f"s3://{self.project_bucket}/seeding/{self.request}"

    @property
    def remote_url(self) -> str:
        """URL that Git pushes to.

        Connections have a Git endpoint of their own, named after the parts of their ARN
        (`git-http/<account>/<region>/<connection id>/<owner>/<name>.git`).
        """
        if self.provider == "CodeCommit":
            return self.codecommit_url
        _, _, service, region, account, connection = self.connection_arn.split(":", 5)
        connection_id = connection.rpartition("/")[2]
        host = f"{service}.{region}.amazonaws.com"
        path = f"git-http/{account}/{region}/{connection_id}/{self.repository}.git"
        return f"https://{host}/{path}"


def read_answers(text: str) -> dict[str, str]:
    """Return the answers of a launch without the empty ones, which mean "work it out".

    Raises:
        SeedError: the text is not what the launch writes.
    """
    try:
        answers = json.loads(text)
    except ValueError:
        answers = None
    if not isinstance(answers, dict):
        raise SeedError("The answers of the launch cannot be read: launch the project anew.")
    return {str(name): str(value) for name, value in answers.items() if str(value) != ""}
