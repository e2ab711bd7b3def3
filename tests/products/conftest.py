"""Bundles of the catalog's own templates, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.bundles.build import build_bundles
from catalog.bundles.model import Bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    return build_bundles(root=ROOT)
