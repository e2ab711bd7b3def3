"""Who a Git client is: the user name and password that `aws codecommit credential-helper` makes.

The user name is the access key id, with `%` and the session token behind it for temporary
credentials. The password is a time and an AWS Signature Version 4 over the method GIT, the
repository's path and the host (without the port), for the service codecommit.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from catalog.localaws.core.identity import Identities, Keys
from catalog.localaws.core.service import ServiceError
from catalog.localaws.git.http import GitRequest, RefusedError

# AWS accepts a signature for 15 minutes.
_VALID = timedelta(minutes=15)
_TIME = "%Y%m%dT%H%M%S"


def signature(*, secret_key: str, when: str, region: str, host: str, path: str) -> str:
    """Return the signature part of a password.

    Args:
        secret_key: the secret access key.
        region: the signature's region.
        host: of the repository's URL, without the port.
        path: of the repository's URL.
        when: `YYYYMMDDTHHMMSS`, UTC.
    """
    canonical = f"GIT\n{path}\n\nhost:{host}\n\nhost\n"
    scope = f"{when[:8]}/{region}/codecommit/aws4_request"
    text = "\n".join(
        ("AWS4-HMAC-SHA256", when, scope, hashlib.sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{secret_key}".encode()
    for part in (when[:8], region, "codecommit", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def who(request: GitRequest, *, identities: Identities, regions: Iterable[str]) -> Keys:
    """Return the keys that a Git client signed with.

    Args:
        request: what the client asked.
        identities: all access keys.
        regions: those the signature may be for. A client outside AWS's host names signs for its
            own default region, so more than the repository's is accepted.

    Raises:
        RefusedError: no login (UNAUTHORIZED), or a wrong one (FORBIDDEN).
    """
    if request.login is None:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "credentials are needed")
    access_key, _, token = request.login.user.partition("%")
    try:
        keys = identities.authenticate(access_key=access_key, token=token)
    except ServiceError as error:
        raise RefusedError(HTTPStatus.FORBIDDEN, error.message) from error
    when, _, given = request.login.password.partition("Z")
    if not _fresh(when):
        raise RefusedError(HTTPStatus.FORBIDDEN, "the signature has expired")
    for region in regions:
        expected = signature(
            secret_key=keys.secret_key,
            when=when,
            region=region,
            host=request.host,
            path=request.path,
        )
        if hmac.compare_digest(expected, given):
            return keys
    raise RefusedError(HTTPStatus.FORBIDDEN, "the signature does not match")


def _fresh(when: str) -> bool:
    try:
        signed = datetime.strptime(when, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - signed) <= _VALID
