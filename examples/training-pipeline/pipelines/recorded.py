"""Which pipeline.py the committed definition was compiled from."""

import hashlib
from pathlib import Path

SOURCE = "pipeline.py"
DEFINITION = "definition.json"
REGISTRIES = "registries.json"
RECORD = "definition.sha256"


class StaleDefinitionError(Exception):
    """The definition is not what pipeline.py says."""


def write(folder: Path) -> None:
    """Record the sources as they are now, in the format of `sha256sum`."""
    lines = [f"{_digest(folder / name)}  {name}\n" for name in (SOURCE, DEFINITION, REGISTRIES)]
    (folder / RECORD).write_text("".join(lines), newline="\n")


def check(folder: Path) -> None:
    """Refuse a definition that was not compiled from pipeline.py as it is.

    Raises:
        StaleDefinitionError: naming the file that has changed.
    """
    try:
        lines = (folder / RECORD).read_text().splitlines()
    except FileNotFoundError as error:
        raise StaleDefinitionError(f"{folder / RECORD} is missing. Next: make compile") from error
    for line in lines:
        digest, _, name = line.partition("  ")
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise StaleDefinitionError(
                f"pipelines/{name} has changed since the last compilation. Next: make compile"
            )


def _digest(path: Path) -> str:
    # A checkout with CRLF line ends holds the same program.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
