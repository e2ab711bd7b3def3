"""DOWNLOAD_SOURCE: bringing a build's sources into its folder.

Everything is fetched with the service role's credentials, so a missing permission fails the phase
as it does in AWS.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import S3Place
from catalog.localaws.codebuild.failures import PhaseError, refusal


class RepositoryReader(Protocol):
    """Clones a Git source as the service role; what the builds' service provides."""

    def __call__(self, *, source: Mapping[str, Any], version: str, into: Path, label: str) -> str:
        """Clone, check out `version`, and return the commit id."""


class SourceDownloader:
    """Downloads sources for one build.

    Args:
        s3: client of the service role.
        clone: clones Git sources as the service role.
    """

    def __init__(self, *, s3: Any, clone: RepositoryReader) -> None:
        self._s3 = s3
        self._clone = clone

    def download(self, *, source: Mapping[str, Any], version: str, into: Path, label: str) -> str:
        """Bring one source into a folder.

        Args:
            source: a project's `source` or one of its `secondarySources`.
            version: the source version; empty for the default.
            into: the folder, which is created.
            label: "primary source", or the secondary source's identifier.

        Returns:
            The resolved version: a commit id, an S3 version id, or empty.

        Raises:
            PhaseError: the source cannot be had.
        """
        into.mkdir(parents=True, exist_ok=True)
        kind = source["type"]
        if kind == "NO_SOURCE":
            return ""
        if kind == "S3":
            bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
            return self.download_object(
                place=S3Place(bucket=bucket, key=key), version=version, into=into, label=label
            )
        if kind == "CODECOMMIT":
            return self._clone(source=source, version=version, into=into, label=label)
        raise PhaseError(
            "CLIENT_ERROR",
            f"source type {kind} is not emulated by the local AWS for {label}: "
            "use S3, CODECOMMIT, CODEPIPELINE or NO_SOURCE",
        )

    def download_object(self, *, place: S3Place, version: str, into: Path, label: str) -> str:
        """Bring an archive, or a folder when the key ends with a slash, into a folder.

        Raises:
            PhaseError: S3 refuses, or the object is no ZIP archive.
        """
        into.mkdir(parents=True, exist_ok=True)
        try:
            if not place.key or place.key.endswith("/"):
                return self._folder(place, into=into)
            extra = {"VersionId": version} if version else {}
            answer = self._s3.get_object(Bucket=place.bucket, Key=place.key, **extra)
            content: bytes = answer["Body"].read()
        except ClientError as error:
            raise PhaseError(
                "CLIENT_ERROR",
                f"{refusal(error)} for {label} and source version {version or place.arn}",
            ) from error
        try:
            unpack(content, into=into)
        except zipfile.BadZipFile as error:
            raise PhaseError(
                "CLIENT_ERROR", f"zip: not a valid zip file for {label} {place.arn}"
            ) from error
        return str(answer.get("VersionId", ""))

    def _folder(self, place: S3Place, *, into: Path) -> str:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=place.bucket, Prefix=place.key
        )
        for page in pages:
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(place.key)
                if not name or name.endswith("/"):
                    continue
                target = _inside(into, name)
                body = self._s3.get_object(Bucket=place.bucket, Key=item["Key"])["Body"]
                target.write_bytes(body.read())
        return ""


def unpack(content: bytes, *, into: Path) -> None:
    """Unpack a ZIP archive, with its permission bits and symbolic links.

    Raises:
        zipfile.BadZipFile: not an archive, or an entry that points outside `into`.
    """
    links: list[tuple[Path, str]] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            if entry.is_dir():
                _inside(into, entry.filename).mkdir(exist_ok=True)
                continue
            target = _inside(into, entry.filename)
            if stat.S_ISLNK(mode):
                links.append((target, archive.read(entry).decode()))
                continue
            target.write_bytes(archive.read(entry))
            if stat.S_IMODE(mode):
                target.chmod(stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
    # Links last: no later entry can then be written through one.
    for target, destination in links:
        target.symlink_to(destination)


def _inside(folder: Path, name: str) -> Path:
    target = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise zipfile.BadZipFile(f"{name} points outside the archive")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
