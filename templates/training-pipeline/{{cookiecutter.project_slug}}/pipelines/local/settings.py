{% raw %}"""`[tool.local-pipeline]` in pyproject.toml: what the symbols and prefixes of a repo stand for."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import RunnerError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run of this repository's pipeline needs to know; all paths relative to its root.

    Attributes:
        definition: the compiled pipeline definition.
        work: folder of store, registry, cache and runs.
        bucket: what `${bucket}` stands for.
        model_package_group: what `${model_package_group}` stands for.
        code: source sets; files and folders whose contents go into one archive.
        mounts: S3 prefixes that are folders.
    """

    definition: Path = Path("definition.json")
    work: Path = Path(".local-pipeline")
    bucket: str = "local"
    model_package_group: str = "local"
    code: dict[str, list[Path]] = field(default_factory=dict)
    mounts: dict[str, Path] = field(default_factory=dict)


def load(root: Path) -> Settings:
    """Read the settings of the repository at `root`; defaults without a table.

    Raises:
        RunnerError: the file is not TOML, or has keys or types that mean nothing here.
    """
    file = root / "pyproject.toml"
    try:
        text = file.read_text("utf-8") if file.is_file() else ""
        table = tomllib.loads(text).get("tool", {}).get("local-pipeline", {})
    except tomllib.TOMLDecodeError as error:
        raise RunnerError(f"{file}: {error}") from None
    known = {name.replace("_", "-"): name for name in Settings.__dataclass_fields__}
    if unknown := table.keys() - known:
        raise RunnerError(
            f"{file}: [tool.local-pipeline] has unknown keys {sorted(unknown)}",
            next_step=f"Known keys: {', '.join(known)}.",
        )
    values: dict[str, Any] = {known[key]: value for key, value in table.items()}
    try:
        for name in ("definition", "work"):
            values[name] = root / values.get(name, getattr(Settings, name))
        values["code"] = {
            name: [root / path for path in paths] for name, paths in values.get("code", {}).items()
        }
        values["mounts"] = {uri: root / path for uri, path in values.get("mounts", {}).items()}
    except (TypeError, AttributeError):
        raise RunnerError(
            f"{file}: [tool.local-pipeline] takes tables: code = {{ NAME = [PATHS] }}, "
            "mounts = { URI = FOLDER }"
        ) from None
    return Settings(**values)
{% endraw %}