"""Access keys of the local AWS: who holds which, until when, and for which principal."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.localaws.core.moto_bridge import MotoBridge
from catalog.localaws.core.service import Principal, ServiceError

ACCOUNT = re.compile(r"^\d{12}$")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """One set of credentials.

    Attributes:
        token: session token of temporary credentials, else empty.
        expires: when they stop working; None for long-term keys.
    """

    access_key: str
    secret_key: str
    token: str
    principal: Principal
    expires: datetime | None

    def environment(self) -> dict[str, str]:
        """Return them as the environment variables that every AWS client reads."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        if self.token:
            variables["AWS_SESSION_TOKEN"] = self.token
        return variables


class Identities:
    """Issues access keys and tells whose they are. Thread-safe."""

    def __init__(self, moto: MotoBridge) -> None:
        self._moto = moto
        self._keys: dict[str, Keys] = {}
        self._lock = threading.Lock()

    def administrator(self, account: str) -> Keys:
        """Return the account's own long-term keys, the same on every call and in every process.

        Raises:
            ValueError: when `account` is not a 12-digit account id.
        """
        if not ACCOUNT.match(account):
            raise ValueError(f"{account!r} is not a 12-digit AWS account id.")
        access_key = f"AKIAROOT{account}"
        with self._lock:
            keys = self._keys.get(access_key)
            if keys is None:
                digest = hashlib.sha256(f"local-aws:{account}".encode()).digest()
                keys = Keys(
                    access_key=access_key,
                    secret_key=base64.b64encode(digest).decode()[:40],
                    token="",
                    principal=Principal(
                        account=account,
                        arn=f"arn:aws:iam::{account}:root",
                        access_key=access_key,
                        unique_id=account,
                    ),
                    expires=None,
                )
                self._keys[access_key] = keys
        return keys

    def issue_session(
        self,
        *,
        role_arn: str,
        role_id: str,
        session_name: str,
        seconds: int,
        session_policies: tuple[str, ...] = (),
        session_tags: Mapping[str, str] | None = None,
    ) -> Keys:
        """Issue temporary credentials for a session of `role_arn`."""
        account = role_arn.split(":")[4]
        role_name = role_arn.rsplit("/", 1)[-1]
        access_key = f"ASIA{_random(16)}"
        principal = Principal(
            account=account,
            arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
            role_arn=role_arn,
            access_key=access_key,
            unique_id=f"{role_id}:{session_name}",
            session_policies=session_policies,
            session_tags=dict(session_tags or {}),
        )
        return self._remember(principal, seconds=seconds)

    def issue_copy(self, principal: Principal, *, seconds: int) -> Keys:
        """Issue temporary credentials of the same principal (`sts:GetSessionToken`)."""
        access_key = f"ASIA{_random(16)}"
        copy = Principal(
            account=principal.account,
            arn=principal.arn,
            role_arn=principal.role_arn,
            access_key=access_key,
            unique_id=principal.unique_id,
            session_policies=principal.session_policies,
            session_tags=principal.session_tags,
        )
        return self._remember(copy, seconds=seconds)

    def _remember(self, principal: Principal, *, seconds: int) -> Keys:
        keys = Keys(
            access_key=principal.access_key,
            secret_key=secrets.token_urlsafe(30),
            token=secrets.token_urlsafe(96),
            principal=principal,
            expires=datetime.now(tz=UTC) + timedelta(seconds=seconds),
        )
        with self._lock:
            self._keys[keys.access_key] = keys
        return keys

    def authenticate(self, *, access_key: str, token: str) -> Keys:
        """Return the keys that a request was signed with.

        Raises:
            ServiceError: `InvalidClientTokenId` for an unknown key or a wrong session token,
                `ExpiredToken` for a session that has ended.
        """
        keys = self.find(access_key)
        if keys is None or keys.token != token:
            raise ServiceError(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                status=403,
            )
        if keys.expires is not None and datetime.now(tz=UTC) >= keys.expires:
            raise ServiceError(
                "ExpiredToken",
                "The security token included in the request is expired",
                status=403,
            )
        return keys

    def find(self, access_key: str) -> Keys | None:
        """Return keys by their id, those of IAM users included, or None."""
        with self._lock:
            keys = self._keys.get(access_key)
        if keys is None and re.fullmatch(r"AKIAROOT\d{12}", access_key):
            return self.administrator(access_key.removeprefix("AKIAROOT"))
        return keys or self._user_keys(access_key)

    def _user_keys(self, access_key: str) -> Keys | None:
        user = self._moto.user_of_access_key(access_key)
        if user is None:
            return None
        return Keys(
            access_key=access_key,
            secret_key=user.secret_key,
            token="",
            principal=Principal(
                account=user.account,
                arn=user.arn,
                access_key=access_key,
                unique_id=user.unique_id,
            ),
            expires=None,
        )

    def expire(self, access_key: str) -> None:
        """End a session now, as if its duration had passed."""
        with self._lock:
            keys = self._keys[access_key]
            self._keys[access_key] = Keys(
                access_key=keys.access_key,
                secret_key=keys.secret_key,
                token=keys.token,
                principal=keys.principal,
                expires=datetime.now(tz=UTC),
            )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
