"""A fresh local AWS for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []


@pytest.fixture
def organization(aws: LocalAws) -> Organization:
    return build_organization(aws)
