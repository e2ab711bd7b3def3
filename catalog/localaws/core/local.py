"""The embedded local AWS: what starts it, what it is made of, how clients reach it.

INTERFACE (implemented in this room; other rooms code against these signatures).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3


class LocalAws:
    """An organisation of AWS accounts in this process, reachable in-process and over HTTP.

    Use as a context manager. One at a time per process: moto's state is global.

    Args:
        port: loopback TCP port of the HTTP endpoint; 0 picks a free one.
        work_dir: where repositories, builds and logs live; a temporary folder by default.
        faults: latency, throttling, lost responses, kills (see core/faults.py).
        switches: AWS behaviours nobody documents, such as `imported_product_tags`.
    """

    endpoint_url: str  # "http://localhost:PORT"
    work_dir: Path

    def session(
        self, *, account: str, region: str | None = None, role_arn: str | None = None
    ) -> boto3.Session:
        """Return a boto3 session whose clients reach this AWS in-process, without HTTP.

        Without `role_arn`, the account's administrator; with it, an assumed-role session (the
        trust policy is not asked: this is the test's own back door).
        """
        raise NotImplementedError

    def credentials(self, *, account: str, role_arn: str | None = None) -> dict[str, str]:
        """Return AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) for subprocesses."""
        raise NotImplementedError

    def client_as(self, credentials: dict[str, str], service: str, *, region: str) -> Any:
        """Return an in-process boto3 client that signs with `credentials` (authorised as that principal)."""
        raise NotImplementedError

    def assume_as_service(self, role_arn: str, *, service_principal: str, session_name: str) -> dict[str, str]:
        """Return a role's credentials for an AWS service (`codebuild.amazonaws.com`).

        Raises:
            ServiceError: `AccessDenied`, when the role does not exist or its trust policy does not
                name the service.
        """
        raise NotImplementedError

    def emit(self, *, account: str, region: str, source: str, detail_type: str, detail: dict[str, Any], resources: list[str] | None = None) -> None:
        """Put an AWS service event on the account's default bus, in the background."""
        raise NotImplementedError
