"""Where custom resources and wait handles send their answers: one URL each, over HTTP PUT.

AWS hands out presigned S3 URLs; a client needs nothing but the URL, here as there.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PREFIX = "/_cloudformation/responses/"
_LIMIT = 4096  # bytes of a custom resource's response object


@dataclass(kw_only=True)
class Mailbox:
    """The answers that arrived at one URL."""

    token: str
    messages: list[dict[str, Any]] = field(default_factory=list)


class Responses:
    """The mailboxes of one LocalAws, and the WSGI application in front of them."""

    def __init__(self) -> None:
        self._boxes: dict[str, Mailbox] = {}
        self._lock = threading.Lock()

    def open(self) -> Mailbox:
        """Return a new mailbox with a secret token."""
        box = Mailbox(token=secrets.token_urlsafe(32))
        with self._lock:
            self._boxes[box.token] = box
        return box

    def url(self, endpoint: str, box: Mailbox) -> str:
        """Return the URL of a mailbox."""
        return f"{endpoint}{PREFIX}{box.token}"

    def find(self, url: str) -> Mailbox | None:
        """Return the mailbox of a URL."""
        with self._lock:
            return self._boxes.get(url.rsplit("/", 1)[-1])

    def close(self, token: str) -> None:
        """Forget a mailbox: later answers get 403, as from an expired URL."""
        with self._lock:
            self._boxes.pop(token, None)

    def application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Take one answer."""
        if environ["REQUEST_METHOD"] != "PUT":
            return _answer(start_response, "405 Method Not Allowed", "PUT only")
        box = self.find(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
        if box is None:
            return _answer(start_response, "403 Forbidden", "Request has expired")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > _LIMIT:
            message = {"Status": "FAILED", "Reason": "Response object is too long."}
            box.messages.append(message)
            return _answer(start_response, "200 OK", "")
        body = environ["wsgi.input"].read(length)
        box.messages.append(_parse(body))
        return _answer(start_response, "200 OK", "")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if isinstance(message, dict):
        return message
    return {"Status": "FAILED", "Reason": "Invalid Response object: not valid JSON"}


def _answer(start_response: StartResponse, status: str, text: str) -> list[bytes]:
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
