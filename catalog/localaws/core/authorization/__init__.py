"""May this principal do this to that? A policy engine and the tables it needs."""

from __future__ import annotations

from catalog.localaws.core.authorization.authorizer import Authorizer

__all__ = ["Authorizer"]
