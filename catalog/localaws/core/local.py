"""The embedded local AWS: starting it, its credentials, and what its services share."""

from __future__ import annotations

import functools
import logging
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import boto3

from catalog.errors import LocalAwsError
from catalog.localaws.core.authorization import Authorizer
from catalog.localaws.core.background import Background
from catalog.localaws.core.calls import CallLog
from catalog.localaws.core.clients import Clients
from catalog.localaws.core.faults import Faults, Killed, Switches
from catalog.localaws.core.gateway import EmulatorFault, Gateway
from catalog.localaws.core.identity import Identities
from catalog.localaws.core.moto_bridge import MotoBridge
from catalog.localaws.core.server import HttpServer
from catalog.localaws.core.service import Service

if TYPE_CHECKING:
    from catalog.localaws.organizations.model import OrganizationView
    from catalog.localaws.organizations.service import Organizations
    from catalog.localaws.sts.service import Sts

DEFAULT_REGION = "us-east-1"


class LocalAws:
    """An organisation of AWS accounts in this process, reachable in-process and over HTTP.

    Use as a context manager. One at a time per process: moto's state is global, and starting
    forgets what an earlier one held.

    Args:
        port: loopback TCP port of the HTTP endpoint; 0 picks a free one on first use.
        work_dir: where repositories, builds and logs live; a temporary folder, removed on stop,
            by default.
        faults: latency, throttling, lost responses, kills.
        switches: AWS behaviours that are documented nowhere.
        services: the emulated services; those of `catalog.localaws.services` by default.

    Attributes:
        faults: may be changed while it runs.
        switches: may be changed while it runs.
        calls: every request answered.
    """

    _running: ClassVar[LocalAws | None] = None
    _running_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        *,
        port: int = 0,
        work_dir: Path | None = None,
        faults: Faults | None = None,
        switches: Switches | None = None,
        services: Sequence[type[Service]] | None = None,
    ) -> None:
        self._port = port
        self._given_work_dir = work_dir
        self.faults = faults or Faults()
        self.switches = switches or Switches()
        self.calls = CallLog()
        self._service_classes = services
        self._server: HttpServer | None = None
        self._server_lock = threading.Lock()
        self._killed = threading.Event()

    # Starting and stopping

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start with no resources in any account.

        Raises:
            LocalAwsError: when one already runs in this process, or the port is taken.
        """
        with self._running_lock:
            if LocalAws._running is not None:
                raise LocalAwsError(
                    "A local AWS is already running in this process.",
                    next_step="Stop it first: its state is shared by the whole process.",
                )
            LocalAws._running = self
        try:
            self._start()
        except BaseException:
            LocalAws._running = None
            raise
        return self

    def _start(self) -> None:
        if self._given_work_dir is None:
            self.work_dir = Path(tempfile.mkdtemp(prefix="local-aws-"))
        else:
            self.work_dir = self._given_work_dir
            self.work_dir.mkdir(parents=True, exist_ok=True)
        self.log_file = self.work_dir / "local-aws.log"
        # Not in the registry of loggers: each local AWS has its own, gone with it.
        self._log = logging.Logger(f"local-aws-{id(self)}", level=logging.INFO)  # noqa: LOG001
        self._log_handler = logging.FileHandler(self.log_file, delay=True)
        self._log_handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s")
        )
        self._log.addHandler(self._log_handler)
        self._background = Background(self._log)
        self._moto = MotoBridge()
        self._moto.reset()
        self.identities = Identities(self._moto)
        if self._service_classes is None:
            from catalog.localaws.services import SERVICES  # noqa: PLC0415 - they import this module

            self._service_classes = SERVICES
        self._gateway = Gateway(
            self,
            services=self._service_classes,
            identities=self.identities,
            moto=self._moto,
            faults=self.faults,
            calls=self.calls,
            log=self._log,
        )
        self._clients = Clients(self._gateway)
        if self._port:
            self._serve()

    def stop(self) -> None:
        """Stop serving, end and join background work, and forget every resource."""
        if LocalAws._running is not self:
            return
        try:
            if self._server is not None:
                self._server.stop()
            left = self._background.stop()
            if left:
                self._log.error("still running at stop: %s", ", ".join(left))
            for service in self._gateway.services.values():
                service.stop()
            self._moto.reset()
        finally:
            self._log_handler.close()
            if self._given_work_dir is None:
                shutil.rmtree(self.work_dir, ignore_errors=True)
            LocalAws._running = None

    def serve_forever(self) -> None:
        """Serve HTTP until interrupted (SIGINT) or killed by an injected fault."""
        self._serve()
        try:
            self._killed.wait()
        except KeyboardInterrupt:
            self._log.info("interrupted")

    def _serve(self) -> HttpServer:
        with self._server_lock:
            if self._server is None:
                routes: dict[str, Any] = {}
                for service in self._gateway.services.values():
                    routes.update(service.http_routes())
                try:
                    self._server = HttpServer(
                        handle=self._gateway.handle,
                        routes=routes,
                        port=self._port,
                        on_killed=self._on_killed,
                        log=self._log,
                    )
                except OSError as error:
                    raise LocalAwsError(
                        f"Port {self._port} of the loopback interface cannot be used: {error}.",
                        next_step="Stop what holds it, or choose another with --port.",
                    ) from error
            return self._server

    def _on_killed(self, _: Killed) -> None:
        self._killed.set()

    @property
    def endpoint_url(self) -> str:
        """`http://localhost:PORT`, for AWS_ENDPOINT_URL; serving starts on first use.

        The host name is `localhost` and not an address: CloudFormation's clients tell template
        URLs by it.
        """
        return f"http://localhost:{self._serve().port}"

    # Credentials and clients

    def credentials(
        self, *, account: str, role_arn: str | None = None, session_name: str = "local-aws"
    ) -> dict[str, str]:
        """Return AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN).

        Args:
            account: whose administrator (root) keys, when no role is given.
            role_arn: a role to hold a session of; its trust policy is not asked.
            session_name: the session's name, part of its ARN.

        Raises:
            ServiceError: `AccessDenied` when the role does not exist.
        """
        if role_arn is None:
            return self.identities.administrator(account).environment()
        keys = self._sts.session_of(role_arn, session_name=session_name)
        return keys.environment()

    def session(
        self,
        *,
        account: str,
        region: str | None = None,
        role_arn: str | None = None,
        session_name: str = "local-aws",
    ) -> boto3.Session:
        """Return a boto3 session whose clients reach this AWS in-process, without HTTP.

        Without `role_arn`, the account's administrator; with it, an assumed-role session (the
        trust policy is not asked: this is the test's own back door).
        """
        credentials = self.credentials(
            account=account, role_arn=role_arn, session_name=session_name
        )
        return self._clients.session(credentials, region=region or DEFAULT_REGION)

    def session_as(self, credentials: dict[str, str], *, region: str) -> boto3.Session:
        """Return an in-process session that signs with `credentials`."""
        return self._clients.session(credentials, region=region)

    def client_as(
        self,
        credentials: dict[str, str],
        service: str,
        *,
        region: str,
        via: str = "local-aws.internal",
    ) -> Any:
        """Return an in-process client that signs with `credentials`, cached and thread-safe.

        For emulated services that act on someone's behalf: its calls are authorised as that
        principal, logged as internal, and neither delayed nor hit by injected faults.

        Args:
            credentials: as `Call.credentials` or `assume_as_service` give them.
            service: botocore's name.
            region: where.
            via: the service principal that calls; becomes `aws:CalledVia` and `kms:ViaService`.
        """
        return self._clients.client(credentials, service, region=region, via=via)

    def assume_as_service(
        self,
        role_arn: str,
        *,
        service_principal: str,
        session_name: str,
        source_account: str | None = None,
        source_arn: str | None = None,
    ) -> dict[str, str]:
        """Return a role's credentials for an AWS service.

        Args:
            role_arn: the role.
            service_principal: such as `codebuild.amazonaws.com`.
            session_name: the session's name.
            source_account: `aws:SourceAccount` in the trust policy's conditions; the role's own
                account by default.
            source_arn: `aws:SourceArn` in the trust policy's conditions.

        Raises:
            ServiceError: `AccessDenied`, when the role does not exist or its trust policy does not
                name the service.
        """
        keys = self._sts.assume_as_service(
            role_arn,
            service_principal=service_principal,
            session_name=session_name,
            source_account=source_account,
            source_arn=source_arn,
        )
        return keys.environment()

    @property
    def _sts(self) -> Sts:
        return cast("Sts", self._gateway.services["sts"])

    @property
    def organizations(self) -> OrganizationView:
        """What services ask about accounts, OUs and delegated administrators."""
        return cast("Organizations", self._gateway.services["organizations"]).view

    @property
    def authorizer(self) -> Authorizer:
        """The policy engine, for what is not an API request: `aws.authorizer.demand(...)`."""
        return self._gateway.authorizer

    @property
    def services(self) -> tuple[Service, ...]:
        """The running emulated services."""
        return tuple(self._gateway.services.values())

    def service(self, name: str) -> Service:
        """Return the running emulated service of that botocore name."""
        return self._gateway.services[name]

    @property
    def bugs(self) -> list[EmulatorFault]:
        """Crashes and answers outside AWS's models so far; empty unless the local AWS is wrong."""
        return list(self._gateway.faults_of_ours)

    # Events and background work

    def emit(
        self,
        *,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str] | None = None,
    ) -> None:
        """Put an AWS service event on the account's default bus, in the background."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": list(resources or []),
            "detail": detail,
        }
        self.publish(event)

    def publish(self, event: dict[str, Any]) -> None:
        """Hand an event in EventBridge's form to every service that listens, in the background."""
        for service in self._gateway.services.values():
            if type(service).on_event is not Service.on_event:
                self.spawn(f"event to {service.name}", functools.partial(service.on_event, event))

    def spawn(self, name: str, function: Callable[[], object]) -> threading.Thread:
        """Run `function` in a background thread that `stop` joins; errors go to the log."""
        return self._background.spawn(name, function)

    def pause(self, seconds: float | None = None) -> bool:
        """Sleep in background work: `faults.transition_seconds` by default.

        Returns:
            False when the local AWS stops meanwhile; the work should then return.
        """
        return self._background.pause(
            self.faults.transition_seconds if seconds is None else seconds
        )

    @property
    def stopping(self) -> threading.Event:
        """Set once `stop` is called; long background work should watch it."""
        return self._background.stopping

    def settle(self, *, timeout: float = 30.0) -> bool:
        """Wait until no background work is left."""
        return self._background.settle(timeout=timeout)

    @property
    def background_errors(self) -> list[tuple[str, BaseException]]:
        """What background work raised so far, with its name."""
        return list(self._background.errors)

    @property
    def log(self) -> logging.Logger:
        """The log of this local AWS; it goes to `log_file`, never to the terminal."""
        return self._log

    @staticmethod
    def wait(predicate: Callable[[], bool], timeout: float = 30.0) -> bool:
        """Poll `predicate` until it holds; False when it still does not after `timeout`."""
        deadline = time.monotonic() + timeout
        delay = 0.005
        while not predicate():
            if time.monotonic() >= deadline:
                return False
            time.sleep(delay)
            delay = min(delay * 1.5, 0.1)
        return True
