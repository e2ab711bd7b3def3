"""Rendering for every test of the templates: from a plain copy, once per set of answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from scripts.rendering import copy_catalog
from scripts.template_sources import ROOT, Template, load_template

from .engines import Renders


@pytest.fixture(scope="session", autouse=True)
def compiled_jinja_is_kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two thirds of a render is compiling Jinja; both engines make a new environment each time."""
    folder = str(tmp_path_factory.mktemp("jinja"))
    original = jinja2.Environment.__init__

    def remembering(self: jinja2.Environment, *args: object, **options: object) -> None:
        # Sandboxed environments compile to other code.
        cache = jinja2.FileSystemBytecodeCache(folder, f"{type(self).__module__}.%s")
        options.setdefault("bytecode_cache", cache)
        original(self, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "__init__", remembering)
        yield


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain copy of what rendering needs."""
    return copy_catalog(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="session")
def training_pipeline() -> Template:
    return load_template(ROOT / "templates" / "training-pipeline")


@pytest.fixture(scope="session")
def renders(
    catalog: Path, tmp_path_factory: pytest.TempPathFactory, cookies_session: object
) -> Renders:
    return Renders(
        catalog=catalog,
        folder=tmp_path_factory.mktemp("renders"),
        bake=cookies_session.bake,  # type: ignore[attr-defined]
    )
