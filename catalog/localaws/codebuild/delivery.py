"""Which artifact goes where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from catalog.localaws.codebuild.artifacts import Uploader, collect
from catalog.localaws.codebuild.builds import Build, PipelineArtifacts, S3Place
from catalog.localaws.codebuild.buildspec import Artifacts, Buildspec
from catalog.localaws.codebuild.failures import PhaseError


def deliver(
    spec: Buildspec,
    *,
    build: Build,
    uploader: Uploader,
    source_folder: Callable[[str], Path],
) -> dict[str, dict[str, Any]]:
    """Upload all artifacts of a build.

    Returns:
        Artifact identifier ("" for the primary one) → as BatchGetBuilds shows it.

    Raises:
        PhaseError: an artifact cannot be made or uploaded.
    """
    source = source_folder("")
    if build.pipeline:
        return _to_pipeline(spec, pipeline=build.pipeline, uploader=uploader, source=source)
    project = build.project
    wanted = {"": project["artifacts"]}
    wanted |= {item["artifactIdentifier"]: item for item in project.get("secondaryArtifacts", [])}
    done = {}
    for identifier, target in wanted.items():
        if target["type"] == "NO_ARTIFACTS":
            continue
        artifacts = _section(spec, identifier)
        files = collect(artifacts, source=source)
        place = _place(target, artifacts=artifacts, build=build)
        key = None if target.get("encryptionDisabled") else _customer_key(project["encryptionKey"])
        send = uploader.archive if target.get("packaging") == "ZIP" else uploader.folder
        shown = send(files, place=place, key=key)
        done[identifier] = shown | ({"artifactIdentifier": identifier} if identifier else {})
    return done


def _to_pipeline(
    spec: Buildspec, *, pipeline: PipelineArtifacts, uploader: Uploader, source: Path
) -> dict[str, dict[str, Any]]:
    done = {}
    for name, place in pipeline.outputs.items():
        identifier = name if name in spec.secondary_artifacts else ""
        files = collect(_section(spec, identifier), source=source)
        shown = uploader.archive(files, place=place, key=pipeline.encryption_key)
        done[name if len(pipeline.outputs) > 1 else ""] = shown
    return done


def _section(spec: Buildspec, identifier: str) -> Artifacts:
    found = spec.secondary_artifacts.get(identifier) if identifier else spec.artifacts
    if found is None:
        label = f"secondary artifact {identifier}" if identifier else "primary artifact"
        raise PhaseError("CLIENT_ERROR", f"no definition for {label} in buildspec")
    return found


def _place(target: Mapping[str, Any], *, artifacts: Artifacts, build: Build) -> S3Place:
    name = target.get("name") or build.name
    if target.get("overrideArtifactName") and artifacts.name:
        name = artifacts.name
    parts = [target.get("path", "").strip("/")]
    if target.get("namespaceType") == "BUILD_ID":
        parts.append(build.uuid)
    parts.append(name.strip("/"))
    return S3Place(bucket=target["location"], key="/".join(part for part in parts if part))


def _customer_key(key: str) -> str | None:
    # The default is S3's own AWS managed key, which needs no parameter.
    return None if key.endswith(":alias/aws/s3") else key
