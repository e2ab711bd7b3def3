"""Git's smart HTTP protocol, by `git http-backend`, as a WSGI application."""

from __future__ import annotations

import base64
import binascii
import subprocess
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import BytesParser
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from catalog.localaws.git.reports import with_reasons
from catalog.localaws.git.repository import NULL, Repository, git_environment
from catalog.localaws.git.urls import is_strict

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_SERVICES = ("/info/refs", "/git-upload-pack", "/git-receive-pack")
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Login:
    """Credentials of HTTP Basic authentication."""

    user: str
    password: str


@dataclass(frozen=True, kw_only=True)
class GitRequest:
    """One request of a Git client.

    Attributes:
        path: of the repository's URL, from the root of the endpoint; what clients sign.
        host: without the port.
        writes: it belongs to a push.
        strict: it came under the host name that demands a signature for reads too.
        login: what the client authenticated with.
    """

    path: str
    host: str
    writes: bool
    strict: bool
    login: Login | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """A reference that a push moved; `NULL` stands for "did not exist"."""

    reference: str
    old: str
    new: str


class RefusedError(Exception):
    """The request is answered with this status and text instead."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Host(Protocol):
    """Who owns the repositories under a prefix."""

    def open(self, request: GitRequest) -> Repository:
        """Authenticate, authorise and find the repository.

        Raises:
            RefusedError: with UNAUTHORIZED to make the client ask for credentials.
        """

    def pushed(self, request: GitRequest, repository: Repository, changes: list[Change]) -> None:
        """Take note of what a push changed."""


class GitApplication:
    """Serves the repositories of one host.

    A repository whose `hooks/pre-receive` refuses a push may write its reason to the file that
    `PUSH_REFUSAL` names; the client then sees it as the server's own.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pushes: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, headers, body = self._answer(environ)
        except RefusedError as refused:
            status = f"{refused.status.value} {refused.status.phrase}"
            body = (refused.text + "\n").encode()
            headers = [("Content-Type", "text/plain; charset=utf-8")]
            if refused.status is HTTPStatus.UNAUTHORIZED:
                headers.append(("WWW-Authenticate", 'Basic realm="AWS"'))
        headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
        full = environ.get("PATH_INFO", "")
        service = next((name for name in _SERVICES if full.endswith(name)), None)
        query = environ.get("QUERY_STRING", "")
        # The dumb protocol (`GET /HEAD`, `/objects/...`) is not offered, as AWS does not.
        if service is None or (service == "/info/refs" and not query.startswith("service=git-")):
            raise RefusedError(
                HTTPStatus.NOT_FOUND, "only Git's smart HTTP protocol is served here"
            )
        request = GitRequest(
            path=full.removesuffix(service),
            host=environ.get("HTTP_HOST", "").partition(":")[0],
            writes="git-receive-pack" in service + query,
            strict=is_strict(environ.get("HTTP_HOST", "")),
            login=_login(environ.get("HTTP_AUTHORIZATION", "")),
        )
        repository = self._host.open(request)
        if service != "/git-receive-pack":
            return _backend(environ, repository=repository, service=service)
        with self._pushes[repository.path]:
            before = repository.references()
            answer = _backend(environ, repository=repository, service=service)
            changes = _changes(before, repository.references())
        if changes:
            self._host.pushed(request, repository, changes)
        return answer


def _login(header: str) -> Login | None:
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Login(user=user, password=password)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    return [
        Change(reference=name, old=before.get(name, NULL), new=after.get(name, NULL))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def _backend(
    environ: WSGIEnvironment, *, repository: Repository, service: str
) -> tuple[str, list[tuple[str, str]], bytes]:
    with tempfile.TemporaryFile() as body, tempfile.NamedTemporaryFile() as refusal:
        _spool(environ, body)
        variables = {
            "GIT_PROJECT_ROOT": str(repository.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.path.name}{service}",
            "REQUEST_METHOD": environ["REQUEST_METHOD"],
            "QUERY_STRING": environ.get("QUERY_STRING", ""),
            "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
            "CONTENT_LENGTH": str(body.tell()),
            "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
            "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
            "REMOTE_USER": "local-aws",
            "REMOTE_ADDR": environ.get("REMOTE_ADDR", ""),
            "PUSH_REFUSAL": refusal.name,
        }
        body.seek(0)
        done = subprocess.run(
            ["git", "http-backend"],
            stdin=body,
            capture_output=True,
            check=False,
            env=git_environment(variables),
        )
        reason = Path(refusal.name).read_text(encoding="utf-8").strip()
    head, _, answer = done.stdout.partition(b"\r\n\r\n")
    if not head:
        text = done.stderr.decode("utf-8", "replace").strip()
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, text or "git http-backend failed")
    fields = BytesParser().parsebytes(head)
    status = fields.get("Status", "200 OK")
    headers = [(name, value) for name, value in fields.items() if name.lower() != "status"]
    return status, headers, with_reasons(answer, reason) if reason else answer


def _spool(environ: WSGIEnvironment, body: IO[bytes]) -> None:
    stream = environ["wsgi.input"]
    terminated = bool(environ.get("wsgi.input_terminated"))
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while terminated or left:
        chunk = stream.read(_CHUNK if terminated else min(_CHUNK, left))
        if not chunk:
            return
        body.write(chunk)
        left -= 0 if terminated else len(chunk)
