"""The one door to moto: dispatches requests to its backends and reads its IAM state.

moto is used as a library: its request dispatcher is called directly and none of its patches of
boto3, `requests` or the environment is ever switched on.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.model_instances import reset_model_data

from catalog.localaws.core.service import ServiceError
from catalog.localaws.core.wire import HttpRequest, HttpResponse, Target

_AWS_POLICY = "arn:aws:iam::aws:policy/"


@dataclass(frozen=True, kw_only=True)
class UserOfKey:
    """The IAM user that owns an access key."""

    account: str
    arn: str
    unique_id: str
    secret_key: str


class MotoBridge:
    """Calls moto, one request at a time.

    moto's list operations iterate over dictionaries that other threads change, so every dispatch
    holds `lock`. Nothing of this project's own runs while it is held.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._stubber = BotocoreStubber()
        _leave_bucket_policies_to_the_gateway()

    def reset(self) -> None:
        """Forget every account's resources; moto's state is global to the process."""
        with self.lock:
            BackendDict.reset()
            reset_model_data()

    def dispatch(
        self,
        request: HttpRequest,
        target: Target,
        *,
        account: str,
        principal_is_anonymous: bool = False,
    ) -> HttpResponse:
        """Answer a request from moto's backends, as `account`.

        Raises:
            ServiceError: `NotEmulated` when moto lacks the operation.
        """
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            if name.lower() not in ("x-moto-account-id", "transfer-encoding", "expect"):
                headers[name] = value
        headers["x-moto-account-id"] = account
        if principal_is_anonymous:
            # Who may read what is decided by now; moto would ask the object's ACL.
            scope = f"AKIAANONYMOUS0000000/20260101/{target.region}/{target.service}/aws4_request"
            headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, Signature=none"
        url = str(target.request.environ["RAW_URI"])
        prepared = AWSPreparedRequest(request.method, url, headers, request.body, False)  # noqa: FBT003
        try:
            with self.lock:
                answer = self._stubber.process_request(prepared)
        except NotImplementedError as error:
            raise not_emulated(target) from error
        if answer is None:
            raise not_emulated(target)
        status, answer_headers, body = answer
        if status == 404 and body in ("", "Not yet implemented", b"") and request.method != "HEAD":
            raise not_emulated(target)
        return HttpResponse(
            status=int(status),
            headers=_plain(cast("Mapping[str, Any]", answer_headers)),
            body=body.encode() if isinstance(body, str) else bytes(body),
        )

    def know_managed_policies(self, params: Mapping[str, Any], *, account: str) -> None:
        """Make the AWS managed policies that an IAM request names known in the account.

        moto would load all 1,400 of them into every account, or none.
        """
        arns = [v for v in params.values() if isinstance(v, str) and v.startswith(_AWS_POLICY)]
        if not arns:
            return
        from moto.iam.models import AWSManagedPolicy, iam_backends  # noqa: PLC0415 - first use

        with self.lock:
            policies = iam_backends[account]["aws"].managed_policies
            for arn in arns:
                name = arn.rsplit("/", 1)[-1]
                data = _aws_managed_policies().get(name)
                if arn not in policies and data is not None:
                    policy = AWSManagedPolicy.from_data(name, account, "us-east-1", data)
                    policies[policy.arn] = policy

    def user_of_access_key(self, access_key: str) -> UserOfKey | None:
        """Return the IAM user that owns `access_key`, in whichever account."""
        from moto.iam.models import iam_backends  # noqa: PLC0415 - imported on first use: 0.1 s

        with self.lock:
            for account, partitions in list(iam_backends.items()):
                key = partitions["aws"].access_keys.get(access_key)
                if key is None or not key.user_name:
                    continue
                user = partitions["aws"].users.get(key.user_name)
                if user is not None:
                    return UserOfKey(
                        account=account,
                        arn=user.arn,
                        unique_id=user.id,
                        secret_key=key.secret_access_key,
                    )
        return None


def _leave_bucket_policies_to_the_gateway() -> None:
    """Stop moto from judging bucket policies: without conditions, "deny plain HTTP" denies all.

    Authorisation, conditions included, is the gateway's.
    """
    from moto.iam.access_control import PermissionResult  # noqa: PLC0415 - first use only
    from moto.s3.models import FakeBucket  # noqa: PLC0415 - first use only

    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL


def not_emulated(target: Target) -> ServiceError:
    """Return the error for an operation that neither this project nor moto has."""
    return ServiceError(
        "NotEmulated",
        f"The local AWS does not emulate {target.service} {target.operation.name}. "
        "docs/local-aws.md lists what it does; add the operation to the service's class under "
        "catalog/localaws/, or run this against a real account.",
        status=501,
    )


@functools.cache
def _aws_managed_policies() -> dict[str, Any]:
    from moto.iam.aws_managed_policies import (  # noqa: PLC0415 - 3 MB, first use only
        aws_managed_policies_data,
    )

    return cast("dict[str, Any]", json.loads(aws_managed_policies_data))


def _plain(headers: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers.items() if name.lower() != "status"}
