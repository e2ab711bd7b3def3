"""The command tree: help, exit codes, and how errors reach a person."""

import click
import pytest

from catalog.cli.app import app
from catalog.cli.main import USAGE_EXIT_CODE, run


def commands(command: click.Command = app, path: tuple[str, ...] = ()):
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_every_command_and_option_has_help(path, command, capsys):
    assert run([*path, "--help"]) == 0
    assert command.help
    shown = capsys.readouterr().out
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{' '.join(path)} {parameter.opts}"
            assert parameter.opts[0] in shown


def test_a_wrong_option_is_a_usage_error_and_not_a_plan_with_changes(capsys):
    assert run(["plan", "--no-such-option"]) == USAGE_EXIT_CODE
    assert "--no-such-option" in capsys.readouterr().err


def test_a_manifest_that_is_not_there_says_so_without_a_traceback(tmp_path, capsys):
    missing = tmp_path / "catalog.yml"
    assert run(["apply", "--manifest", str(missing), "--dev"]) == 10
    assert "catalog.yml" in capsys.readouterr().err


def test_plan_answers_1_for_an_error_whatever_its_kind(tmp_path, capsys):
    assert run(["plan", "--manifest", str(tmp_path / "none.yml"), "--dev"]) == 1
    assert "none.yml" in capsys.readouterr().err


def test_every_problem_of_a_manifest_is_shown_with_its_line(tmp_path, capsys):
    manifest = tmp_path / "catalog.yml"
    manifest.write_text(
        "catalog: acme\n"
        "url: https://github.com/acme/catalog\n"
        "organization: not-an-organization\n"
        "hub:\n"
        "  account: 12345\n"
        "regions: [mars-north-1]\n"
    )
    assert run(["plan", "--manifest", str(manifest), "--dev"]) == 1
    shown = capsys.readouterr().err
    for line in (3, 5, 6):
        assert f"catalog.yml:{line}" in shown


def test_github_actions_gets_annotations_with_file_and_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    manifest = tmp_path / "catalog.yml"
    manifest.write_text("catalog: acme\nurl: ftp://nowhere\n")
    run(["plan", "--manifest", str(manifest), "--dev"])
    out = capsys.readouterr().out
    assert f"::error file={manifest},line=2::" in out
