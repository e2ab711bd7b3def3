"""Packs the code that jobs run: same files, same bytes, same name."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each folder's content goes to the root of the archive.
SOURCES = {"pipeline": [ROOT / "src", ROOT / "pipelines" / "entrypoints"]}


def files(name: str) -> dict[str, Path]:
    """Return the files of a code archive: name in the archive to path."""
    found = {
        path.relative_to(folder).as_posix(): path
        for folder in SOURCES[name]
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    return dict(sorted(found.items()))


def pack(name: str) -> bytes:
    """Return the archive as .tar.gz, without times, owners or modes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for member, path in files(name).items():
            info = tarfile.TarInfo(member)
            content = path.read_bytes()
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def key(archive: bytes) -> str:
    """Return the S3 key of an archive, which is named by its content."""
    return f"code/{hashlib.sha256(archive).hexdigest()}/sourcedir.tar.gz"
