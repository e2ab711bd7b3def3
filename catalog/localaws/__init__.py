"""An embedded local AWS for tests and the demo: a test double with a contract."""

from __future__ import annotations

from catalog.localaws.core.local import LocalAws

__all__ = ["LocalAws"]
