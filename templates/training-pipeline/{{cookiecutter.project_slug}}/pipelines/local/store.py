"""S3 as a folder: `s3://bucket/key` is the file `<root>/bucket/key`."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .errors import JobError, RunnerError


class Store:
    """Objects on disk; written aside first and renamed, so a reader never sees half an object.

    Args:
        root: folder that holds one folder per bucket.
        mounts: S3 prefixes that are folders elsewhere; jobs read them and cannot write there.
    """

    def __init__(self, root: Path, *, mounts: Mapping[str, Path] | None = None) -> None:
        self.root = root
        self.mounts = {uri.rstrip("/"): path.resolve() for uri, path in (mounts or {}).items()}
        self._digests: dict[tuple[str, int, int], str] = {}
        (root / ".tmp").mkdir(parents=True, exist_ok=True)

    def path(self, uri: str, *, writing: bool = False) -> Path:
        """Where an object, or a prefix, is on disk.

        Raises:
            RunnerError: not an S3 URI, or one that leaves its bucket.
            JobError: writing below a mount.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        parts = [part for part in key.split("/") if part]
        if not uri.startswith("s3://") or not bucket or {".", ".."} & {bucket, *parts}:
            raise RunnerError(f"{uri!r}: not an S3 URI")
        plain = "/".join(["s3:/", bucket, *parts])
        for prefix, folder in self.mounts.items():
            if plain == prefix or plain.startswith(prefix + "/"):
                if writing:
                    raise JobError(f"{uri}: read-only, it is the folder {folder}")
                return folder / plain[len(prefix) :].lstrip("/")
        return self.root.joinpath(bucket, *parts)

    def files(self, uri: str) -> list[tuple[str, Path]]:
        """(relative name, file) of the object, or of all objects below the prefix, sorted.

        Like S3, a prefix may end within a name: `s3://b/part-` finds `part-0` and `part-1`.
        """
        path = self.path(uri)
        if path.is_file():
            return [(path.name, path)]
        if path.is_dir():
            return [(file.relative_to(path).as_posix(), file) for file in tree(path)]
        near = sorted(path.parent.glob(path.name + "*")) if not uri.endswith("/") else []
        return [(file.name, file) for file in near if file.is_file()]

    def fetch(self, uri: str, folder: Path) -> list[Path]:
        """Copy an object, or everything below a prefix, into `folder`: a job owns its inputs.

        Raises:
            JobError: nothing is there.
        """
        found = self.files(uri)
        if not found:
            raise JobError(
                f"{uri}: nothing there (looked in {self.path(uri)})",
                next_step="Put the data there, or map the prefix with --mount URI=FOLDER.",
            )
        copies = []
        for name, source in found:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            copies.append(Path(shutil.copyfile(source, target)))
        return copies

    def move(self, source: Path, uri: str) -> None:
        """Make a file, or all files of a folder, objects at `uri`; the source is used up."""
        for file in tree(source) if source.is_dir() else [source]:
            name = f"{uri.rstrip('/')}/{file.relative_to(source).as_posix()}"
            self._place(file, self.path(name if source.is_dir() else uri, writing=True))

    def write(self, uri: str, content: bytes) -> None:
        """Make `content` the object at `uri`."""
        handle, name = tempfile.mkstemp(dir=self.root / ".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        self._place(Path(name), self.path(uri, writing=True))

    def link(self, source: str, target: str) -> None:
        """Make the objects below `source` appear below `target` without copying their bytes."""
        single = self.path(source).is_file()
        for name, file in self.files(source):
            handle, temporary = tempfile.mkstemp(dir=self.root / ".tmp")
            os.close(handle)
            Path(temporary).unlink()
            os.link(file, temporary)
            uri = target if single else f"{target.rstrip('/')}/{name}"
            self._place(Path(temporary), self.path(uri, writing=True))

    def read(self, uri: str) -> bytes:
        """Return the bytes of one object."""
        try:
            return self.path(uri).read_bytes()
        except OSError as error:
            raise JobError(f"{uri}: cannot be read ({error.strerror})") from None

    def digest(self, uri: str) -> str | None:
        """SHA-256 over the names and contents below a URI; None when nothing is there."""
        whole, found = hashlib.sha256(), self.files(uri)
        for name, file in found:
            status = file.stat()
            key = (str(file), status.st_mtime_ns, status.st_size)
            if key not in self._digests:
                with file.open("rb") as stream:
                    self._digests[key] = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{name}\0{self._digests[key]}\n".encode())
        return whole.hexdigest() if found else None

    def _place(self, file: Path, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.is_symlink():
                shutil.copyfile(file, copy := file.with_name(file.name + ".copy"))
                copy.replace(file)
            file.replace(target)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            raise JobError(
                f"{target}: a key and a prefix of the same name; S3 allows it, folders do not"
            ) from None


def tree(folder: Path) -> Iterator[Path]:
    """Files below a folder in one fixed order."""
    return iter(sorted(path for path in folder.rglob("*") if path.is_file()))


def write_tar(target: Path, members: Sequence[tuple[str, Path]], *, level: int = 6) -> None:
    """Write a gzipped tar whose bytes depend on names, contents and the execute bit only."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", level, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for name, file in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            entry.mode = 0o755 if os.access(file, os.X_OK) else 0o644
            with file.open("rb") as stream:
                archive.addfile(entry, stream)


def source_members(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """The files of a source set: a folder gives its contents, a file itself.

    Left out: caches, byte code and names that start with a dot.

    Raises:
        RunnerError: a path that does not exist, or two files for one name.
    """
    members: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise RunnerError(f"{path}: no such file or folder (named by a source set)")
        files = [path] if path.is_file() else tree(path)
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            parts = name.split("/")
            if "__pycache__" in parts or any(part.startswith(".") for part in parts):
                continue
            if name in members:
                raise RunnerError(f"source set: both {members[name]} and {file} would be {name}")
            members[name] = file
    return sorted(members.items())


def pack(paths: Sequence[Path], target: Path) -> str:
    """Write a source set to `target` as a reproducible `sourcedir.tar.gz`.

    Returns:
        The content hash that belongs into its key, `code/<hash>/sourcedir.tar.gz`: SHA-256 over
        names and contents, since compressors may differ between machines.
    """
    members = source_members(paths)
    write_tar(target, members)
    whole = hashlib.sha256()
    for name, file in members:
        mode = "x" if os.access(file, os.X_OK) else "-"
        whole.update(f"{name}\0{mode}{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def extract(archive: Path, folder: Path) -> None:
    """Unpack a (gzipped) tar; members that would leave the folder are refused."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as opened:
            if hasattr(tarfile, "data_filter"):
                opened.extractall(folder, filter="data")
            else:  # Python 3.11.0 to 3.11.3
                _refuse_outside(opened, folder.resolve())
                opened.extractall(folder)  # noqa: S202
    except tarfile.TarError as error:
        raise JobError(f"{archive.name}: not a usable tar archive ({error})") from None


def _refuse_outside(opened: tarfile.TarFile, folder: Path) -> None:
    for member in opened.getmembers():
        inside = (folder / member.name).resolve().is_relative_to(folder)
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name!r} is outside of the folder, or a link")
