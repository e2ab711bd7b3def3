"""The seeding build, run for real: wheels, Copier, Git; only AWS's CLI is a stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tiny_catalogs import commit_all, git, template_files, write_tree

from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.seed import seed_asset
from catalog.bundles.wheels import build_wheel_set, host_wheel_set, wheel_set_key, wheels_prefix

ROOT = Path(__file__).resolve().parents[2]
URL = "https://git.example.com/platform/catalog.git"
TAG = "v1.2.3"

AWS = """\
#!{python}
import pathlib, shutil, sys
arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
if arguments[:2] != ["s3", "cp"]:
    sys.exit("not a copy: " + " ".join(arguments))
source, target = (
    pathlib.Path({s3!r}) / a.removeprefix("s3://") if a.startswith("s3://") else a
    for a in arguments[2:]
)
if source == "-":
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(sys.stdin.read())
elif not source.exists():
    sys.exit("fatal error: An error occurred (404) when calling HeadObject: Not Found")
elif target == "-":
    sys.stdout.write(source.read_text())
else:
    shutil.copy(source, target)
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny catalog at its release tag."""
    root = write_tree(tmp_path_factory.mktemp("catalog"), template_files("flights"))
    (root / "copier.yml").write_text(reduced_copier_yml(root=root, template="flights"))
    commit_all(root, tag=TAG)
    return root


class Launch:
    """One project's seeding build, with folders in place of buckets and of the Git host."""

    def __init__(self, folder: Path, catalog: Path) -> None:
        self.folder = folder
        self.s3 = folder / "s3"
        self.remote = folder / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.remote], check=True)
        seed = seed_asset(
            root=catalog,
            template="flights",
            copier_yml=reduced_copier_yml(root=catalog, template="flights"),
        )
        archive = folder / "seed.zip"
        archive.write_bytes(seed.content)
        self.tree = folder / "source"
        with zipfile.ZipFile(archive) as content:
            content.extractall(self.tree)
        tag, platform = host_wheel_set()
        wheels = build_wheel_set(python_tag=tag, platform=platform, cache_dir=ROOT / ".cache")
        key = wheel_set_key(python_tag=tag, platform=platform)
        write_tree(self.s3, {f"assets-eu-west-1/{key}": wheels.read_bytes()})
        self.bin = write_tree(
            folder / "bin", {"aws": AWS.format(python=sys.executable, s3=str(self.s3))}
        )
        (self.bin / "aws").chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "SEED_REQUEST": "request-1",
            "SEED_TEMPLATE": "flights",
            "SEED_CATALOG_URL": URL,
            "SEED_RELEASE_TAG": TAG,
            "SEED_ASSETS_BUCKET": "assets-eu-west-1",
            "SEED_WHEELS_PREFIX": wheels_prefix(),
            "SEED_PROJECT_BUCKET": "project-bucket",
            "SEED_REPOSITORY_PROVIDER": "CodeCommit",
            "SEED_REPOSITORY": "sagemaker-late-flights-p-1",
            "SEED_CODECOMMIT_URL": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r",
            # What the network is in AWS: the Git host answers under its own name.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{self.remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r",
        }

    def seed(
        self, answers: dict[str, str] | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        asked = {"project_name": "Late-Flights", "kind": "", "verbose": "", **(answers or {})}
        write_tree(self.s3, {"project-bucket/seeding/request-1/answers.json": json.dumps(asked)})
        return subprocess.run(
            [sys.executable, "-m", "seeding"],
            cwd=self.tree,
            env={**self.environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def reason(self) -> str:
        return (self.s3 / "project-bucket/seeding/request-1/reason.txt").read_text()

    def clone(self) -> Path:
        target = self.folder / "clone"
        subprocess.run(["git", "clone", "-q", self.remote, target], check=True)
        return target


@pytest.fixture
def launch(tmp_path: Path, catalog: Path) -> Iterator[Launch]:
    return Launch(tmp_path, catalog)


def files(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Return every file of a tree with its executable bit."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def copier(*arguments: str, catalog: Path, scratch: Path) -> None:
    """Run Copier as a person would, with the catalog answering under its public URL."""
    subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        env={
            **os.environ,
            "COPIER_CACHE_DIR": str(scratch / "mirrors"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{catalog}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
        },
        check=True,
        capture_output=True,
    )


def test_a_project_is_born_and_later_updated(launch: Launch, catalog: Path, tmp_path: Path) -> None:
    done = launch.seed({"kind": "number", "verbose": "true", "label": ""})
    assert done.returncode == 0, done.stderr

    by_hand = tmp_path / "by-hand"
    given = ["project_name=Late-Flights", "kind=number", "verbose=true"]
    data = [part for answer in given for part in ("-d", answer)]
    copier(
        *["copy", "--defaults", "--vcs-ref", TAG, *data, URL, str(by_hand)],
        catalog=catalog,
        scratch=tmp_path,
    )
    seeded = launch.clone()
    assert files(seeded) == files(by_hand)
    answers = yaml.safe_load((seeded / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == URL
    assert answers["_commit"] == TAG
    assert (seeded / "reports/kept.txt").exists(), "files that .gitignore names are seeded too"

    newer = tmp_path / "newer"
    git(tmp_path, "clone", "-q", str(catalog), str(newer))
    (newer / "templates/flights/{{cookiecutter.project_slug}}/NEW.md").write_text("new\n")
    git(newer, "add", "--all")
    git(newer, "commit", "-q", "-m", "More")
    git(newer, "tag", "-a", "-m", "v1.3.0", "v1.3.0")

    copier("update", "--defaults", str(seeded), catalog=newer, scratch=tmp_path / "later")

    assert (seeded / "NEW.md").exists()
    assert yaml.safe_load((seeded / ".copier-answers.yml").read_text())["_commit"] == "v1.3.0"


def test_an_answer_that_copier_refuses_is_reported(launch: Launch) -> None:
    refused = launch.seed({"label": "NOT A LABEL"})

    assert refused.returncode == 1
    assert "does not accept the answers" in launch.reason
    assert "label" in launch.reason
    assert git(launch.remote, "for-each-ref") == ""


def test_wheels_with_another_lock_are_not_installed(launch: Launch) -> None:
    wheels = next((launch.s3 / "assets-eu-west-1").rglob("*.zip"))
    with zipfile.ZipFile(wheels, "a") as content, pytest.warns(UserWarning, match="Duplicate"):
        content.writestr("requirements.txt", "copier==9.19.1\n")

    refused = launch.seed()

    assert refused.returncode == 1
    assert "not the one that this release was published with" in launch.reason


def test_a_wheel_that_is_not_in_the_lock_is_not_imported(launch: Launch) -> None:
    wheels = next((launch.s3 / "assets-eu-west-1").rglob("*.zip"))
    with zipfile.ZipFile(wheels, "a") as content:
        content.writestr("evil-1.0-py3-none-any.whl", b"not what was locked")

    refused = launch.seed()

    assert refused.returncode == 1
    assert "evil-1.0-py3-none-any.whl" in launch.reason


def test_a_missing_wheel_set_is_reported(launch: Launch) -> None:
    refused = launch.seed(SEED_WHEELS_PREFIX="wheels/none")

    assert refused.returncode == 1
    assert "Tell the team that owns the catalog" in launch.reason
