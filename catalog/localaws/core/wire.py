"""Reading a request off the wire: who signed it, for which service, region and operation."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import botocore.loaders
import botocore.session
from botocore.regions import EndpointResolver
from moto.core.model import OperationModel, ServiceModel
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from catalog.localaws.core.service import ServiceError

GLOBAL_REGION = "us-east-1"

# Signing names that are not botocore's service name, or that several services share.
SIGNING_NAMES: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticloadbalancing": ("elbv2", "elb"),
    "email": ("sesv2", "ses"),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "sagemaker": (
        "sagemaker",
        "sagemaker-runtime",
        "sagemaker-metrics",
        "sagemaker-featurestore-runtime",
    ),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}

_AUTHORIZATION = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """One HTTP request as it arrived, before anything is decoded.

    Attributes:
        url: absolute, still percent-encoded.
        headers: names as sent; look them up with `header`.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, whatever its case, or ``""``."""
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), "")

    @functools.cached_property
    def path(self) -> str:
        """The percent-encoded path."""
        return urlsplit(self.url).path or "/"

    @functools.cached_property
    def query(self) -> dict[str, list[str]]:
        """The decoded query string."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """What goes back: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a signature says about its request.

    Attributes:
        access_key: empty for an unsigned request.
        signing_name: the service in the credential scope; empty for an unsigned request.
    """

    access_key: str
    token: str
    region: str
    signing_name: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """The operation a request addresses, in botocore's terms."""

    service: str
    region: str
    model: ServiceModel
    operation: OperationModel
    request: Request
    uri_params: Mapping[str, Any]


def read_scope(request: HttpRequest) -> Scope:
    """Read the credential scope of a SigV4 request (header or presigned query).

    Raises:
        ServiceError: `AccessDenied` for a presigned URL that has expired,
            `AuthorizationQueryParametersError` for one that cannot be read.
    """
    match = _AUTHORIZATION.search(request.header("Authorization"))
    if match:
        return Scope(
            access_key=match["key"],
            token=request.header("X-Amz-Security-Token"),
            region=match["region"],
            signing_name=match["service"],
        )
    try:
        presigned = _presigned_scope({name: values[0] for name, values in request.query.items()})
    except ValueError as error:
        raise ServiceError(
            "AuthorizationQueryParametersError", "Error parsing the query string's credentials."
        ) from error
    if presigned:
        return presigned
    return Scope(access_key="", token="", region=GLOBAL_REGION, signing_name="")


def _presigned_scope(query: Mapping[str, str]) -> Scope | None:
    if "X-Amz-Credential" in query:
        key, _, region, service, _ = query["X-Amz-Credential"].split("/")
        signed = datetime.strptime(query.get("X-Amz-Date", "") + "+0000", "%Y%m%dT%H%M%SZ%z")
        _refuse_after(signed + timedelta(seconds=int(query.get("X-Amz-Expires", "0"))))
        return Scope(
            access_key=key,
            token=query.get("X-Amz-Security-Token", ""),
            region=region,
            signing_name=service,
        )
    if "AWSAccessKeyId" in query:  # S3's older presigned form
        _refuse_after(datetime.fromtimestamp(int(query.get("Expires", "0")), tz=UTC))
        return Scope(
            access_key=query["AWSAccessKeyId"],
            token=query.get("x-amz-security-token", ""),
            region=GLOBAL_REGION,
            signing_name="s3",
        )
    return None


def _refuse_after(moment: datetime) -> None:
    if datetime.now(tz=UTC) > moment:
        raise ServiceError("AccessDenied", "Request has expired", status=403)


@functools.cache
def service_model(name: str) -> ServiceModel:
    """Return moto's view of a botocore service model, loaded once.

    Raises:
        LookupError: when botocore knows no such service.
    """
    if name not in known_services():
        raise LookupError(name)
    return get_service_model(name)


@functools.cache
def known_services() -> frozenset[str]:
    """Every service that botocore has a model of."""
    return frozenset(botocore.session.get_session().get_available_services())


@functools.cache
def _endpoints() -> EndpointResolver:
    return EndpointResolver(botocore.loaders.create_loader().load_data("endpoints"))


@functools.cache
def known_regions() -> frozenset[str]:
    """Every region of every partition."""
    data = botocore.loaders.create_loader().load_data("endpoints")
    return frozenset(region for p in data["partitions"] for region in p["regions"])


@functools.cache
def aws_host(service: str, region: str) -> str:
    """Return the host that AWS serves `service` from in `region`."""
    model = service_model(service)
    endpoint = _endpoints().construct_endpoint(model.endpoint_prefix, region) or {}
    return cast("str", endpoint.get("hostname", f"{model.endpoint_prefix}.{region}.amazonaws.com"))


def canonical_url(request: HttpRequest, *, service: str, region: str) -> str:
    """Rewrite a request's URL to the one AWS serves, S3 in path style."""
    parts = urlsplit(request.url)
    path = parts.path or "/"
    if service == "s3" and (bucket := _virtual_bucket(parts.netloc)):
        path = f"/{bucket}{path}"
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{aws_host(service, region)}{path}{query}"


def _virtual_bucket(netloc: str) -> str:
    host = netloc.rsplit(":", 1)[0] if netloc.rsplit(":", 1)[-1].isdigit() else netloc
    match = re.match(r"^(.+)\.(?:s3[.-].*amazonaws\.com|localhost)$", host)
    return match[1] if match else ""


def find_target(request: HttpRequest, scope: Scope) -> Target:
    """Find the service and operation that a request addresses.

    Raises:
        ServiceError: `UnknownOperationException` when no model of the service has it;
            `MissingAuthenticationToken` for an unsigned request to a service that needs one.
    """
    tried = []
    for service in _candidates(request, scope):
        try:
            model = service_model(service)
        except LookupError:
            continue
        tried.append(service)
        url = canonical_url(request, service=service, region=scope.region)
        headers = _single_valued(request.headers)
        parsed = Request.from_primitives(request.method, url, headers, request.body)
        # werkzeug rebuilds the path it decoded; keys with %2F need the one that was sent.
        parsed.environ["RAW_URI"] = url
        try:
            operation, uri_params = get_service_router(service).match(parsed)
        except (NotFound, NotImplementedError):
            continue
        return Target(
            service=service,
            region=scope.region,
            model=model,
            operation=operation,
            request=parsed,
            uri_params=uri_params,
        )
    if not scope.access_key and not tried:
        raise ServiceError("MissingAuthenticationToken", "Missing Authentication Token", status=403)
    what = request.header("X-Amz-Target") or f"{request.method} {request.path}"
    raise ServiceError(
        "NotEmulated",
        f"The local AWS knows no operation for {what} of "
        f"{scope.signing_name or 'an unsigned request'} "
        f"(looked in: {', '.join(tried) or 'no service'}).",
        status=501,
    )


def _single_valued(headers: Mapping[str, str]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers.items()}


def _candidates(request: HttpRequest, scope: Scope) -> Iterator[str]:
    if scope.signing_name:
        name = scope.signing_name
        yield from SIGNING_NAMES.get(name, (name, name.replace("-", "")))
        return
    form = request.header("Content-Type").startswith("application/x-www-form-urlencoded")
    if form and b"Action=AssumeRoleWith" in request.body:
        yield "sts"
    elif not form and not request.header("X-Amz-Target"):
        yield "s3"
