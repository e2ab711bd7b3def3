"""Bundles, built once: of the catalog's own templates, and a small one to launch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from launch_account import Account, launchable_bundle

from catalog.bundles.build import build_bundles
from catalog.bundles.model import Bundle
from catalog.localaws import LocalAws
from catalog.localaws.organization import build_organization

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    return build_bundles(root=ROOT)


@pytest.fixture(scope="session")
def launchable(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return launchable_bundle(tmp_path_factory.mktemp("catalog"))


@pytest.fixture
def account(launchable: Bundle) -> Iterator[Account]:
    with LocalAws() as aws:
        yield Account(aws, build_organization(aws), launchable)
        assert aws.bugs == []
        assert aws.background_errors == []
