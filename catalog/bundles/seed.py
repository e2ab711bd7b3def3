"""The seed archive: everything that renders one template offline, and nothing else.

    copier.yml                       the root questions, reduced to this template
    templates/<template>/...         its skeleton and questions, and the partials it includes
    seeding/...                      the script that the seeding build runs

The archive is sorted, carries one fixed time and two file modes, so equal trees are equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import jinja2
import jinja2.meta

from catalog.bundles.model import Asset
from catalog.bundles.tree import PLAIN, TreeFile, list_files, read_files
from catalog.errors import Location, TemplateError
from catalog.products import seeding

SKELETON = "{{cookiecutter.project_slug}}"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""


def seed_asset(*, root: Path, template: str, copier_yml: str) -> Asset:
    """Return the seed archive of a template.

    Args:
        root: checkout of the catalog.
        template: folder name under `templates/`.
        copier_yml: the root `copier.yml` reduced to this template.

    Raises:
        TemplateError: a template without a skeleton, or with an include that is not there.
    """
    files = [
        *template_files(root=root, template=template),
        TreeFile(path="copier.yml", content=copier_yml.encode(), mode=PLAIN),
        *seeding_files(),
    ]
    content = archive(files)
    sha256 = hashlib.sha256(content).hexdigest()
    return Asset(key=f"seeds/{template}/{sha256}.zip", sha256=sha256, content=content)


def template_files(*, root: Path, template: str) -> list[TreeFile]:
    """Return a template's skeleton, its questions and every partial that these include.

    Raises:
        TemplateError: a template without a skeleton, or with an include that is not there.
    """
    folder = f"templates/{template}"
    paths = list_files(
        root=root, under=[f"{folder}/{SKELETON}", f"{folder}/questions.yml", f"{folder}/files.yml"]
    )
    if not any(path.startswith(f"{folder}/{SKELETON}/") for path in paths):
        raise TemplateError(
            "has no tracked skeleton",
            where=Location(file=f"{folder}/{SKELETON}"),
            next_step="Add the files of the repository there and `git add` them.",
        )
    files = {file.path: file for file in read_files(root=root, paths=paths)}
    to_scan = list(files.values())
    while to_scan:
        file = to_scan.pop()
        for partial in _includes(root, file):
            if partial not in files:
                files[partial] = read_files(root=root, paths=[partial])[0]
                to_scan.append(files[partial])
    return [files[path] for path in sorted(files)]


def _includes(root: Path, file: TreeFile) -> Iterable[str]:
    if b"{%" not in file.content:
        return
    try:
        parsed = jinja2.Environment(autoescape=False).parse(file.content.decode())  # noqa: S701
    except UnicodeDecodeError:
        return
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"is not Jinja: {error.message}", where=Location(file=file.path, line=error.lineno)
        ) from None
    # An include names alternatives, one per front door; those below the catalog's root are ours.
    names = [name for name in jinja2.meta.find_referenced_templates(parsed) if name]
    known = list_files(root=root, under=names) if names else []
    if names and not known:
        raise TemplateError(
            f"includes {' or '.join(names)}, which the catalog does not hold",
            where=Location(file=file.path),
        )
    yield from known


def seeding_files() -> list[TreeFile]:
    """Return the seeding script as it travels."""
    folder = Path(seeding.__file__).parent
    return [
        TreeFile(path=f"seeding/{source.name}", content=source.read_bytes(), mode=PLAIN)
        for source in sorted(folder.glob("*.py"))
    ]


def archive(files: Iterable[TreeFile]) -> bytes:
    """Return a zip whose bytes depend on the files alone."""
    buffer = io.BytesIO()
    # Stored, not deflated: zlib's output differs between its versions.
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_STORED) as target:
        for file in sorted(files, key=lambda f: f.path):
            if file.path.startswith("/") or ".." in PurePosixPath(file.path).parts:
                raise TemplateError("leaves the archive", where=Location(file=file.path))
            entry = zipfile.ZipInfo(file.path, date_time=ZIP_TIME)
            entry.create_system = 3  # Unix, whatever builds it
            entry.external_attr = (0o100000 | file.mode) << 16
            target.writestr(entry, file.content)
    return buffer.getvalue()
