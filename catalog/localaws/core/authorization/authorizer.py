"""The gateway's question to the policy engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from catalog.localaws.core.moto_bridge import MotoBridge
from catalog.localaws.core.service import Principal, Service
from catalog.localaws.core.wire import HttpRequest, Target

if TYPE_CHECKING:
    from catalog.localaws.core.local import LocalAws


class Authorizer:
    """Decides requests by IAM's rules."""

    def __init__(self, aws: LocalAws, *, services: Sequence[Service], moto: MotoBridge) -> None:
        self._aws = aws
        self._services = services
        self._moto = moto

    def check(
        self,
        request: HttpRequest,
        target: Target,
        principal: Principal,
        params: dict[str, Any],
        *,
        via: str,
    ) -> None:
        """Refuse a request that policies do not allow."""
