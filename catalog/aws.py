"""The only way out to AWS: sessions, assumed roles, clients, retries, pacing and errors.

Everything that talks to AWS calls `Aws.call`. It paces the request, lets botocore retry what is
transient, and turns a refusal into an error that names account, region, operation and action.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import boto3
import botocore.exceptions as botocore_errors
from botocore.config import Config

from catalog import __version__
from catalog.errors import (
    AccessDeniedError,
    AwsCallFailed,
    CatalogError,
    CredentialsError,
    Location,
    QuotaExceeded,
    UnreachableAccount,
)
from catalog.pacing import Bucket, Pace

SessionFactory = Callable[[dict[str, str], str], boto3.Session]
"""Makes a session of assumed-role credentials (`aws_access_key_id`, ...) for a region."""

# botocore.retries.standard.ThrottledRetryableChecker, which is private.
_THROTTLING = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
}
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "NotAuthorizedException",
    "Forbidden",
    "403",
}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidSignatureException",
}
_QUOTA = {
    "LimitExceededException",
    "LimitExceeded",
    "TooManyBuckets",
    "ServiceQuotaExceededException",
}
# Where the IAM action is not named as the operation (Service Authorization Reference, Amazon S3).
_ACTIONS = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "PutBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "PutPublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
}
_RENEW_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whom the base credentials belong to.

    Attributes:
        account: 12-digit account id.
        arn: of the user or assumed role.
        partition: `aws`, `aws-cn`, ...
    """

    account: str
    arn: str
    partition: str


@dataclass
class _Assumed:
    session: boto3.Session
    expires: datetime | None


