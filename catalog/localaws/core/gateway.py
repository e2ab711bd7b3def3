"""The one entry for every request, whichever way it came in: who, what, may they, do it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from catalog.localaws.core.authorization import Authorizer
from catalog.localaws.core.calls import CallLog, CallRecord, is_mutating
from catalog.localaws.core.faults import CallSite, ConnectionLost, Faults
from catalog.localaws.core.identity import Identities
from catalog.localaws.core.moto_bridge import MotoBridge, not_emulated
from catalog.localaws.core.protocol import parse_input, plain_error, serialise
from catalog.localaws.core.service import Call, Principal, Service, ServiceError
from catalog.localaws.core.validation import check_input, check_output
from catalog.localaws.core.wire import (
    HttpRequest,
    HttpResponse,
    Scope,
    Target,
    find_target,
    known_regions,
    read_scope,
)

if TYPE_CHECKING:
    from catalog.localaws.core.local import LocalAws

# Answered for whoever holds valid credentials; IAM is not asked.
_NEEDS_NO_PERMISSION = frozenset(
    {
        ("sts", "GetCallerIdentity"),
        ("sts", "GetSessionToken"),
        ("sts", "AssumeRole"),  # the service asks, since the role's trust policy decides too
        ("sts", "AssumeRoleWithWebIdentity"),
    }
)
ANONYMOUS = Principal(account="anonymous", arn="anonymous")


class EmulatorFault(AssertionError):
    """The local AWS itself is wrong: an answer outside AWS's model, or a crash."""


