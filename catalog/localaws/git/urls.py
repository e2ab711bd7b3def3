"""Where the local AWS serves Git, and how AWS's own URLs map to it.

A user clones `http://localhost:PORT/codecommit/ACCOUNT/REGION/v1/repos/NAME`, and may read without
credentials. A build reaches the same repository under AWS's URL, which Git rewrites (insteadOf) to
the *strict* form: the host carries AWS's name in front of `.localhost`, so that
`aws codecommit credential-helper` takes it for AWS and finds the region in it, and every request
must be signed, as in AWS. Names under `.localhost` resolve to loopback (RFC 6761; curl does so
itself).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

CODECOMMIT_PREFIX = "/codecommit"
CONNECTIONS_PREFIX = "/codeconnections"
STRICT_SUFFIX = ".amazonaws.com.localhost"


@dataclass(frozen=True, kw_only=True)
class Remote:
    """One kind of Git URL that AWS has.

    Attributes:
        host: AWS's host name without the region and domain.
        aws_path: what follows the host in AWS's URL.
        prefix: the route on the local endpoint.
        per_account: the local path names account and region before `aws_path` (AWS's own tells
            the account from the credentials).
    """

    host: str
    aws_path: str
    prefix: str
    per_account: bool

    def aws_url(self, region: str) -> str:
        """Return AWS's URL up to the part that differs per repository."""
        return f"https://{self.host}.{region}.amazonaws.com{self.aws_path}"

    def path(self, *, account: str, region: str) -> str:
        """Return the path on the local endpoint that stands for `aws_path`."""
        owner = f"/{account}/{region}" if self.per_account else ""
        return f"{self.prefix}{owner}{self.aws_path}"

    def local_url(self, endpoint_url: str, *, account: str, region: str) -> str:
        """Return the URL that users of the local AWS see."""
        return endpoint_url + self.path(account=account, region=region)


CODECOMMIT = Remote(
    host="git-codecommit", aws_path="/v1/repos/", prefix=CODECOMMIT_PREFIX, per_account=True
)
CODECONNECTIONS = Remote(
    host="codeconnections", aws_path="/git-http/", prefix=CONNECTIONS_PREFIX, per_account=False
)
CODESTAR_CONNECTIONS = Remote(
    host="codestar-connections", aws_path="/git-http/", prefix=CONNECTIONS_PREFIX, per_account=False
)
REMOTES = (CODECOMMIT, CODECONNECTIONS, CODESTAR_CONNECTIONS)


def strict_url(endpoint_url: str, *, remote: Remote, account: str, region: str) -> str:
    """Return the URL under which every request must be signed."""
    port = urlsplit(endpoint_url).port
    path = remote.path(account=account, region=region)
    return f"http://{remote.host}.{region}{STRICT_SUFFIX}:{port}{path}"


def is_strict(host: str) -> bool:
    """Tell whether a request's Host header is the strict form."""
    return host.partition(":")[0].endswith(STRICT_SUFFIX)
