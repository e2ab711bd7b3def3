"""The CodeConnections API under both its names, and Git over a connection."""

from __future__ import annotations

import functools
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, cast

from catalog.localaws.codeconnections.provider import ProviderRepository, Providers
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Principal, Service, ServiceError, paginate
from catalog.localaws.git.access import require
from catalog.localaws.git.http import Change, GitApplication, GitRequest, RefusedError
from catalog.localaws.git.login import who
from catalog.localaws.git.repository import Repository
from catalog.localaws.git.urls import CONNECTIONS_PREFIX

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from catalog.localaws.codepipeline.service import CodePipeline

_PATH = re.compile(
    CONNECTIONS_PREFIX + r"/git-http/(?P<account>\d{12})/(?P<region>[a-z0-9-]+)"
    r"/(?P<id>[0-9a-f-]{36})/(?P<repository>.+?)(\.git)?"
)
_ARN = re.compile(
    r"arn:aws:(?P<service>codeconnections|codestar-connections):(?P<region>[a-z0-9-]+)"
    r":(?P<account>\d{12}):connection/(?P<id>[0-9a-f-]{36})"
)
_PAGE = 100
Arns = Callable[[dict[str, Any], str, str], list[str]]


@dataclass(kw_only=True)
class Connection:
    """A connection to a provider.

    Attributes:
        service: the API name it was made under, which its ARN and its permissions carry.
        status: `PENDING` until the handshake in the provider's web pages, then `AVAILABLE`.
    """

    id: str
    service: str
    account: str
    region: str
    name: str
    provider: str
    status: str = "PENDING"
    host_arn: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The connection's ARN."""
        return f"arn:aws:{self.service}:{self.region}:{self.account}:connection/{self.id}"

    def describe(self) -> dict[str, Any]:
        """Return it as GetConnection shows it."""
        shown = {
            "ConnectionName": self.name,
            "ConnectionArn": self.arn,
            "ProviderType": self.provider,
            "OwnerAccountId": self.account,
            "ConnectionStatus": self.status,
        }
        return shown | ({"HostArn": self.host_arn} if self.host_arn else {})


@dataclass(kw_only=True)
class ConnectionState:
    """What one account has in one region."""

    connections: dict[str, Connection] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


def _on_connection(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["ConnectionArn"]]


def _on_resource(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["ResourceArn"]]


class ConnectionOperations(Service):
    """The API, the same under both names."""

    resources: ClassVar[Mapping[str, Arns]] = {
        "GetConnection": _on_connection,
        "DeleteConnection": _on_connection,
        "TagResource": _on_resource,
        "UntagResource": _on_resource,
        "ListTagsForResource": _on_resource,
    }

    def create_connection(self, call: Call) -> dict[str, Any]:
        """Create a connection that waits for its handshake."""
        state: ConnectionState = self.state(call)
        params = call.params
        if "ProviderType" not in params:
            # Hosts are for self-managed providers, which the double does not have.
            raise ServiceError("ResourceUnavailableException", "HostArn is not emulated")
        connection = Connection(
            id=str(uuid.uuid4()),
            service=self.name,
            account=call.account,
            region=call.region,
            name=params["ConnectionName"],
            provider=params["ProviderType"],
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
        )
        with state.lock:
            state.connections[connection.id] = connection
        return {"ConnectionArn": connection.arn, "Tags": _tags(connection)}

    def get_connection(self, call: Call) -> dict[str, Any]:
        """Return a connection."""
        return {"Connection": self.find(call.params["ConnectionArn"]).describe()}

    def list_connections(self, call: Call) -> dict[str, Any]:
        """Return connections, a page at a time."""
        state: ConnectionState = self.state(call)
        wanted = call.params.get("ProviderTypeFilter")
        with state.lock:
            found = [c for c in state.connections.values() if wanted in (None, c.provider)]
        page, token = paginate(
            [connection.describe() for connection in found],
            token=call.params.get("NextToken"),
            size=call.params.get("MaxResults"),
            default=_PAGE,
            error=lambda: ServiceError("InvalidInputException", "Invalid NextToken"),
        )
        return {"Connections": page, **({"NextToken": token} if token else {})}

    def delete_connection(self, call: Call) -> dict[str, Any]:
        """Delete a connection."""
        connection = self.find(call.params["ConnectionArn"])
        state: ConnectionState = self.state_of(connection.account, connection.region)
        with state.lock:
            state.connections.pop(connection.id, None)
        return {}

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add or replace tags."""
        connection = self.find(call.params["ResourceArn"])
        connection.tags |= {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        connection = self.find(call.params["ResourceArn"])
        for key in call.params["TagKeys"]:
            connection.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """Return the tags."""
        return {"Tags": _tags(self.find(call.params["ResourceArn"]))}

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a connection, for conditions on `aws:ResourceTag`."""
        try:
            return self.find(arn).tags
        except ServiceError:
            return None

    def find(self, arn: str) -> Connection:
        """Return a connection by its ARN under either name.

        Raises:
            ServiceError: `ResourceNotFoundException`.
        """
        match = _ARN.fullmatch(arn)
        found = None
        if match:
            state: ConnectionState = self.state_of(match["account"], match["region"])
            found = state.connections.get(match["id"])
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"Connection not found: {arn}")
        return found


