"""Copier and what it needs, unpacked from a wheel set without a package index.

A wheel without a `.data` folder is installed by unpacking it (packaging.python.org, Binary
distribution format), so neither pip nor a virtual environment is needed: a launch waits seconds
less, and builds of the catalog refuse any other wheel.
"""

from __future__ import annotations

import hashlib
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

from .commands import CommandError, run
from .errors import SeedError
from .settings import Settings

LOCK = "requirements.txt"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def python_tag() -> str:
    """Return this interpreter's tag, such as `cp312`."""
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def platform_tag() -> str:
    """Return this machine's platform as wheel sets name it, such as `linux_x86_64`."""
    parts = sysconfig.get_platform().replace(".", "-").split("-")
    return f"{parts[0]}_{parts[-1]}"


def wheel_set_name() -> str:
    """Return the file name of the wheel set that fits this interpreter."""
    return f"{python_tag()}-{platform_tag()}.zip"


def install(*, settings: Settings, folder: Path) -> Path:
    """Fetch the wheel set, check lock and wheels, and return the folder to import from.

    The key prefix of the sets is the lock's sha256 and the lock holds the wheels', so that
    nobody who can write to the assets bucket can slip in another package.

    Args:
        settings: where the wheel sets are.
        folder: scratch folder.

    Raises:
        SeedError: there is no wheel set for this Python, or it does not match its lock.
    """
    name = wheel_set_name()
    archive = folder / name
    source = f"s3://{settings.assets_bucket}/{settings.wheels_prefix}/{name}"
    try:
        run(["aws", "s3", "cp", "--only-show-errors", source, str(archive)])
    except CommandError as error:
        raise SeedError(
            f"The packages that render the template ({source}) cannot be fetched:"
            f" {error.output.strip()} Tell the team that owns the catalog."
        ) from error
    site = folder / "site"
    wheels = folder / "wheels"
    with zipfile.ZipFile(archive) as content:
        content.extractall(wheels)
    lock = (wheels / LOCK).read_bytes()
    if _sha256(lock) != settings.wheels_prefix.rpartition("/")[2]:
        raise SeedError(
            f"The lock of the packages in {source} is not the one that this release was published"
            " with. Tell the team that owns the catalog."
        )
    pinned = set(_HASH.findall(lock.decode()))
    for wheel in sorted(wheels.glob("*.whl")):
        if _sha256(wheel.read_bytes()) not in pinned:
            raise SeedError(
                f"The package {wheel.name} in {source} does not match its lock. Tell the team that"
                " owns the catalog."
            )
        with zipfile.ZipFile(wheel) as content:
            content.extractall(site)
    return site


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
