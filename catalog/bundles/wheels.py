"""Wheel sets: Copier and what it needs, per Python and platform, pinned by one hash lock.

The seeding build has no package index. It takes `<prefix>/<python tag>-<platform>.zip` from the
assets bucket and installs from it with every hash checked. Sets are assets of their own: the
prefix is the lock's hash, so that a dependency bump changes no template's digest.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
import venv
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement

from catalog.bundles.seed import archive
from catalog.bundles.tree import PLAIN, TreeFile
from catalog.errors import Location, WheelsUnavailable
from catalog.products import seeding
from catalog.products.seeding.copier_environment import LOCK, platform_tag, python_tag

LOCK_FILE = Path(seeding.__file__).parent / "locks" / LOCK

BUILD_IMAGE_SETS = (
    ("cp311", "linux_x86_64"),
    ("cp312", "linux_x86_64"),
    ("cp313", "linux_x86_64"),
)
"""What the CodeBuild image that seeds (`build_environment.IMAGE`) can run."""

_PIP_PLATFORMS = {
    "linux_x86_64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "linux_aarch64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "macosx_arm64": ("macosx_14_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64"),
    "macosx_x86_64": ("macosx_12_0_x86_64", "macosx_11_0_x86_64", "macosx_10_12_x86_64"),
}


def wheels_prefix() -> str:
    """Return the key prefix of the wheel sets, `wheels/<sha256 of the lock>`."""
    return f"wheels/{hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()}"


def host_wheel_set() -> tuple[str, str]:
    """Return the Python tag and platform of this machine, which local builds run on."""
    return python_tag(), platform_tag()


def wheel_set_key(*, python_tag: str, platform: str) -> str:
    """Return the S3 key of a wheel set."""
    return f"{wheels_prefix()}/{python_tag}-{platform}.zip"


def build_wheel_set(*, python_tag: str, platform: str, cache_dir: Path) -> Path:
    """Return a wheel set, downloading by hash what is not in the cache yet.

    Args:
        python_tag: `cp311`, `cp312`, ...
        platform: `linux_x86_64`, `linux_aarch64`, `macosx_arm64` or `macosx_x86_64`.
        cache_dir: folder that keeps finished sets.

    Raises:
        WheelsUnavailable: an unknown target, or wheels that cannot be downloaded.
    """
    target = cache_dir / wheel_set_key(python_tag=python_tag, platform=platform)
    if target.is_file():
        return target
    match = re.fullmatch(r"cp3(\d{1,2})", python_tag)
    if match is None or platform not in _PIP_PLATFORMS:
        raise WheelsUnavailable(
            f"There is no wheel set for {python_tag} on {platform}.",
            next_step=f"Platforms: {', '.join(_PIP_PLATFORMS)}.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as name:
        folder = Path(name)
        needed = folder / "needed.txt"
        needed.write_text("".join(_needed(f"3.{match[1]}", platform)), encoding="utf-8")
        wheels = folder / "wheels"
        _download(
            needed=needed, wheels=wheels, version=f"3.{match[1]}", abi=python_tag, platform=platform
        )
        for wheel in wheels.iterdir():
            _check_unpackable(wheel)
        files = [
            TreeFile(path=wheel.name, content=wheel.read_bytes(), mode=PLAIN)
            for wheel in sorted(wheels.iterdir())
        ]
        files.append(TreeFile(path=LOCK, content=LOCK_FILE.read_bytes(), mode=PLAIN))
        made = folder / target.name
        made.write_bytes(archive(files))
        made.replace(target)
    return target


def _check_unpackable(wheel: Path) -> None:
    # The seeding build unpacks wheels; a .data folder would need an installer.
    with zipfile.ZipFile(wheel) as content:
        if any(name.split("/")[0].endswith(".data") for name in content.namelist()):
            raise WheelsUnavailable(f"{wheel.name} cannot be installed by unpacking it.")


def locked(text: str) -> Iterator[tuple[Requirement, tuple[str, ...]]]:
    """Yield the requirements of a lock with their hashes."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        stripped = line.split("#")[0].strip()
        if not stripped:
            continue
        requirement, *hashes = stripped.split("--hash=")
        yield Requirement(requirement.strip()), tuple(h.strip() for h in hashes)


def _needed(version: str, platform: str) -> Iterable[str]:
    # pip would judge markers by the interpreter that it runs on, not by the target.
    environment = _marker_environment(version, platform)
    for requirement, hashes in locked(LOCK_FILE.read_text(encoding="utf-8")):
        if requirement.marker is None or requirement.marker.evaluate(dict(environment)):
            pins = " ".join(f"--hash={value}" for value in hashes)
            yield f"{requirement.name}{requirement.specifier} {pins}\n"


def _marker_environment(version: str, platform: str) -> Mapping[str, str]:
    system, _, machine = platform.partition("_")
    linux = system == "linux"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux" if linux else "Darwin",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux" if linux else "darwin",
    }


def _download(*, needed: Path, wheels: Path, version: str, abi: str, platform: str) -> None:
    home = needed.parent / "pip"
    # The project's own environment is made by uv and holds no pip.
    venv.create(home, with_pip=True)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [str(python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(wheels)]
    command += ["--implementation", "cp", "--python-version", version, "--abi", abi]
    command += ["--abi", "abi3", "--abi", "none"]
    for name in _PIP_PLATFORMS[platform]:
        command += ["--platform", name]
    done = subprocess.run(
        [*command, "--requirement", str(needed)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WheelsUnavailable(
            f"The wheels for {abi} on {platform} cannot be downloaded:\n{done.stderr.strip()}",
            where=Location(file=str(LOCK_FILE.name)),
            next_step="Check the way to the package index (pip's configuration is used).",
        )
