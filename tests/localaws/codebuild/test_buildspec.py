"""The buildspec reader refuses what CodeBuild would, and what it does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.localaws.codebuild.artifacts import matches
from catalog.localaws.codebuild.buildspec import BuildspecError, parse_buildspec


def test_everything_that_is_known():
    spec = parse_buildspec("""
version: 0.2
env:
  shell: bash
  variables: {N: 1, FLAG: true}
  exported-variables: [N]
  git-credential-helper: yes
phases:
  install:
    runtime-versions: {python: 3.12}
    commands: one command
  build:
    on-failure: ABORT
    commands: [a, b]
    finally: [c]
reports: {tests: {files: ['**/*']}}
artifacts:
  files: [a]
  discard-paths: yes
  secondary-artifacts: {second: {files: [b], name: n}}
""")
    assert spec.shell == "bash"
    assert spec.variables == {"N": "1", "FLAG": "true"}
    assert spec.git_credential_helper is True
    assert spec.phases["install"].commands == ("one command",)
    assert spec.phases["build"].finally_commands == ("c",)
    assert spec.without_effect == ("reports",)
    assert spec.artifacts is not None
    assert spec.artifacts.discard_paths is True
    assert spec.secondary_artifacts["second"].name == "n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 0.2\nphases: {build: {commands: [{a: 1}]}}", "Expected Commands[0] to be of st"),
        ("version: 0.2\nphases: {biuld: {}}", "Unknown key 'biuld' in phases"),
        ("version: 0.2\nphases: {build: {command: [a]}}", "Unknown key 'command'"),
        ("version: 0.2\nphase: {}", "Unknown key 'phase'"),
        ("version: 0.2", "phases: missing"),
        ("version: 0.1\nphases: {}", "version 0.1 is not supported"),
        ("version: 0.2\nphases: [", "wrong YAML"),
        ("- a", "Expected buildspec to be a map"),
        ("version: 0.2\nenv: {shell: powershell.exe}\nphases: {}", "is not available here"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY}}", "is not emulated"),
        ("version: 0.2\nrun-as: root\nphases: {}", "run-as is not emulated"),
        ("version: 0.2\nphases: {build: {runtime-versions: {a: 1}}}", "Unknown key 'runtime"),
        ("version: 0.2\nphases: {}\nartifacts: {name: x}", "artifacts/files: missing"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(BuildspecError, match=said.replace("[", r"\[").replace("]", r"\]")):
        parse_buildspec(text)


names = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@given(names)
def test_two_stars_match_every_file_below(name):
    if "." in name.split("/") or ".." in name.split("/"):
        return
    assert matches(name, "**/*")
    assert matches(name, name)
    assert matches(name, "*") == ("/" not in name)
    assert matches(f"top/{name}", "top/**/*")
    assert not matches(f"top/{name}", "other/**/*")
