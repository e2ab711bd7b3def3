"""Makes the runner importable from where its one source is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "templates" / "_shared"
sys.path[:0] = [str(SHARED), str(Path(__file__).parent)]

from runner_lab import Lab  # noqa: E402


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory in a folder of its own."""
    return Lab(tmp_path)
