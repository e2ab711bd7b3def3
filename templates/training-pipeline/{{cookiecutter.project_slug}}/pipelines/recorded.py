"""What the committed definitions were compiled from."""

import hashlib
from pathlib import Path

SOURCES = ("pipeline.py", "drift.py", "jobs.py", "model_card.json")
DEFINITION, DRIFT = "definition.json", "drift.json"
REGISTRIES = "registries.json"
FILES = (*SOURCES, DEFINITION, DRIFT, REGISTRIES)
RECORD = "definition.sha256"


class StaleDefinitionError(Exception):
    """The definitions are not what their sources say."""


def write(folder: Path) -> None:
    """Record the sources as they are now, in the format of `sha256sum`."""
    lines = [f"{_digest(folder / name)}  {name}\n" for name in FILES]
    (folder / RECORD).write_text("".join(lines), newline="\n")


def check(folder: Path) -> None:
    """Refuse definitions that were not compiled from the sources as they are.

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