def error_code(error: BaseException) -> str:
    """Return AWS's error code behind an error, or an empty string."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, botocore_errors.ClientError):
            return str(cause.response.get("Error", {}).get("Code", ""))
        cause = cause.__cause__
    return ""


class Aws:
    """Calls AWS in many accounts and regions; share one between all threads.

    Args:
        session: base session; the default credential chain when None.
        role_for: names the role to assume in an account, or None to use the base credentials.
            An account other than the base credentials' own needs a role.
        session_factory: makes sessions of assumed-role credentials. Tests give one whose clients
            reach a local AWS in the same process.
        pace: bounds of the token buckets.
        max_attempts: tries per call, the first included, with botocore's jittered backoff.
    """

    def __init__(
        self,
        *,
        session: boto3.Session | None = None,
        role_for: Callable[[str], str | None] | None = None,
        session_factory: SessionFactory | None = None,
        pace: Pace | None = None,
        max_attempts: int = 6,
    ) -> None:
        self._session = session or boto3.Session()
        self._role_for = role_for or (lambda _account: None)
        self._session_factory = session_factory or _new_session
        self._pace = pace or Pace()
        # "standard", not "adaptive": adaptive mode paces per client, unaware of its siblings, and
        # the buckets here do that job for all clients of an account, region and service.
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=64,
            user_agent_extra=f"sagemaker-template-catalog/{__version__}",
        )
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._account_locks: dict[str, threading.RLock] = {}
        self._assumed: dict[str, _Assumed] = {}
        self._identity: Identity | None = None
        self.calls: Counter[tuple[str, str, str, str]] = Counter()
        """Requests sent, retries included, by (account, region, service, operation)."""

    def identity(self, *, region: str | None = None) -> Identity:
        """Return whom the base credentials belong to.

        Args:
            region: where to ask, if it must be asked: a region that is down must not keep the
                others from being served.

        Raises:
            CredentialsError: there are none, or they have expired.
        """
        with self._lock:
            if self._identity is None:
                self._identity = self._ask_identity(
                    region or self._session.region_name or "us-east-1"
                )
            return self._identity

    def call(
        self, *, account: str, region: str, service: str, operation: str, **params: Any
    ) -> dict[str, Any]:
        """Call one operation.

        Args:
            account: 12-digit account id.
            region: AWS region.
            service: botocore's service name.
            operation: its boto3 method name, such as `create_portfolio`.
            **params: the operation's input.

        Raises:
            CatalogError: one of CredentialsError, AccessDeniedError, UnreachableAccount,
                QuotaExceeded, AwsCallFailed. `error_code` returns AWS's code.
        """
        client = self.client(account=account, region=region, service=service)
        try:
            result: dict[str, Any] = getattr(client, operation)(**params)
        except (botocore_errors.BotoCoreError, botocore_errors.ClientError) as error:
            name = client.meta.method_to_api_mapping.get(operation, operation)
            raise_translated(error, service=service, operation=name, account=account, region=region)
        return result

    def pages(
        self,
        *,
        account: str,
        region: str,
        service: str,
        operation: str,
        result: str,
        **params: Any,
    ) -> Iterator[Any]:
        """Yield the items of a Service Catalog list, page by page.

        botocore has no paginator for some of them (DescribePortfolioShares).

        Args:
            account: 12-digit account id.
            region: AWS region.
            service: botocore's service name.
            operation: boto3 method name.
            result: output member that holds the items.
            **params: the operation's input.
        """
        token: str | None = None
        while True:
            more = {"PageToken": token} if token else {}
            page = self.call(
                account=account,
                region=region,
                service=service,
                operation=operation,
                **params,
                **more,
            )
            yield from page.get(result) or ()
            token = page.get("NextPageToken")
            if not token:
                return

    def client(self, *, account: str, region: str, service: str) -> Any:
        """Return the boto3 client of an account, region and service, made once.

        Raises:
            CredentialsError: no usable base credentials.
            UnreachableAccount: the account's role cannot be assumed.
        """
        key = (account, region, service)
        with self._lock:
            account_lock = self._account_locks.setdefault(account, threading.RLock())
        # One account waits for its own AssumeRole only.
        with account_lock:
            session, renewed = self._session_of(account, region)
            if renewed:
                for old in [k for k in list(self._clients) if k[0] == account]:
                    del self._clients[old]
            if key not in self._clients:
                client = self._make(session, service, region)
                self._watch(client, key)
                self._clients[key] = client
            return self._clients[key]

    def _make(self, session: boto3.Session, service: str, region: str) -> Any:
        maker: Any = session
        # boto3 sessions are not thread-safe; clients are.
        with self._lock:
            return maker.client(service, region_name=region, config=self._config)

    def bucket(self, *, account: str, region: str, service: str) -> Bucket:
        """Return the token bucket that paces an account, region and service."""
        with self._lock:
            return self._buckets.setdefault((account, region, service), Bucket(pace=self._pace))

    def mutating_calls(self) -> dict[str, int]:
        """Return how many requests that change something were sent, by `service:Operation`."""
        found: Counter[str] = Counter()
        for (_, _, service, operation), count in self.calls.items():
            if not operation.startswith(("Get", "List", "Describe", "Head", "Search", "Scan")) and (
                service != "sts"
            ):
                found[f"{service}:{operation}"] += count
        return dict(found)

    def _watch(self, client: Any, key: tuple[str, str, str]) -> None:
        bucket = self.bucket(account=key[0], region=key[1], service=key[2])

        def before_send(event_name: str, **_: Any) -> None:
            operation = event_name.rpartition(".")[2]
            with self._lock:
                self.calls[(*key, operation)] += 1
            bucket.take()

        def needs_retry(response: Any, **_: Any) -> None:
            parsed = response[1] if response else None
            if isinstance(parsed, dict) and parsed.get("Error", {}).get("Code") in _THROTTLING:
                bucket.throttled()

        # First in line: an in-process AWS answers from this same event and ends it.
        client.meta.events.register_first("before-send.*.*", before_send)
        client.meta.events.register_first("needs-retry.*.*", needs_retry)

    def _session_of(self, account: str, region: str) -> tuple[boto3.Session, bool]:
        role = self._role_for(account)
        if role is None:
            identity = self.identity(region=region)
            if identity.account != account:
                raise UnreachableAccount(
                    f"the credentials belong to account {identity.account} ({identity.arn}) and "
                    "no role is configured to reach this one",
                    where=Location(account=account, region=region),
                    next_step="Use credentials of the account, or set hub.publisher_role.",
                )
            return self._session, False
        assumed = self._assumed.get(account)
        now = datetime.now(UTC)
        if assumed and (assumed.expires is None or assumed.expires - now > _RENEW_BEFORE):
            return assumed.session, False
        self._assumed[account] = self._assume(account, region, role)
        return self._assumed[account].session, assumed is not None

    def _assume(self, account: str, region: str, role: str) -> _Assumed:
        arn = f"arn:{self.identity(region=region).partition}:iam::{account}:role/{role}"
        sts = self._make(self._session, "sts", region)
        try:
            answer = sts.assume_role(RoleArn=arn, RoleSessionName="sagemaker-template-catalog")
        except (botocore_errors.BotoCoreError, botocore_errors.ClientError) as error:
            if error_code(error) not in _DENIED:
                raise_translated(
                    error, service="sts", operation="AssumeRole", account=account, region=region
                )
            raise UnreachableAccount(
                f"{self.identity().arn} may not assume {arn}",
                where=Location(account=account, region=region),
                next_step="Check that the role exists, that its trust policy names the caller and "
                "that the caller may sts:AssumeRole on it.",
            ) from error
        raw = answer["Credentials"]
        credentials = {
            "aws_access_key_id": raw["AccessKeyId"],
            "aws_secret_access_key": raw["SecretAccessKey"],
            "aws_session_token": raw["SessionToken"],
        }
        expires = raw.get("Expiration")
        return _Assumed(
            session=self._session_factory(credentials, region),
            expires=expires if isinstance(expires, datetime) else None,
        )

    def _ask_identity(self, region: str) -> Identity:
        try:
            sts = self._make(self._session, "sts", region)
            answer = sts.get_caller_identity()
        except (botocore_errors.BotoCoreError, botocore_errors.ClientError) as error:
            raise_translated(
                error, service="sts", operation="GetCallerIdentity", account=None, region=region
            )
        return Identity(
            account=answer["Account"],
            arn=answer["Arn"],
            partition=answer["Arn"].split(":")[1],
        )


def _new_session(credentials: dict[str, str], region: str) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=credentials["aws_access_key_id"],
        aws_secret_access_key=credentials["aws_secret_access_key"],
        aws_session_token=credentials["aws_session_token"],
        region_name=region,
    )


def raise_translated(
    error: Exception, *, service: str, operation: str, account: str | None, region: str
) -> NoReturn:
    """Raise the catalog error that says what a botocore error means to the user."""
    raise _translated(
        error, service, operation, Location(account=account, region=region)
    ) from error


def _translated(error: Exception, service: str, operation: str, where: Location) -> CatalogError:
    if not isinstance(error, botocore_errors.ClientError):
        return _without_answer(error, service, operation, where)
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in _DENIED:
        named = re.search(r"not authorized to perform:?\s*([\w-]+:\w+)", text)
        action = named[1] if named else _ACTIONS.get((service, operation), f"{service}:{operation}")
        return AccessDeniedError(
            f"{service} {operation} refused: {action} is not allowed ({text})",
            where=where,
            next_step=f"Allow {action} to the publishing role in account {where.account}.",
        )
    if code in _BAD_CREDENTIALS:
        return CredentialsError(
            f"{service} {operation}: the credentials are expired or unknown ({code})",
            where=where,
            next_step="Sign in again and rerun; what is done stays done.",
        )
    if code in _QUOTA:
        return QuotaExceeded(
            f"{service} {operation}: {text}",
            where=where,
            next_step="Ask for a higher quota in Service Quotas, or publish less here.",
        )
    if code in _THROTTLING:
        return AwsCallFailed(
            f"{service} {operation} is still throttled after all retries",
            where=where,
            next_step="Run it again; what is done stays done.",
        )
    return AwsCallFailed(f"{service} {operation}: {code}: {text}", where=where)


def _without_answer(
    error: Exception, service: str, operation: str, where: Location
) -> CatalogError:
    if isinstance(
        error,
        botocore_errors.NoCredentialsError
        | botocore_errors.PartialCredentialsError
        | botocore_errors.CredentialRetrievalError
        | botocore_errors.TokenRetrievalError
        | botocore_errors.UnauthorizedSSOTokenError
        | botocore_errors.ProfileNotFound,
    ):
        return CredentialsError(
            f"{service} {operation}: {error}",
            where=where,
            next_step="Sign in (aws sso login, AWS_PROFILE, or the CI's OIDC role) and rerun.",
        )
    if isinstance(
        error,
        botocore_errors.HTTPClientError
        | botocore_errors.ConnectionError
        | botocore_errors.EndpointConnectionError,
    ):
        return UnreachableAccount(
            f"{service} {operation}: no answer ({error})",
            where=where,
            next_step="Check the network and that the region is enabled, then rerun.",
        )
    return AwsCallFailed(f"{service} {operation}: {error}", where=where)