class Gateway:
    """Answers requests for one LocalAws. Thread-safe; holds no lock while a service runs."""

    def __init__(
        self,
        aws: LocalAws,
        *,
        services: Sequence[type[Service]],
        identities: Identities,
        moto: MotoBridge,
        faults: Faults,
        calls: CallLog,
        log: logging.Logger,
    ) -> None:
        self._aws = aws
        self.services: Mapping[str, Service] = {cls.name: cls(aws) for cls in services}
        self._identities = identities
        self._moto = moto
        self._faults = faults
        self._calls = calls
        self._log = log
        self.authorizer = Authorizer(aws, services=tuple(self.services.values()), moto=moto)
        self.faults_of_ours: list[EmulatorFault] = []
        self._lock = threading.Lock()

    def handle(self, request: HttpRequest, *, via: str = "") -> HttpResponse:
        """Answer one request.

        Args:
            request: as it came in.
            via: the AWS service (its principal) that makes this request on its caller's behalf.

        Raises:
            ConnectionLost: an injected network fault.
            Killed: an injected death of the caller.
            EmulatorFault: the local AWS broke AWS's model or crashed.
        """
        try:
            scope = read_scope(request)
            target = find_target(request, scope)
        except ServiceError as error:
            self._log.warning("%s %s: %s", request.method, request.path, error.message)
            return plain_error(error, request)
        if target.region not in known_regions():
            raise ConnectionLost(f"no such region: {target.region}", before_effect=True)
        started = time.monotonic()
        principal = ANONYMOUS
        code: str | None = None
        try:
            principal, response = self._authenticated(request, scope, target, via=via)
            code = _error_code(response)
        except ServiceError as error:
            code = error.code
            response = serialise(target, error)
        except BaseException as error:
            code = type(error).__name__
            raise
        finally:
            if principal is ANONYMOUS and (keys := self._identities.find(scope.access_key)):
                principal = keys.principal
            self._record(target, principal, code=code, started=started, via=via)
        return replace(response, body=b"") if request.method == "HEAD" else response

    def _authenticated(
        self, request: HttpRequest, scope: Scope, target: Target, *, via: str
    ) -> tuple[Principal, HttpResponse]:
        if scope.access_key:
            keys = self._identities.authenticate(access_key=scope.access_key, token=scope.token)
            principal, credentials = keys.principal, keys.environment()
        else:
            principal, credentials = ANONYMOUS, {}
        if via:
            return principal, self._answer(request, target, principal, credentials, via=via)
        site = self._site(target, principal)
        fault = self._faults.before(site)
        response = self._answer(request, target, principal, credentials, via=via)
        self._faults.after(fault, site)
        return principal, response

    def _answer(
        self,
        request: HttpRequest,
        target: Target,
        principal: Principal,
        credentials: dict[str, str],
        *,
        via: str,
    ) -> HttpResponse:
        service = self.services.get(target.service)
        method = getattr(service, xform_name(target.operation.name), None)
        if service is not None and method is None and not service.falls_back_to_moto:
            raise not_emulated(target)
        is_ours = service is not None and method is not None
        params = self._params(target, service, strict=is_ours)
        call = Call(
            service=target.service,
            operation=target.operation.name,
            account=principal.account,
            region=target.region,
            principal=principal,
            params=params,
            aws=self._aws,
            credentials=credentials,
            via=via,
        )
        try:
            self._authorize(target, principal, params, via=via)
            if service is None or method is None:
                if service is not None:
                    service.before_moto(call)
                account = principal.account
                # moto keeps the tags of objects with the account of the bucket.
                tagging = target.operation.name in ("GetObjectTagging", "PutObjectTagging")
                if (principal is ANONYMOUS or tagging) and (
                    bucket := self.authorizer.stored.bucket(str(params.get("Bucket", "")))
                ):
                    account = bucket.account
                return self._moto.dispatch(
                    request,
                    target,
                    account=account,
                    principal_is_anonymous=principal is ANONYMOUS,
                )
            result: dict[str, Any] = method(call) or {}
            check_output(target.operation, result, extra_enum_values=service.extra_enum_values)
            return serialise(target, result)
        except ServiceError:
            raise
        except Exception as error:
            raise self._own_fault(target, error) from error

    @staticmethod
    def _params(target: Target, service: Service | None, *, strict: bool) -> dict[str, Any]:
        try:
            params = parse_input(target)
        except ServiceError:
            if strict:
                raise
            return {}  # moto answers malformed bodies itself
        if strict and service is not None:
            check_input(target.operation, params, code=service.validation_code)
        return params

    def _authorize(
        self, target: Target, principal: Principal, params: dict[str, Any], *, via: str
    ) -> None:
        if (target.service, target.operation.name) in _NEEDS_NO_PERMISSION:
            return
        self.authorizer.check(target, principal, params, via=via)

    def _own_fault(self, target: Target, error: Exception) -> EmulatorFault:
        where = f"{target.service} {target.operation.name}"
        self._log.error("%s failed inside the local AWS", where, exc_info=error)
        fault = EmulatorFault(f"{where} failed inside the local AWS: {error!r}")
        with self._lock:
            self.faults_of_ours.append(fault)
        return fault

    def _site(self, target: Target, principal: Principal) -> CallSite:
        mutating = is_mutating(target.operation.name)
        number, mutating_number = self._faults.number(mutating=mutating)
        return CallSite(
            service=target.service,
            operation=target.operation.name,
            account=principal.account,
            region=target.region,
            principal=principal.arn,
            mutating=mutating,
            number=number,
            mutating_number=mutating_number,
        )

    def _record(
        self, target: Target, principal: Principal, *, code: str | None, started: float, via: str
    ) -> None:
        record = CallRecord(
            service=target.service,
            operation=target.operation.name,
            account=principal.account,
            region=target.region,
            principal=principal.arn,
            mutating=is_mutating(target.operation.name),
            error=code,
            started=started,
            seconds=time.monotonic() - started,
            internal=bool(via),
        )
        self._calls.add(record)
        self._log.info(
            "%s %s account=%s region=%s principal=%s%s -> %s %.1f ms",
            record.service,
            record.operation,
            record.account,
            record.region,
            record.principal,
            f" via={via}" if via else "",
            code or "ok",
            record.seconds * 1000,
        )


_CODE = re.compile(rb'"__type"\s*:\s*"(?:[^"]*#)?([^"]+)"|<Code>([^<]+)</Code>')


def _error_code(response: HttpResponse) -> str | None:
    """Return the error code in an answer of moto's, or its status; None for success."""
    if response.status < 400:
        return None
    found = _CODE.search(response.body)
    named = (found[1] or found[2]).decode() if found else ""
    header = next((v for k, v in response.headers.items() if k.lower() == "x-amzn-errortype"), "")
    return named or header.split(":")[0] or str(response.status)
