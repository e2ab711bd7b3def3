"""A model registry on disk: one JSON file per model package version."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RunnerError

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package"
STATUSES = ("Approved", "Rejected", "PendingManualApproval")


class Registry:
    """Model package groups below `root`: `<group>/<version>.json`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def register(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add the next version of a group; two runs at once get two versions.

        Args:
            request: what CreateModelPackage would get.
        """
        group = self.root / _name(request.get("ModelPackageGroupName", ""))
        group.mkdir(parents=True, exist_ok=True)
        version = max(self._versions(group), default=0)
        while True:
            version += 1
            package = {
                "ModelApprovalStatus": "PendingManualApproval",
                **request,
                "ModelPackageArn": f"{ARN}/{group.name}/{version}",
                "ModelPackageVersion": version,
                "ModelPackageStatus": "Completed",
                "CreationTime": time.time(),
            }
            temporary = _temporary(group, package)
            try:
                os.link(temporary, group / f"{version}.json")
            except FileExistsError:
                continue
            else:
                return package
            finally:
                temporary.unlink()

    def packages(self, group: str, *, status: str | None = None) -> list[dict[str, Any]]:
        """Versions of a group, newest first, optionally only those of one approval status."""
        folder = self.root / _name(group)
        found = [self._read(folder, v) for v in sorted(self._versions(folder), reverse=True)]
        return [item for item in found if status in {None, item["ModelApprovalStatus"]}]

    def groups(self) -> list[str]:
        """Names of all groups."""
        return sorted(path.name for path in self.root.glob("*") if path.is_dir())

    def describe(self, arn: str) -> dict[str, Any]:
        """One version, by ARN or `group/version`.

        Raises:
            RunnerError: there is no such version.
        """
        group, _, version = arn.rpartition("/")
        folder = self.root / _name(group.rpartition("/")[2])
        if not version.isdigit() or not (folder / f"{version}.json").is_file():
            raise RunnerError(f"{arn}: no such model package in the local registry")
        return self._read(folder, int(version))

    def approve(self, arn: str, *, status: str = "Approved", reason: str = "") -> dict[str, Any]:
        """Set the approval status of one version."""
        if status not in STATUSES:
            raise RunnerError(f"{status!r}: an approval status is one of {', '.join(STATUSES)}")
        package = {**self.describe(arn), "ModelApprovalStatus": status}
        if reason:
            package["ApprovalDescription"] = reason
        folder = self.root / package["ModelPackageGroupName"]
        _temporary(folder, package).replace(folder / f"{package['ModelPackageVersion']}.json")
        return package

    @staticmethod
    def _versions(folder: Path) -> list[int]:
        return [int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()]

    @staticmethod
    def _read(folder: Path, version: int) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((folder / f"{version}.json").read_text("utf-8"))
        return content


def _name(group: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", group):
        raise RunnerError(f"{group!r}: not a model package group name")
    return group


def _temporary(folder: Path, content: Mapping[str, Any]) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2, default=str)
    return Path(name)
