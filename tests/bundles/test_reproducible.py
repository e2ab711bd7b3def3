"""One commit, one digest: whatever the folder, time zone, umask or neighbour."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_catalogs import SKELETON, commit_all, git, template_files, write_tree

from catalog.bundles.build import build_bundle
from catalog.bundles.digest import bundle_digest
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Asset
from catalog.bundles.seed import archive
from catalog.bundles.seed import template_files as seeded_files
from catalog.bundles.tree import TreeFile
from catalog.errors import TemplateError

BUILD = """\
import json, pathlib, sys
from catalog.bundles.build import build_bundles
print(json.dumps({
    name: [b.digest, b.cloudformation, [a.key for a in b.assets]]
    for name, b in build_bundles(root=pathlib.Path(sys.argv[1])).items()
}))
"""


def catalog(folder: Path, *templates: str) -> Path:
    files: dict[str, str] = {}
    for name in templates:
        files |= template_files(name)
    return write_tree(folder, files)


def built(root: Path, *, umask: int = 0o022, **environment: str) -> dict[str, list[object]]:
    """Build in another process, as another person's machine would."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(root)],
        env={**os.environ, **environment},
        umask=umask,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_builds_are_equal_to_the_byte_and_neighbours_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = catalog(tmp_path / "origin", "flights")
    commit_all(origin)
    copies = []
    for name, umask in (("one", 0o022), ("another/place", 0o077)):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", origin, target], umask=umask, check=True)
        copies.append(target)
    (copies[1] / "templates/flights" / SKELETON / "stray.pyc").write_bytes(b"untracked")
    write_tree(copies[1], template_files("weather"))
    git(copies[1], "add", "templates/weather")

    first = built(copies[0], TZ="Pacific/Auckland", PYTHONHASHSEED="1")
    second = built(copies[1], umask=0o077, TZ="America/Lima", PYTHONHASHSEED="2", LC_ALL="C")

    assert second["flights"] == first["flights"]
    assert second["weather"][0] != first["flights"][0]
    template = str(first["flights"][1])
    assert "CDKMetadata" not in template
    assert "BootstrapVersion" not in template

    # A second build needs no CDK.
    monkeypatch.setitem(sys.modules, "catalog.bundles.synth", None)
    assert build_bundle(root=copies[0], template="flights").digest == first["flights"][0]
    readme = copies[0] / "templates/flights" / SKELETON / "README.md"
    readme.write_text("changed")
    with pytest.raises(ImportError):
        build_bundle(root=copies[0], template="flights")


def test_a_change_in_one_template_leaves_the_seed_of_another_alone(tmp_path: Path) -> None:
    root = catalog(tmp_path, "flights", "weather")
    before = [
        seeded_files(root=root, template="weather"),
        reduced_copier_yml(root=root, template="weather"),
    ]

    questions = root / "templates/flights/questions.yml"
    more = "\nextra:\n  {type: bool, default: true, help: More, group: Model}\n"
    questions.write_text(questions.read_text() + more)
    (root / "templates/flights" / SKELETON / "new.txt").write_text("new")

    assert before == [
        seeded_files(root=root, template="weather"),
        reduced_copier_yml(root=root, template="weather"),
    ]


def test_a_template_takes_the_partials_that_it_includes(tmp_path: Path) -> None:
    root = catalog(tmp_path, "flights")
    write_tree(
        root,
        {
            "templates/_shared/head.j2": "{% include 'templates/_shared/deep.j2' %}",
            "templates/_shared/deep.j2": "deep",
            "templates/_shared/unused.j2": "unused",
            f"templates/flights/{SKELETON}/page.md": (
                "{% include ['head.j2', 'templates/_shared/head.j2'] %}"
            ),
        },
    )

    paths = {file.path for file in seeded_files(root=root, template="flights")}

    assert {"templates/_shared/head.j2", "templates/_shared/deep.j2"} <= paths
    assert "templates/_shared/unused.j2" not in paths


def test_an_include_that_is_not_there_is_refused(tmp_path: Path) -> None:
    root = catalog(tmp_path, "flights")
    write_tree(root, {f"templates/flights/{SKELETON}/page.md": "{% include 'gone.j2' %}"})

    with pytest.raises(TemplateError, match=r"gone\.j2"):
        seeded_files(root=root, template="flights")


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    root = catalog(tmp_path, "flights")
    (root / "templates/flights" / SKELETON / "link").symlink_to("README.md")

    with pytest.raises(TemplateError, match="symbolic link"):
        seeded_files(root=root, template="flights")


FILES = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}(/[a-zé ]{1,6}){0,2}", fullmatch=True),
    st.tuples(st.binary(max_size=40), st.sampled_from([0o644, 0o755])),
    max_size=6,
)


@given(FILES, st.randoms(use_true_random=False))
def test_an_archive_depends_on_its_files_alone(files: dict[str, tuple[bytes, int]], random) -> None:
    listed = [TreeFile(path=p, content=c, mode=m) for p, (c, m) in files.items()]
    shuffled = list(listed)
    random.shuffle(shuffled)

    content = archive(listed)

    assert archive(shuffled) == content
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.namelist() == sorted(files)
        for entry in opened.infolist():
            assert opened.read(entry) == files[entry.filename][0]
            assert entry.external_attr >> 16 & 0o777 == files[entry.filename][1]


@given(st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3, unique=True))
def test_different_bundles_have_different_digests(parts: list[tuple[str, bytes]]) -> None:
    assets = [Asset(key=f"k/{key}", sha256="", content=content) for key, content in parts]
    digest = bundle_digest(cloudformation="template", assets=assets)

    assert bundle_digest(cloudformation="template", assets=reversed(assets)) == digest or len(
        {a.key for a in assets}
    ) < len(assets)
    assert bundle_digest(cloudformation="template ", assets=assets) != digest
    more = [*assets, Asset(key="more", sha256="", content=b"")]
    assert bundle_digest(cloudformation="template", assets=more) != digest
