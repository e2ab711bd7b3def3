"""Reading a buildspec, version 0.2.

The grammar is AWS's "Build specification reference for CodeBuild". What this reader does not
know is an error, never ignored; sections that are known but have no effect here (reports, cache)
are listed in `Buildspec.without_effect`, for the build log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = {"sh": "sh", "/bin/sh": "sh", "bash": "bash", "/bin/bash": "bash"}
WITHOUT_EFFECT = ("reports", "cache", "proxy", "batch")


class BuildspecError(Exception):
    """A buildspec that CodeBuild would refuse; the message is the phase context's."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One of the four command phases.

    Attributes:
        on_failure: `ABORT`, `CONTINUE`, or empty for the default transitions.
    """

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: str = ""
    runtime_versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """Which files a build hands over."""

    files: tuple[str, ...]
    name: str = ""
    base_directory: str = ""
    discard_paths: bool = False
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Buildspec:
    """A checked buildspec.

    Attributes:
        parameter_store: variable name → name of the SSM parameter.
        secrets: variable name → Secrets Manager reference.
        without_effect: sections that are accepted but do nothing on the local AWS.
    """

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    git_credential_helper: bool = False
    phases: Mapping[str, Phase] = field(default_factory=dict)
    artifacts: Artifacts | None = None
    secondary_artifacts: Mapping[str, Artifacts] = field(default_factory=dict)
    without_effect: tuple[str, ...] = ()


def parse_buildspec(text: str) -> Buildspec:
    """Read a buildspec.

    Args:
        text: YAML (or JSON, which is YAML).

    Raises:
        BuildspecError: the text is no buildspec of version 0.2.
    """
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise BuildspecError(f"wrong YAML: {' '.join(str(error).split())}") from error
    top = _mapping(data, "buildspec")
    _known(top, {"version", "run-as", "env", "phases", "artifacts", *WITHOUT_EFFECT}, "buildspec")
    if str(top.get("version", "")) != "0.2":
        raise BuildspecError(
            f"version {top.get('version')!r} is not supported by the local AWS: use version: 0.2"
        )
    if "run-as" in top:
        raise BuildspecError("run-as is not emulated: builds run as the user of the local AWS")
    if "phases" not in top:
        raise BuildspecError("phases: missing")
    env = _mapping(top.get("env"), "env")
    _known(
        env,
        {
            "shell",
            "variables",
            "parameter-store",
            "secrets-manager",
            "exported-variables",
            "git-credential-helper",
        },
        "env",
    )
    artifacts, secondary = _artifacts(top.get("artifacts"))
    return Buildspec(
        shell=_shell(env.get("shell", "sh")),
        variables=_text_map(env.get("variables"), "env/variables"),
        parameter_store=_text_map(env.get("parameter-store"), "env/parameter-store"),
        secrets=_text_map(env.get("secrets-manager"), "env/secrets-manager"),
        exported=_texts(env.get("exported-variables"), "exported-variables"),
        git_credential_helper=_switch(
            env.get("git-credential-helper", False), "git-credential-helper"
        ),
        phases=_phases(top["phases"]),
        artifacts=artifacts,
        secondary_artifacts=secondary,
        without_effect=tuple(name for name in WITHOUT_EFFECT if name in top),
    )


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"Expected {where} to be a map: found {_kind(value)} instead")
    return value


def _known(value: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for key in value:
        if key not in allowed:
            raise BuildspecError(f"Unknown key {key!r} in {where}")


def _kind(value: Any) -> str:
    kinds = {dict: "a map", list: "a list", str: "a string", bool: "a boolean"}
    return kinds.get(type(value), f"{value!r}")


def _scalar(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BuildspecError(f"Expected {where} to be of string type: found {_kind(value)} instead")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise BuildspecError(f"Expected {where} to be a list: found {_kind(value)} instead")
    return tuple(_scalar(item, f"{where}[{index}]") for index, item in enumerate(value))


def _text_map(value: Any, where: str) -> dict[str, str]:
    items = _mapping(value, where)
    return {str(name): _scalar(item, f"{where}/{name}") for name, item in items.items()}


def _switch(value: Any, where: str) -> bool:
    # YAML 1.2 reads yes and no as text; AWS's examples write them.
    if isinstance(value, bool):
        return value
    if value in {"yes", "no"}:
        return bool(value == "yes")
    raise BuildspecError(f"Expected {where} to be yes or no")


def _shell(value: Any) -> str:
    if value not in SHELLS:
        raise BuildspecError(
            f"env/shell {value!r} is not available here: {', '.join(sorted(SHELLS))}"
        )
    return SHELLS[value]


def _phases(value: Any) -> dict[str, Phase]:
    phases = _mapping(value, "phases")
    _known(phases, set(PHASES), "phases")
    return {name: _phase(name, _mapping(body, name)) for name, body in phases.items()}


def _phase(name: str, body: dict[str, Any]) -> Phase:
    allowed = {"commands", "finally", "on-failure", "run-as"}
    if name == "install":
        allowed.add("runtime-versions")
    _known(body, allowed, f"phases/{name}")
    if "run-as" in body:
        raise BuildspecError("run-as is not emulated: builds run as the user of the local AWS")
    on_failure = str(body.get("on-failure", ""))
    if on_failure not in {"", "ABORT", "CONTINUE"}:
        raise BuildspecError(
            f"phases/{name}/on-failure {on_failure!r} is not emulated: ABORT or CONTINUE"
        )
    return Phase(
        commands=_texts(body.get("commands"), "Commands"),
        finally_commands=_texts(body.get("finally"), "finally"),
        on_failure=on_failure,
        runtime_versions=_text_map(body.get("runtime-versions"), "runtime-versions"),
    )


def _artifacts(value: Any) -> tuple[Artifacts | None, dict[str, Artifacts]]:
    body = _mapping(value, "artifacts")
    if not body:
        return None, {}
    secondary = {
        str(name): _one_artifact(_mapping(item, f"secondary-artifacts/{name}"))
        for name, item in _mapping(body.pop("secondary-artifacts", None), "artifacts").items()
    }
    return (_one_artifact(body) if body else None), secondary


def _one_artifact(body: dict[str, Any]) -> Artifacts:
    known = {"files", "name", "base-directory", "discard-paths", "exclude-paths"}
    _known(body, known, "artifacts")
    files = _texts(body.get("files"), "artifacts/files")
    if not files:
        raise BuildspecError("artifacts/files: missing")
    return Artifacts(
        files=files,
        name=_scalar(body.get("name", ""), "artifacts/name"),
        base_directory=_scalar(body.get("base-directory", ""), "artifacts/base-directory"),
        discard_paths=_switch(body.get("discard-paths", False), "discard-paths"),
        exclude_paths=_texts(body.get("exclude-paths"), "exclude-paths"),
    )
