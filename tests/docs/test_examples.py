"""What the documents show is true: commands exist, YAML is valid, links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from catalog import errors
from catalog.cli.app import app
from catalog.manifest.load import load_catalog

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list:
    return [
        pytest.param(body, id=f"{path.relative_to(ROOT)}-{number}")
        for path in DOCUMENTS
        for number, (kind, body) in enumerate(FENCE.findall(path.read_text(encoding="utf-8")))
        if kind == language
    ]


def parse(words: list[str]) -> None:
    """Parse a publish-catalog command line without running it."""
    command: click.Command = app
    context = click.Context(app, info_name="publish-catalog")
    while isinstance(command, click.Group):
        context = command.make_context(command.name, words, parent=None, resilient_parsing=True)
        words = [*context._protected_args, *context.args]
        if not words:
            return
        name, command, words = command.resolve_command(context, words)
        assert command is not None, name
    command.make_context(command.name, list(words))


@pytest.mark.parametrize("body", blocks("console"))
def test_every_command_that_the_documents_show_exists(body):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in body.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["publish-catalog"]:
            parse(words[1:])
        elif words[:1] == ["make"]:
            assert set(words[1:]) <= targets, line


@pytest.mark.parametrize("body", [b for b in blocks("yaml") if "portfolios:" in b.values[0]])
def test_every_manifest_in_the_documents_is_valid(body, tmp_path):
    path = tmp_path / "catalog.yml"
    path.write_text(body)
    assert load_catalog(path=path).portfolios


def test_the_manifest_that_ships_is_valid():
    templates = [path.parent.name for path in ROOT.glob("templates/*/template.yml")]
    assert load_catalog(path=ROOT / "catalog.yml", templates=templates).regions


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_documented_exit_codes_are_those_of_the_errors():
    text = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    kinds = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CatalogError)
    }
    assert documented - {64, 130} == kinds - {1}
