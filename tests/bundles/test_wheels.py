"""The lock of the seeding build follows this project's own, and its sets hold what it names."""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename

from catalog.bundles.wheels import (
    BUILD_IMAGE_SETS,
    LOCK_FILE,
    build_wheel_set,
    host_wheel_set,
    locked,
    wheel_set_key,
    wheels_prefix,
)
from catalog.errors import WheelsUnavailable
from catalog.products.build_environment import PYTHON

ROOT = Path(__file__).resolve().parents[2]


def test_seeding_renders_with_the_versions_of_this_project() -> None:
    requirements = [requirement for requirement, _ in locked(LOCK_FILE.read_text())]
    assert "copier" in {requirement.name for requirement in requirements}
    for requirement in requirements:
        assert requirement.specifier.contains(importlib.metadata.version(requirement.name)), (
            f"{requirement}: run `python scripts/lock_seeding.py`"
        )


def test_everything_in_the_lock_is_pinned_by_hash() -> None:
    for requirement, hashes in locked(LOCK_FILE.read_text()):
        assert [specifier.operator for specifier in requirement.specifier] == ["=="]
        assert hashes
        assert all(value.startswith("sha256:") and len(value) == 71 for value in hashes)


def test_the_hosts_set_holds_the_lock_and_one_wheel_for_each_package() -> None:
    tag, platform = host_wheel_set()
    path = build_wheel_set(python_tag=tag, platform=platform, cache_dir=ROOT / ".cache")

    with zipfile.ZipFile(path) as content:
        names = content.namelist()
        assert content.read("requirements.txt") == LOCK_FILE.read_bytes()
    packages = [parse_wheel_filename(name)[0] for name in names if name.endswith(".whl")]
    applying = [
        canonicalize_name(requirement.name)
        for requirement, _ in locked(LOCK_FILE.read_text())
        if requirement.marker is None or requirement.marker.evaluate()
    ]
    assert sorted(packages) == sorted(applying)


def test_the_build_images_python_has_a_set() -> None:
    assert f"cp{PYTHON.replace('.', '')}" in {tag for tag, _ in BUILD_IMAGE_SETS}
    assert wheel_set_key(python_tag="cp312", platform="linux_x86_64").startswith(wheels_prefix())


@pytest.mark.parametrize(("tag", "platform"), [("cp27", "linux_x86_64"), ("cp312", "win_amd64")])
def test_other_targets_are_refused(tag: str, platform: str, tmp_path: Path) -> None:
    with pytest.raises(WheelsUnavailable, match="There is no wheel set"):
        build_wheel_set(python_tag=tag, platform=platform, cache_dir=tmp_path)
