"""UPLOAD_ARTIFACTS: what a build hands over."""

from __future__ import annotations

import fnmatch
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import S3Place
from catalog.localaws.codebuild.buildspec import Artifacts
from catalog.localaws.codebuild.failures import PhaseError, refusal


def collect(artifacts: Artifacts, *, source: Path) -> dict[str, Path]:
    """Return the files of an artifact: name inside it → file.

    Args:
        artifacts: the buildspec's section.
        source: CODEBUILD_SRC_DIR, which `base-directory` is relative to.

    Raises:
        PhaseError: nothing matches.
    """
    base = source / artifacts.base_directory
    if not base.is_dir():
        raise PhaseError(
            "CLIENT_ERROR", f"no matching base directory path found for {artifacts.base_directory}"
        )
    chosen: dict[str, Path] = {}
    names = list(_files(base))
    for pattern in artifacts.files:
        wanted = [name for name in names if matches(name, pattern)]
        if not wanted:
            raise PhaseError("CLIENT_ERROR", f"no matching artifact paths found: {pattern}")
        for name in wanted:
            if any(matches(name, pattern) for pattern in artifacts.exclude_paths):
                continue
            chosen[Path(name).name if artifacts.discard_paths else name] = base / name
    return chosen


def matches(name: str, pattern: str) -> bool:
    """Tell whether a relative path matches a buildspec's pattern (`**/*`, `dir/*`, `file`)."""
    parts = Path(pattern).parts
    return _match(Path(name).parts, parts)


def _match(name: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(name)
        return any(_match(name[start:], pattern[1:]) for start in range(len(name) + 1))
    if not name or not fnmatch.fnmatchcase(name[0], pattern[0]):
        return False
    return _match(name[1:], pattern[1:])


def _files(base: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(base):
        folders.sort()
        for file in sorted(files):
            yield str(Path(folder, file).relative_to(base))


def pack(files: Mapping[str, Path]) -> bytes:
    """Return a ZIP archive of files, with their permission bits."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if file.is_symlink():
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(entry, str(file.readlink()))
                continue
            entry.external_attr = (stat.S_IFREG | stat.S_IMODE(file.stat().st_mode)) << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


class Uploader:
    """Writes artifacts to S3 as the service role.

    Args:
        s3: client of the service role.
    """

    def __init__(self, *, s3: Any) -> None:
        self._s3 = s3

    def archive(
        self, files: Mapping[str, Path], *, place: S3Place, key: str | None
    ) -> dict[str, Any]:
        """Upload one ZIP archive and return it as BatchGetBuilds shows it.

        Args:
            files: name inside the archive → file.
            place: where it goes.
            key: KMS key to encrypt with, or None for the bucket's own default.

        Raises:
            PhaseError: S3 refuses.
        """
        content = pack(files)
        self._put(place, content, key=key)
        return {
            "location": place.arn,
            "sha256sum": hashlib.sha256(content).hexdigest(),
            "md5sum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        }

    def folder(
        self, files: Mapping[str, Path], *, place: S3Place, key: str | None
    ) -> dict[str, Any]:
        """Upload files one by one under a prefix.

        Raises:
            PhaseError: S3 refuses.
        """
        for name, file in files.items():
            target = S3Place(bucket=place.bucket, key=f"{place.key}/{name}")
            self._put(target, file.read_bytes(), key=key)
        return {"location": place.arn}

    def _put(self, place: S3Place, content: bytes, *, key: str | None) -> None:
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        try:
            self._s3.put_object(Bucket=place.bucket, Key=place.key, Body=content, **extra)
        except ClientError as error:
            raise PhaseError(
                "CLIENT_ERROR", f"Error in UPLOAD_ARTIFACTS phase: [{refusal(error)}]"
            ) from error