class CodeConnections(ConnectionOperations):
    """Connections of all accounts.

    Attributes:
        providers: the repositories behind the connections.
    """

    name = "codeconnections"

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.providers = Providers(aws.work_dir / "providers")

    def new_state(self, account: str, region: str) -> ConnectionState:  # noqa: ARG002 - base
        """Return an account without connections."""
        return ConnectionState()

    def complete_handshake(self, connection_arn: str) -> None:
        """Make a connection AVAILABLE, as its owner does in the console and at the provider."""
        self.find(connection_arn).status = "AVAILABLE"

    def arns_to(self, provider: str) -> frozenset[str]:
        """Return the ARNs of all available connections to a provider, in every account."""
        with self._states_lock:
            states: list[ConnectionState] = list(self._states.values())
        return frozenset(
            connection.arn
            for state in states
            for connection in list(state.connections.values())
            if connection.provider == provider and connection.status == "AVAILABLE"
        )

    def use(
        self,
        connection: Connection,
        *,
        principal: Principal,
        repository: str,
        action: str,
        writes: bool = False,
    ) -> ProviderRepository:
        """Return a repository at the provider that `principal` may reach.

        Args:
            connection: the connection.
            principal: who asks.
            repository: `owner/name`.
            action: the provider action (`GitPull`, `GitPush`, `GetBranch`).
            writes: it needs write permission at the provider.

        Raises:
            ServiceError: no permission, a pending connection, or no such repository.
        """
        prefix = connection.service
        require(
            self.aws,
            principal=principal,
            action=f"{prefix}:UseConnection",
            resource=connection.arn,
            context={
                f"{prefix}:FullRepositoryId": repository,
                f"{prefix}:ProviderAction": action,
                f"{prefix}:ProviderPermissionsRequired": "read_write" if writes else "read_only",
            },
        )
        if connection.status != "AVAILABLE":
            raise ServiceError(
                "ResourceUnavailableException",
                f"Connection {connection.arn} is not available: it is {connection.status}",
            )
        found = self.providers.find(repository, provider=connection.provider)
        if found is None:
            raise ServiceError(
                "ResourceNotFoundException", f"{connection.provider} has no {repository}"
            )
        return found

    def http_routes(self) -> dict[str, WSGIApplication]:
        """Serve Git over connections."""
        return {f"{CONNECTIONS_PREFIX}/": GitApplication(_Connections(self))}


class CodeStarConnections(ConnectionOperations):
    """The same connections under the service's former name."""

    name = "codestar-connections"

    def state_of(self, account: str, region: str) -> ConnectionState:
        """Return what CodeConnections has."""
        current = self.aws.service("codeconnections")
        return cast("ConnectionState", current.state_of(account, region))


class _Connections:
    """Says who may do what over Git through a connection; always signed."""

    def __init__(self, service: CodeConnections) -> None:
        self._service = service

    def open(self, request: GitRequest) -> Repository:
        """Authenticate, authorise and find the repository.

        Raises:
            RefusedError: with AWS's status.
        """
        connection, match = self._connection(request)
        keys = who(request, identities=self._service.aws.identities, regions=[match["region"]])
        try:
            return self._service.use(
                connection,
                principal=keys.principal,
                repository=match["repository"],
                action="GitPush" if request.writes else "GitPull",
                writes=request.writes,
            ).git
        except ServiceError as error:
            missing = error.code == "ResourceNotFoundException"
            status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.FORBIDDEN
            raise RefusedError(status, error.message) from error

    def pushed(
        self,
        request: GitRequest,
        repository: Repository,  # noqa: ARG002 - Host
        changes: list[Change],
    ) -> None:
        """Tell CodePipeline, as the provider's webhook does."""
        connection, match = self._connection(request)
        pipelines = cast("CodePipeline", self._service.aws.service("codepipeline"))
        self._service.aws.spawn(
            "provider webhook",
            functools.partial(
                pipelines.provider_pushed,
                provider=connection.provider,
                repository=match["repository"],
                changes=changes,
            ),
        )

    def _connection(self, request: GitRequest) -> tuple[Connection, re.Match[str]]:
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no repository at {request.path}")
        state: ConnectionState = self._service.state_of(match["account"], match["region"])
        connection = state.connections.get(match["id"])
        if connection is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"no connection {match['id']}")
        return connection, match


def _tags(connection: Connection) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in connection.tags.items()]
