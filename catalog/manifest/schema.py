"""JSON Schemas of the manifests, for editors: `python -m catalog.manifest.schema`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from catalog.manifest.models import CatalogManifest, TemplateManifest

SCHEMAS: dict[str, type[BaseModel]] = {
    "catalog.schema.json": CatalogManifest,
    "template.schema.json": TemplateManifest,
}


def schema_text(model: type[BaseModel]) -> str:
    """Return the JSON Schema of a manifest, as the file in `schemas/` holds it."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def drifted(*, folder: Path) -> list[str]:
    """Return the names of the schema files that do not match the models."""
    return [
        name
        for name, model in SCHEMAS.items()
        if not (folder / name).is_file()
        or (folder / name).read_text(encoding="utf-8") != schema_text(model)
    ]


def main() -> int:
    """Write `schemas/`; with `--check`, only say what is out of date."""
    folder = Path("schemas")
    stale = drifted(folder=folder)
    if "--check" in sys.argv[1:]:
        if stale:
            sys.stderr.write(f"Out of date: {', '.join(stale)}. Run python -m {__spec__.name}\n")
        return 1 if stale else 0
    folder.mkdir(exist_ok=True)
    for name in stale:
        (folder / name).write_text(schema_text(SCHEMAS[name]), encoding="utf-8")
        sys.stdout.write(f"wrote {folder / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
