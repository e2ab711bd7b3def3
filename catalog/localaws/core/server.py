"""The HTTP face: the same gateway on a loopback port, for the `aws` CLI and subprocesses."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler

from catalog.localaws.core.faults import ConnectionLost, Killed
from catalog.localaws.core.gateway import EmulatorFault
from catalog.localaws.core.wire import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK = ("127.0.0.1", "::1")


class _Handler(WSGIRequestHandler):
    # Chunked uploads and `Expect: 100-continue` need it; werkzeug closes after each answer.
    protocol_version = "HTTP/1.1"

    def handle_expect_100(self) -> bool:
        """Leave the interim answer to werkzeug, which sends one too."""
        return True

    def connection_dropped(
        self,
        error: BaseException,  # noqa: ARG002 - werkzeug's signature
        environ: WSGIEnvironment | None = None,  # noqa: ARG002
    ) -> None:
        """Close the connection instead of waiting for the client's next request on it."""
        self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing: the gateway keeps the log."""


class _Drop(ConnectionError):
    """Close the connection without an answer: what werkzeug does on any ConnectionError."""


class HttpServer:
    """Serves the gateway on 127.0.0.1 and, where there is IPv6, on ::1.

    Args:
        handle: answers AWS requests.
        routes: WSGI applications by URL prefix.
        port: 0 picks a free one.
        on_killed: called when an injected kill strikes a request that came over HTTP.
        log: receives what goes wrong.
    """

    def __init__(
        self,
        *,
        handle: Callable[[HttpRequest], HttpResponse],
        routes: Mapping[str, WSGIApplication],
        port: int,
        on_killed: Callable[[Killed], None],
        log: logging.Logger,
    ) -> None:
        self._handle = handle
        self._routes = routes
        self._on_killed = on_killed
        self._log = log
        self._servers: list[BaseWSGIServer] = []
        self._threads: list[threading.Thread] = []
        first = self._listen("127.0.0.1", port)
        self.port = first.port
        if socket.has_ipv6:
            try:
                self._listen("::1", self.port)
            except OSError:
                log.info("no IPv6 loopback; serving 127.0.0.1 only")

    def _listen(self, host: str, port: int) -> BaseWSGIServer:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            # Bound here, not by werkzeug, which would end the process on a taken port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((host, port))
            listener.listen(128)
            bound = listener.getsockname()[1]
            server = _Server(host, bound, self._application, _Handler, fd=listener.fileno())
        self._servers.append(server)
        thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"local-aws http {host}",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()
        return server

    def stop(self) -> None:
        """Close the ports and wait for the accepting threads."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        for prefix, application in self._routes.items():
            if path.startswith(prefix):
                return application(environ, start_response)
        try:
            response = self._handle(_read_request(environ))
        except ConnectionLost as error:
            raise _Drop from error
        except Killed as error:
            self._on_killed(error)
            raise _Drop from error
        except EmulatorFault as error:
            response = HttpResponse(
                status=501,
                headers={"Content-Type": "text/plain", "x-amzn-ErrorType": "EmulatorFault"},
                body=str(error).encode(),
            )
        headers = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() not in ("connection", "transfer-encoding", "content-length")
        ]
        length = _header(response, "Content-Length") if environ["REQUEST_METHOD"] == "HEAD" else ""
        headers.append(("Content-Length", length or str(len(response.body))))
        start_response(f"{response.status} {_reason(response.status)}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Drop the connection without printing."""


def _read_request(environ: WSGIEnvironment) -> HttpRequest:
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    raw = environ.get("RAW_URI") or environ.get("PATH_INFO", "/")
    url = raw if raw.startswith(("http://", "https://")) else f"http://{host}{raw}"
    headers = {
        _title(name[5:]): value for name, value in environ.items() if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[_title(name)] = environ[name]
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    return HttpRequest(method=environ["REQUEST_METHOD"], url=url, headers=headers, body=body)


def _title(name: str) -> str:
    return name.replace("_", "-").title()


def _header(response: HttpResponse, name: str) -> str:
    return next((v for k, v in response.headers.items() if k.lower() == name.lower()), "")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
