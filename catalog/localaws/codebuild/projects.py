"""Build projects: what is kept, the defaults AWS fills in, what it refuses."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from typing import Any

from catalog.localaws.core.service import ServiceError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}")
_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
_SETTINGS = (
    "description",
    "source",
    "secondarySources",
    "sourceVersion",
    "secondarySourceVersions",
    "artifacts",
    "secondaryArtifacts",
    "cache",
    "environment",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "tags",
    "vpcConfig",
    "logsConfig",
    "fileSystemLocations",
    "buildBatchConfig",
    "concurrentBuildLimit",
    "autoRetryLimit",
)
# Timeouts in minutes, from the API reference of CreateProject.
_LIMITS = {"timeoutInMinutes": (5, 2160), "queuedTimeoutInMinutes": (5, 480)}


def invalid(message: str) -> ServiceError:
    """Return CodeBuild's refusal of an input."""
    return ServiceError("InvalidInputException", message)


def new_project(params: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
    """Return a project as BatchGetProjects shows it, from CreateProject's input.

    Raises:
        ServiceError: `InvalidInputException`.
    """
    name = params["name"]
    if not _NAME.fullmatch(name):
        raise invalid(
            f"Project name {name!r} must start with a letter or number, have 2 to 150 characters, "
            "and hold only letters, numbers, - and _"
        )
    now = datetime.now(UTC)
    project: dict[str, Any] = {
        "name": name,
        "arn": f"arn:aws:codebuild:{region}:{account}:project/{name}",
        "cache": {"type": "NO_CACHE"},
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": f"arn:aws:kms:{region}:{account}:alias/aws/s3",
        "badge": {"badgeEnabled": bool(params.get("badgeEnabled", False))},
        "projectVisibility": "PRIVATE",
        "tags": [],
        "created": now,
        "lastModified": now,
    }
    return _applied(project, params)


def updated_project(project: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return a project with UpdateProject's input applied.

    Raises:
        ServiceError: `InvalidInputException`.
    """
    changed = _applied(copy.deepcopy(project), params)
    changed["lastModified"] = datetime.now(UTC)
    return changed


def _applied(project: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    for key in _SETTINGS:
        if key in params:
            project[key] = copy.deepcopy(params[key])
    if "badgeEnabled" in params:
        project["badge"] = {"badgeEnabled": params["badgeEnabled"]}
    _fill(project)
    check_settings(project)
    return project


def _fill(project: dict[str, Any]) -> None:
    environment = project["environment"]
    environment.setdefault("imagePullCredentialsType", "CODEBUILD")
    environment.setdefault("privilegedMode", False)
    environment.setdefault("environmentVariables", [])
    for variable in environment["environmentVariables"]:
        variable.setdefault("type", "PLAINTEXT")
    for source in (project["source"], *project.get("secondarySources", [])):
        source.setdefault("insecureSsl", False)
    for artifacts in (project["artifacts"], *project.get("secondaryArtifacts", [])):
        if artifacts["type"] == "S3":
            artifacts.setdefault("packaging", "NONE")
            artifacts.setdefault("namespaceType", "NONE")
            artifacts.setdefault("encryptionDisabled", False)


def check_settings(project: dict[str, Any]) -> None:
    """Refuse settings that CodeBuild refuses.

    Raises:
        ServiceError: `InvalidInputException`.
    """
    if not _ROLE.fullmatch(project["serviceRole"]):
        raise invalid(f"Invalid service role: {project['serviceRole']} is no IAM role ARN")
    for key, (low, high) in _LIMITS.items():
        if not low <= project[key] <= high:
            raise invalid(f"{key} must be between {low} and {high}")
    for variable in project["environment"]["environmentVariables"]:
        if not _VARIABLE.fullmatch(variable["name"]):
            raise invalid(f"Invalid environment variable name: {variable['name']!r}")
    _check_sources(project)
    _check_artifacts(project)


def _check_sources(project: dict[str, Any]) -> None:
    kind = project["source"]["type"]
    pipeline = kind == "CODEPIPELINE"
    if pipeline != (project["artifacts"]["type"] == "CODEPIPELINE"):
        raise invalid(
            "Invalid artifacts: source type CODEPIPELINE and artifact type CODEPIPELINE "
            "must be used together"
        )
    if kind == "NO_SOURCE" and "\n" not in project["source"].get("buildspec", ""):
        raise invalid("Project source type NO_SOURCE requires an inline buildspec")
    for source in (project["source"], *project.get("secondarySources", [])):
        if source["type"] not in {"NO_SOURCE", "CODEPIPELINE"} and not source.get("location"):
            raise invalid(f"Invalid project source: location is required for {source['type']}")
    identifiers = [source.get("sourceIdentifier") for source in project.get("secondarySources", [])]
    if None in identifiers or len(set(identifiers)) != len(identifiers):
        raise invalid("Each secondary source needs a sourceIdentifier of its own")


def _check_artifacts(project: dict[str, Any]) -> None:
    for artifacts in (project["artifacts"], *project.get("secondaryArtifacts", [])):
        if artifacts["type"] == "S3" and not artifacts.get("location"):
            raise invalid("Invalid artifacts: location is required for S3")


_OVERRIDES = {
    "artifactsOverride": "artifacts",
    "secondaryArtifactsOverride": "secondaryArtifacts",
    "secondarySourcesOverride": "secondarySources",
    "secondarySourcesVersionOverride": "secondarySourceVersions",
    "cacheOverride": "cache",
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "encryptionKeyOverride": "encryptionKey",
    "logsConfigOverride": "logsConfig",
}
_SOURCE_OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "sourceAuthOverride": "auth",
    "gitCloneDepthOverride": "gitCloneDepth",
    "gitSubmodulesConfigOverride": "gitSubmodulesConfig",
    "buildspecOverride": "buildspec",
    "insecureSslOverride": "insecureSsl",
    "reportBuildStatusOverride": "reportBuildStatus",
}
_ENVIRONMENT_OVERRIDES = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
    "certificateOverride": "certificate",
    "privilegedModeOverride": "privilegedMode",
    "imagePullCredentialsTypeOverride": "imagePullCredentialsType",
    "registryCredentialOverride": "registryCredential",
}


def overridden(project: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Return a project's settings for one build, from StartBuild's input.

    Raises:
        ServiceError: `InvalidInputException`.
    """
    settings = copy.deepcopy(project)
    for names, target in (
        (_OVERRIDES, settings),
        (_SOURCE_OVERRIDES, settings["source"]),
        (_ENVIRONMENT_OVERRIDES, settings["environment"]),
    ):
        target.update(
            {key: copy.deepcopy(params[name]) for name, key in names.items() if name in params}
        )
    variables = {item["name"]: item for item in settings["environment"]["environmentVariables"]}
    for item in params.get("environmentVariablesOverride", []):
        variables[item["name"]] = {"type": "PLAINTEXT", **item}
    settings["environment"]["environmentVariables"] = list(variables.values())
    if settings["source"]["type"] == "NO_SOURCE":
        settings["source"].pop("location", None)
    _fill(settings)
    check_settings(settings)
    return settings
