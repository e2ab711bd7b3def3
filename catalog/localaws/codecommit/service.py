"""The CodeCommit service: its API, and its repositories over Git's smart HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from catalog.localaws.codecommit.files import FileOperations
from catalog.localaws.codecommit.pull_requests import PullRequestOperations
from catalog.localaws.codecommit.repositories import RepositoryOperations
from catalog.localaws.codecommit.state import on_repository, repository_arn
from catalog.localaws.core.service import ServiceError
from catalog.localaws.git.access import require
from catalog.localaws.git.http import Change, GitApplication, GitRequest, RefusedError
from catalog.localaws.git.login import who
from catalog.localaws.git.repository import Repository
from catalog.localaws.git.urls import CODECOMMIT_PREFIX

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from catalog.localaws.core.local import LocalAws

_PATH = re.compile(
    CODECOMMIT_PREFIX + r"/(?P<account>\d{12})/(?P<region>[a-z0-9-]+)/v1/repos/(?P<name>[^/]+)"
)
_ON_REPOSITORY = (
    "CreateRepository",
    "GetRepository",
    "DeleteRepository",
    "UpdateRepositoryDescription",
    "UpdateRepositoryEncryptionKey",
    "UpdateDefaultBranch",
    "GetBranch",
    "ListBranches",
    "CreateBranch",
    "DeleteBranch",
    "GetCommit",
    "GetBlob",
    "GetFile",
    "GetFolder",
    "GetDifferences",
    "CreateCommit",
    "PutFile",
    "ListPullRequests",
    "MergePullRequestByFastForward",
    "MergePullRequestBySquash",
    "MergePullRequestByThreeWay",
)
Arns = Callable[[dict[str, Any], str, str], list[str]]


def _by_arn(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["resourceArn"]]


def _batch(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [repository_arn(name, account, region) for name in params["repositoryNames"]]


def _renamed(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [repository_arn(params[key], account, region) for key in ("oldName", "newName")]


def _targets(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [repository_arn(t["repositoryName"], account, region) for t in params["targets"]]


class CodeCommit(RepositoryOperations, FileOperations, PullRequestOperations):
    """Repositories of all accounts."""

    resources: ClassVar[Mapping[str, Arns]] = {
        **dict.fromkeys(_ON_REPOSITORY, on_repository),
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), _by_arn),
        "BatchGetRepositories": _batch,
        "UpdateRepositoryName": _renamed,
        "CreatePullRequest": _targets,
    }

    def http_routes(self) -> dict[str, WSGIApplication]:
        """Serve the repositories."""
        return {f"{CODECOMMIT_PREFIX}/": GitApplication(_Repositories(self))}


class _Repositories:
    """Says who may do what over Git.

    On the plain address anybody on this machine may read; a push, and everything on the strict
    address that builds use, needs a signature and `codecommit:GitPull` or `codecommit:GitPush`.
    """

    def __init__(self, service: CodeCommit) -> None:
        self._service = service
        self._aws: LocalAws = service.aws

    def open(self, request: GitRequest) -> Repository:
        """Authenticate, authorise and find the repository.

        Raises:
            RefusedError: with AWS's status.
        """
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no repository at {request.path}")
        try:
            if request.writes or request.strict:
                self._authorise(request, match)
            return self._service.find(**match.groupdict()).git
        except ServiceError as error:
            missing = error.code == "RepositoryDoesNotExistException"
            status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.FORBIDDEN
            raise RefusedError(status, error.message) from error

    def pushed(self, request: GitRequest, repository: Repository, changes: list[Change]) -> None:  # noqa: ARG002
        """Send the events of a push."""
        match = _PATH.fullmatch(request.path)
        assert match is not None  # noqa: S101 - open accepted it
        stored = self._service.find(**match.groupdict())
        principal = self._keys(request, match).principal
        self._service.changed(stored, changes, principal=principal)

    def _authorise(self, request: GitRequest, match: re.Match[str]) -> None:
        require(
            self._aws,
            principal=self._keys(request, match).principal,
            action="codecommit:GitPush" if request.writes else "codecommit:GitPull",
            resource=repository_arn(match["name"], match["account"], match["region"]),
        )

    def _keys(self, request: GitRequest, match: re.Match[str]) -> Any:
        return who(
            request,
            identities=self._aws.identities,
            regions=_signing_regions(match["region"], strict=request.strict),
        )


def _signing_regions(region: str, *, strict: bool) -> list[str]:
    """Return the regions a signature may be for: elsewhere than on AWS's names, any."""
    if strict:
        return [region]
    from boto3 import Session  # noqa: PLC0415

    return [region, *Session().get_available_regions("codecommit")]
