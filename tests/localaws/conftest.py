"""A fresh local AWS for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.localaws import LocalAws


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []
