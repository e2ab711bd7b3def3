"""A virtual environment with Copier, installed from a wheel set without a package index."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

from .commands import CommandError, run
from .errors import SeedError
from .settings import Settings

LOCK = "requirements.txt"


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
    """Fetch the wheel set, check every wheel against the lock and return the Python to use.

    Args:
        settings: where the wheel sets are.
        folder: where the environment goes.

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
    wheels = folder / "wheels"
    with zipfile.ZipFile(archive) as content:
        content.extractall(wheels)
    lock = hashlib.sha256((wheels / LOCK).read_bytes()).hexdigest()
    if lock != settings.wheels_prefix.rpartition("/")[2]:
        raise SeedError(
            f"The lock of the packages in {source} is not the one that this release was published"
            " with. Tell the team that owns the catalog."
        )
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    try:
        run(
            [
                str(python),
                "-m",
                "pip",
                "--isolated",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-index",
                "--no-deps",
                "--require-hashes",
                "--no-compile",
                "--find-links",
                str(wheels),
                "--requirement",
                str(wheels / LOCK),
            ]
        )
    except CommandError as error:
        raise SeedError(
            f"The packages that render the template do not match their lock:"
            f" {error.output.strip()} Tell the team that owns the catalog."
        ) from error
    return python
