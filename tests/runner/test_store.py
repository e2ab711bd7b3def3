"""The file-system S3, source archives and the model registry."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from local_runner.errors import JobError, RunnerError
from local_runner.registry import Registry
from local_runner.store import Store, extract, pack


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s3")


def test_a_job_gets_copies_of_its_own(store: Store, tmp_path: Path) -> None:
    store.write("s3://b/in/a/1.txt", b"one")
    (copy,) = store.fetch("s3://b/in", tmp_path / "box")
    assert copy == tmp_path / "box" / "a" / "1.txt"
    copy.write_bytes(b"changed")
    assert store.read("s3://b/in/a/1.txt") == b"one"


def test_prefix_may_end_within_a_name(store: Store, tmp_path: Path) -> None:
    for name in ("part-0", "part-1", "other"):
        store.write(f"s3://b/in/{name}", b"x")
    names = sorted(path.name for path in store.fetch("s3://b/in/part-", tmp_path / "box"))
    assert names == ["part-0", "part-1"]


def test_missing_input_names_the_place(store: Store, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"(?s)nothing there.*--mount"):
        store.fetch("s3://b/none", tmp_path / "box")


@pytest.mark.parametrize("uri", ["s3://b/../x", "s3:///x", "/x", "s3://../x", "s3://b/a/./c"])
def test_uris_stay_in_their_bucket(store: Store, uri: str) -> None:
    with pytest.raises(RunnerError, match="not an S3 URI"):
        store.path(uri)


def test_mounts_are_read_only(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1", "utf-8")
    store = Store(tmp_path / "s3", mounts={"s3://b/data/": tmp_path / "data"})
    assert store.read("s3://b/data/a.csv") == b"1"
    with pytest.raises(JobError, match="read-only"):
        store.write("s3://b/data/b.csv", b"2")
    assert store.path("s3://b/database") == tmp_path / "s3" / "b" / "database"


def test_key_and_prefix_of_one_name(store: Store) -> None:
    store.write("s3://b/a", b"1")
    with pytest.raises(JobError, match="a key and a prefix"):
        store.write("s3://b/a/c", b"2")


def test_digest_follows_content_and_names(store: Store) -> None:
    store.write("s3://b/x/1", b"a")
    store.write("s3://b/y/1", b"a")
    same = store.digest("s3://b/x")
    assert same == store.digest("s3://b/y")
    store.write("s3://b/y/2", b"")
    assert store.digest("s3://b/y") != same
    assert store.digest("s3://b/none") is None


def test_archives_depend_on_contents_only(tmp_path: Path) -> None:
    hashes, contents = [], []
    for number, name in enumerate(("one", "two")):
        folder = tmp_path / name
        (folder / "pkg" / "__pycache__").mkdir(parents=True)
        (folder / "pkg" / "a.py").write_text("x = 1\n", "utf-8")
        (folder / "pkg" / "__pycache__" / "a.pyc").write_bytes(os.urandom(9))
        (folder / ".hidden").write_text(name, "utf-8")
        os.utime(folder / "pkg" / "a.py", (number, number))
        hashes.append(pack([folder], tmp_path / f"{name}.tar.gz"))
        contents.append((tmp_path / f"{name}.tar.gz").read_bytes())
    assert hashes[0] == hashes[1]
    assert contents[0] == contents[1]
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        assert archive.getnames() == ["pkg/a.py"]
    (tmp_path / "two" / "pkg" / "a.py").write_text("x = 2\n", "utf-8")
    assert pack([tmp_path / "two"], tmp_path / "two.tar.gz") != hashes[0]


def test_a_source_set_with_two_files_of_one_name(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.py").write_text("", "utf-8")
    with pytest.raises(RunnerError, match=r"both .* would be train\.py"):
        pack([tmp_path / "a", tmp_path / "b"], tmp_path / "x.tar.gz")


def test_not_an_archive(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_text("no", "utf-8")
    with pytest.raises(JobError, match="not a usable tar"):
        extract(tmp_path / "x.tar.gz", tmp_path / "out")


class TestRegistry:
    def test_versions_and_approval(self, tmp_path: Path) -> None:
        registry = Registry(tmp_path)
        for _ in range(2):
            registry.register({"ModelPackageGroupName": "g"})
        assert [p["ModelPackageVersion"] for p in registry.packages("g")] == [2, 1]
        assert registry.packages("g", status="Approved") == []
        registry.approve("g/1")
        (approved,) = registry.packages("g", status="Approved")
        assert approved["ModelPackageArn"].endswith(":model-package/g/1")
        assert registry.describe(approved["ModelPackageArn"]) == approved

    def test_ten_comes_after_nine(self, tmp_path: Path) -> None:
        registry = Registry(tmp_path)
        for _ in range(10):
            registry.register({"ModelPackageGroupName": "g"})
        assert registry.packages("g")[0]["ModelPackageVersion"] == 10

    def test_two_at_once_get_two_versions(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = Registry(tmp_path)
        registry.register({"ModelPackageGroupName": "g"})
        # The other process registers between our look at the folder and our write.
        monkeypatch.setattr(Registry, "_versions", staticmethod(lambda _: []))
        assert registry.register({"ModelPackageGroupName": "g"})["ModelPackageVersion"] == 2

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "-a", "a" * 64])
    def test_bad_group_names(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(RunnerError, match="not a model package group"):
            Registry(tmp_path).register({"ModelPackageGroupName": name})

    def test_missing_version(self, tmp_path: Path) -> None:
        with pytest.raises(RunnerError, match="no such model package"):
            Registry(tmp_path).approve("g/7")
