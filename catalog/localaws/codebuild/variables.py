"""The CODEBUILD_ variables, and the variables that projects, builds and buildspecs set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import Build
from catalog.localaws.codebuild.buildspec import Buildspec
from catalog.localaws.codebuild.failures import PhaseError

_GET_PARAMETERS_LIMIT = 10


def build_variables(build: Build, *, source_folder: Callable[[str], Path]) -> dict[str, str]:
    """Return the variables of AWS's "Environment variables in build environments".

    Args:
        build: whose variables.
        source_folder: identifier of a secondary source, or "" for the primary → its folder.
    """
    project = build.project
    variables = {
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": project["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_BUILD_URL": (
            f"https://{build.region}.console.aws.amazon.com/codebuild/home"
            f"?region={build.region}#/builds/{build.id}/view/new"
        ),
        "CODEBUILD_INITIATOR": build.initiator,
        "CODEBUILD_KMS_KEY_ID": project["encryptionKey"],
        "CODEBUILD_LOG_PATH": build.uuid,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.resolved_source_version,
        "CODEBUILD_SOURCE_REPO_URL": project["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": build.source_version,
        "CODEBUILD_SRC_DIR": str(source_folder("")),
        "CODEBUILD_START_TIME": str(int(build.start.timestamp() * 1000)),
    }
    names = [item["sourceIdentifier"] for item in project.get("secondarySources", [])]
    if build.pipeline:
        names = [name for name in build.pipeline.inputs if name != build.pipeline.primary]
    for name in names:
        variables[f"CODEBUILD_SRC_DIR_{name}"] = str(source_folder(name))
    return variables


def resolve_variables(
    *, spec: Buildspec, given: Sequence[dict[str, str]], ssm: Any
) -> dict[str, str]:
    """Return the variables of the buildspec and of the project or StartBuild, which win.

    Args:
        spec: the buildspec.
        given: `environmentVariables`, with StartBuild's overrides applied.
        ssm: client of the service role.

    Raises:
        PhaseError: a parameter cannot be read, or a type is not emulated.
    """
    plain = dict(spec.variables)
    stored = dict(spec.parameter_store)
    secrets = dict(spec.secrets)
    for item in given:
        name, value = item["name"], item["value"]
        for kind in (plain, stored, secrets):
            kind.pop(name, None)
        {"PLAINTEXT": plain, "PARAMETER_STORE": stored, "SECRETS_MANAGER": secrets}[item["type"]][
            name
        ] = value
    if secrets:
        raise PhaseError(
            "Secrets Manager Error Message",
            "SECRETS_MANAGER variables are not emulated by the local AWS: "
            + ", ".join(sorted(secrets)),
        )
    return plain | _parameters(stored, ssm=ssm)


def _parameters(stored: dict[str, str], *, ssm: Any) -> dict[str, str]:
    wanted = sorted(set(stored.values()))
    values: dict[str, str] = {}
    for start in range(0, len(wanted), _GET_PARAMETERS_LIMIT):
        names = wanted[start : start + _GET_PARAMETERS_LIMIT]
        try:
            answer = ssm.get_parameters(Names=names, WithDecryption=True)
        except ClientError as error:
            told = error.response["Error"]
            raise PhaseError(
                "Decrypted Variables Error", f"{told['Code']}: {told['Message']}"
            ) from error
        if answer["InvalidParameters"]:
            raise PhaseError(
                "Decrypted Variables Error",
                f"parameter does not exist: {', '.join(answer['InvalidParameters'])}",
            )
        values |= {item["Name"]: item["Value"] for item in answer["Parameters"]}
    return {name: values[parameter] for name, parameter in stored.items()}
