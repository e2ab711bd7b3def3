"""boto3 sessions and clients that reach the gateway in this process, without HTTP."""

from __future__ import annotations

import functools
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, cast

import boto3
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from catalog.localaws.core.faults import ConnectionLost
from catalog.localaws.core.gateway import Gateway
from catalog.localaws.core.wire import HttpRequest

_MAX_CLIENTS = 1024
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=1,
    ignore_configured_endpoint_urls=True,
)


class _Body(io.BytesIO):
    """A response body in the form that botocore streams from."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(1 << 20):
            yield chunk


class Clients:
    """Makes in-process sessions, and caches the clients that services use. Thread-safe.

    Args:
        gateway: answers their requests.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loader = botocore.loaders.create_loader()
        self._cache: OrderedDict[tuple[str, str, str, str], Any] = OrderedDict()
        self._lock = threading.Lock()

    def session(
        self, credentials: Mapping[str, str], *, region: str | None, via: str = ""
    ) -> boto3.Session:
        """Return a session that signs with `credentials`.

        Args:
            credentials: as environment variables.
            region: default region of its clients.
            via: the AWS service that acts with these credentials, if one does.
        """
        core = _Session(region)
        core.register_component("data_loader", self._loader)
        core.set_credentials(
            credentials["AWS_ACCESS_KEY_ID"],
            credentials["AWS_SECRET_ACCESS_KEY"],
            credentials.get("AWS_SESSION_TOKEN"),
        )
        core.set_default_client_config(_CONFIG)
        session = boto3.Session(botocore_session=core, region_name=region)
        session.events.register("before-send", functools.partial(self._send, via=via))
        return session

    def client(
        self, credentials: Mapping[str, str], service: str, *, region: str, via: str = ""
    ) -> Any:
        """Return a client, the same one for the same arguments."""
        key = (credentials["AWS_ACCESS_KEY_ID"], service, region, via)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            session = self.session(credentials, region=region, via=via)
            client = session.client(service)  # type: ignore[call-overload]
            self._cache[key] = client
            if len(self._cache) > _MAX_CLIENTS:
                self._cache.popitem(last=False)
            return client

    def _send(self, request: AWSPreparedRequest, *, via: str, **_: Any) -> AWSResponse:
        try:
            response = self._gateway.handle(_as_http(request), via=via)
        except ConnectionLost as error:
            if str(error).startswith("no connection"):
                raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        return AWSResponse(
            request.url,
            response.status,
            _headers(response.headers),
            cast("Any", _Body(response.body)),
        )


class _Session(botocore.session.Session):
    """A botocore session that reads neither the environment's nor the user's AWS settings."""

    def __init__(self, region: str | None) -> None:
        super().__init__(profile=None, include_builtin_handlers=True)
        store = self.get_component("config_store")
        for name in ("profile", "config_file", "credentials_file", "endpoint_url", "ca_bundle"):
            store.set_config_variable(name, None)
        store.set_config_variable("region", region)


def _headers(headers: Mapping[str, str]) -> Any:
    from botocore.compat import HTTPHeaders

    result = HTTPHeaders()
    for name, value in headers.items():
        result[name] = value
    return result


def _as_http(request: AWSPreparedRequest) -> HttpRequest:
    body: Any = request.body
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = {
        str(name): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    return HttpRequest(
        method=str(request.method),
        url=str(request.url),
        headers=headers,
        body=bytes(body or b""),
    )
