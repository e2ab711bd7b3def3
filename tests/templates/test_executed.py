"""A rendered repository passes its own commands, with an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .engines import Renders

# One per framework: what the first leaves out, the second has.
EXECUTED = {
    "scikit-learn": {"problem_type": "regression", "ci": "github", "tuning": True},
    "xgboost": {"framework": "xgboost", "ci": "gitlab"},
}
COMMANDS = {
    "scikit-learn": ["test", "lint", "pipeline", "drift"],
    "xgboost": ["lint", "pipeline", "drift"],
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("framework", EXECUTED)
def test_a_new_repository_passes_its_own_commands(
    renders: Renders, tmp_path: Path, framework: str
) -> None:
    answers = {**EXECUTED[framework], "project_name": "Churn"}
    project = Path(
        shutil.copytree(renders.cookiecutter("training-pipeline", answers), tmp_path / "r")
    )
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "VIRTUAL_ENV", "COV_", "PYTEST_"))
    }
    # `uv run`, which runs this, says where uv is; without it the project gets one from pip.
    if "UV" in environment:
        environment["PATH"] = f"{Path(environment['UV']).parent}{os.pathsep}{environment['PATH']}"
    finished = subprocess.run(
        ["make", *COMMANDS[framework]],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-6000:]
    assert "Hooks skipped" not in finished.stdout
    reports = project / "reports"
    suffixes = {path.suffix for path in reports.iterdir() if path.is_file()}
    assert suffixes == {".html", ".json", ".parquet", ".png"}
    assert "temp" in json.loads((reports / "drift" / "drift.json").read_text())["drifted"]
    evaluation = json.loads((reports / "evaluation.json").read_text())
    assert evaluation["skill"]["value"] > 0
    assert (
        subprocess.run(
            ["git", "status", "--porcelain"],
            cwd=project,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.count("??")
        == 0
    ), "a command left files that Git does not ignore"
