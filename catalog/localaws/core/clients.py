"""boto3 sessions and clients that reach the gateway in this process, without HTTP."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, cast

import boto3
import botocore.loaders
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from catalog.localaws.core.faults import ConnectionLost
from catalog.localaws.core.gateway import Gateway
from catalog.localaws.core.wire import HttpRequest

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=1,
    ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # newer than its stubs
)


class _Body(io.BytesIO):
    """A response body in the form that botocore streams from."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(1 << 20):
            yield chunk


# What the shared clients sign with; `_send` puts the actual caller's keys in its place.
_PLACEHOLDER = {"AWS_ACCESS_KEY_ID": "AKIAPLACEHOLDER00000", "AWS_SECRET_ACCESS_KEY": "placeholder"}
_caller: ContextVar[Mapping[str, str] | None] = ContextVar("local_aws_caller", default=None)


class Clients:
    """Makes in-process sessions, and the clients that emulated services use. Thread-safe.

    Args:
        gateway: answers their requests.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._loader = botocore.loaders.create_loader()
        self._shared: dict[tuple[str, str, str], Any] = {}
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
        send: Any = functools.partial(self._send, via=via)
        session.events.register("before-send", send)
        return session

    def client(self, credentials: Mapping[str, str], service: str, *, region: str, via: str) -> Any:
        """Return a client that signs with `credentials`; costs microseconds after the first.

        Making a client takes boto3 some 10 ms, so all callers share one per service and region,
        each through a copy that says who calls.
        """
        shared = self._shared_client(service, region=region, via=via)
        client = object.__new__(type(shared))  # copy.copy never ends on botocore's __getattr__
        vars(client).update(vars(shared))
        make_api_call = client._make_api_call
        held = dict(credentials)

        def make_api_call_as(operation_name: str, parameters: dict[str, Any]) -> Any:
            token = _caller.set(held)
            try:
                return make_api_call(operation_name, parameters)
            finally:
                _caller.reset(token)

        def presign(*args: Any, **kwargs: Any) -> Any:
            own: Any = self.session(held, region=region, via=via).client(cast("Any", service))
            return own.generate_presigned_url(*args, **kwargs)

        client._make_api_call = make_api_call_as
        client.generate_presigned_url = presign
        return client

    def _shared_client(self, service: str, *, region: str, via: str) -> Any:
        key = (service, region, via)
        with self._lock:
            if key not in self._shared:
                session = self.session(_PLACEHOLDER, region=region, via=via)
                self._shared[key] = session.client(cast("Any", service))
            return self._shared[key]

    def _send(self, request: AWSPreparedRequest, *, via: str, **_: Any) -> AWSResponse:
        try:
            response = self._gateway.handle(_as_http(request), via=via)
        except ConnectionLost as error:
            if error.before_effect:
                raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        body: Any = _Body(response.body)
        return AWSResponse(request.url, response.status, _headers(response.headers), body)


class _Session(botocore.session.Session):
    """A botocore session that reads neither the environment's nor the user's AWS settings."""

    def __init__(self, region: str | None) -> None:
        super().__init__(profile=None, include_builtin_handlers=True)
        store = self.get_component("config_store")
        for name in ("profile", "config_file", "credentials_file", "endpoint_url", "ca_bundle"):
            store.set_config_variable(name, None)
        store.set_config_variable("region", region)


def _headers(headers: Mapping[str, str]) -> Any:
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
    caller = _caller.get()
    if caller is not None:
        placeholder = _PLACEHOLDER["AWS_ACCESS_KEY_ID"]
        signed = headers.get("Authorization", "")
        headers["Authorization"] = signed.replace(placeholder, caller["AWS_ACCESS_KEY_ID"], 1)
        if "AWS_SESSION_TOKEN" in caller:
            headers["X-Amz-Security-Token"] = caller["AWS_SESSION_TOKEN"]
    return HttpRequest(
        method=str(request.method),
        url=str(request.url),
        headers=headers,
        body=bytes(body or b""),
    )
