"""Repositories stay updatable: from a release, through the repository's own commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import copier
import pytest
from cookiecutter.main import cookiecutter

from scripts.rendering import copy_catalog
from scripts.template_sources import SKELETON

from .engines import ANSWERS_FILE, tree

TEMPLATE = "training-pipeline"
IDENTITY = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def release(catalog: Path, tag: str) -> None:
    git(catalog, "add", "--all")
    git(catalog, "commit", "--quiet", "--allow-empty", "--message", tag)
    git(catalog, "tag", "--annotate", tag, "--message", tag)


@pytest.fixture(scope="module")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog repository with one release, v1.0.0."""
    folder = copy_catalog(tmp_path_factory.mktemp("released"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    release(folder, "v1.0.0")
    return folder


@pytest.fixture
def catalog(first_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_release, tmp_path / "catalog"))


def new_project(catalog: Path, target: Path, **answers: str) -> Path:
    copier.run_copy(str(catalog), target, data=answers, defaults=True, quiet=True, unsafe=False)
    return under_git(target)


def under_git(project: Path) -> Path:
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "config", "user.name", "tests")
    git(project, "config", "user.email", "tests@example.com")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "start")
    return project


def template_command(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m tools.template ...`, with the installed Copier in place of `uv tool run`."""
    binaries = project.parent / "bin"
    binaries.mkdir(exist_ok=True)
    shim = binaries / "uv"
    shim.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            [ "$1 $2 $3 $5" = "tool run --from copier" ] || exit 99
            shift 5
            exec "{sys.executable}" -m copier "$@"
            """)
    )
    shim.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-B", "-m", "tools.template", *arguments],
        cwd=project,
        env={**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def second_release(catalog: Path) -> None:
    skeleton = catalog / "templates" / TEMPLATE / SKELETON
    buildspec = skeleton / "buildspec.yml"
    buildspec.write_text(buildspec.read_text().replace("- make lint", "- make lint # v1.1.0"))
    (skeleton / "NEW.md").write_text("New in v1.1.0 for {{ cookiecutter.project_name }}\n")
    release(catalog, "v1.1.0")


def test_an_update_keeps_edits_and_brings_the_new(catalog: Path, tmp_path: Path) -> None:
    project = new_project(catalog, tmp_path / "project", ci="github")
    (project / "src" / "flight_delays" / "own.py").write_text('"""Mine."""\n')
    with (project / "Makefile").open("a") as stream:
        stream.write("\nown:\n\t@echo mine\n")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "own work")
    second_release(catalog)

    status = template_command(project, "status")
    assert status.returncode == 0
    assert "at v1.0.0" in status.stdout
    assert "newer: v1.1.0" in status.stdout

    update = template_command(project, "update")
    assert update.returncode == 0, update.stdout + update.stderr
    assert "echo mine" in (project / "Makefile").read_text()
    assert (project / "src" / "flight_delays" / "own.py").is_file()
    assert "# v1.1.0" in (project / "buildspec.yml").read_text()
    assert (project / "NEW.md").read_text() == "New in v1.1.0 for Flight delays\n"
    assert "newest" in template_command(project, "status").stdout


def test_a_conflict_is_reported_and_fails(catalog: Path, tmp_path: Path) -> None:
    project = new_project(catalog, tmp_path / "project")
    buildspec = project / "buildspec.yml"
    buildspec.write_text(buildspec.read_text().replace("- make lint", "- make lint # mine"))
    git(project, "commit", "--all", "--quiet", "--message", "own work")
    second_release(catalog)

    update = template_command(project, "update")
    assert update.returncode == 1
    assert "buildspec.yml" in update.stdout
    assert "<<<<<<<" in buildspec.read_text()
    assert (project / "NEW.md").is_file()


def test_an_answer_can_change_and_the_template_cannot(catalog: Path, tmp_path: Path) -> None:
    project = new_project(catalog, tmp_path / "project", ci="github")
    refused = template_command(project, "update", "--answer", "template=other")
    assert refused.returncode == 1
    assert "would delete its files" in refused.stderr
    changed = template_command(project, "update", "--answer", "ci=gitlab")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert not (project / ".github").exists()
    assert (project / ".gitlab-ci.yml").is_file()


def by_cookiecutter(catalog: Path, target: Path) -> Path:
    target.mkdir()
    config = target / "config.yml"
    config.write_text(f"cookiecutters_dir: {target}\nreplay_dir: {target}\n")
    return Path(
        cookiecutter(
            str(catalog),
            directory=f"templates/{TEMPLATE}",
            no_input=True,
            extra_context={"ci": "gitlab", "description": "Ü: 'x'".replace("'", "") + " #1"},
            output_dir=str(target),
            config_file=str(config),
        )
    )


def test_both_engines_record_the_same_answers_at_a_release(catalog: Path, tmp_path: Path) -> None:
    made = by_cookiecutter(catalog, tmp_path / "out")
    reference = new_project(catalog, tmp_path / "reference", ci="gitlab", description="Ü: x #1")
    assert tree(made) == tree(reference)
    assert "_commit: v1.0.0" in (made / ANSWERS_FILE).read_text()
    second_release(catalog)
    update = template_command(under_git(made), "update")
    assert update.returncode == 0, update.stdout + update.stderr
    assert (made / "NEW.md").is_file()


def test_a_project_from_between_releases_can_adopt_one(catalog: Path, tmp_path: Path) -> None:
    git(catalog, "commit", "--quiet", "--allow-empty", "--message", "work goes on")
    made = by_cookiecutter(catalog, tmp_path / "out")
    assert not (made / ANSWERS_FILE).exists()
    status = template_command(made, "status")
    assert status.returncode == 1
    assert "make template-adopt" in status.stderr

    adopted = template_command(made, "adopt", "--source", str(catalog), "--tag", "v1.0.0")
    assert adopted.returncode == 0, adopted.stdout + adopted.stderr
    second_release(catalog)
    update = template_command(under_git(made), "update")
    assert update.returncode == 0, update.stdout + update.stderr
    assert (made / "NEW.md").is_file()


def test_a_changed_checkout_counts_as_no_release(catalog: Path, tmp_path: Path) -> None:
    (catalog / "templates" / TEMPLATE / SKELETON / "EXTRA.md").write_text("not released\n")
    made = by_cookiecutter(catalog, tmp_path / "out")
    assert not (made / ANSWERS_FILE).exists()


def test_the_root_chooser_leads_to_the_template(catalog: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(f"cookiecutters_dir: {tmp_path}\nreplay_dir: {tmp_path}\n")
    made = cookiecutter(
        str(catalog), no_input=True, output_dir=str(tmp_path / "out"), config_file=str(config)
    )
    assert (Path(made) / "pipelines" / "definition.json").is_file()
