"""The command line, the settings in pyproject.toml and the report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from local_runner import Registry, RunnerError, Settings, load
from local_runner.__main__ import main
from runner_lab import SHARED, WRITE, Lab, get

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001000529a8a00000000049454e44ae426082"
)


@pytest.fixture
def repo(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a pipeline: symbols, a source set, a mounted folder, a parameter."""
    root = lab.folder
    for name in ("src", "data"):
        (root / name).mkdir()
    (root / "data" / "a.txt").write_text("from the repository", "utf-8")
    (root / "src" / "go.py").write_text(
        "import pathlib, shutil, sys\n"
        "out = pathlib.Path('/opt/ml/processing/out')\n"
        "shutil.copy('/opt/ml/processing/data/a.txt', out)\n"
        "(out / 'metrics.json').write_text('{\"auc\": {\"value\": 0.875}}')\n"
        f"(out / 'roc.png').write_bytes(bytes.fromhex('{PNG.hex()}'))\n"
        "assert sys.argv[1] == 'loud', sys.argv\n",
        "utf-8",
    )
    (root / "pyproject.toml").write_text(
        "[tool.local-pipeline]\n"
        'bucket = "mine"\nmodel-package-group = "models"\nwork = "work"\n'
        'code = { main = ["src"] }\nmounts = { "s3://mine/data" = "data" }\n',
        "utf-8",
    )
    inputs = {"data": "s3://${bucket}/data", "source": "${code:main}"}
    step = lab.processing("Go", "", inputs=inputs, outputs={"out": "s3://${bucket}/out"})
    step["Arguments"]["RoleArn"] = "${role}"
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = [
        "bash", "-c", "tar -xzf /opt/ml/processing/source/sourcedir.tar.gz && python3 go.py $0",
        get("Parameters.Voice"),
    ]  # fmt: skip
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Voice", "Type": "String"}],
        "Steps": [step],
    }
    (root / "definition.json").write_text(json.dumps(definition), "utf-8")
    monkeypatch.chdir(root)
    return root


def test_run_and_report(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--parameter", "Voice=loud"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"Go\s+Processing\s+Succeeded", out)
    assert re.search(r"auc\.value\s+0\.875", out)
    assert (repo / "work/s3/mine/out/a.txt").read_text("utf-8") == "from the repository"
    page = (repo / "work/runs/latest/report.html").read_text("utf-8")
    assert "data:image/png;base64," in page
    assert "0.875" in page
    assert "loud" in page
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page)
    saved = json.loads((repo / "work/runs/latest/run.json").read_text("utf-8"))
    assert saved["steps"]["Go"]["state"] == "Succeeded"


def test_exit_codes(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--parameter", "Voice=quiet"]) == 1
    assert "AssertionError" in capsys.readouterr().out
    assert main(["run"]) == 2
    assert "Voice: no default" in capsys.readouterr().err
    assert main(["run", "none.json"]) == 2
    assert "none.json: No such file" in capsys.readouterr().err
    assert main(["run", "-p", "Voice"]) == 2
    assert "write NAME=VALUE" in capsys.readouterr().err


def test_list_and_approve(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Registry(repo / "work" / "registry").register({"ModelPackageGroupName": "models"})
    assert main(["list"]) == 0
    assert capsys.readouterr().out.endswith("model-package/models/1  PendingManualApproval\n")
    assert main(["approve", "models/1"]) == 0
    assert main(["list", "models"]) == 0
    assert capsys.readouterr().out.endswith("models/1  Approved\n")
    assert main(["approve", "models/2"]) == 2
    assert "no such model package" in capsys.readouterr().err


def test_the_package_runs_under_another_name_without_botocore(repo: Path) -> None:
    """As in a generated repository: copied, as `pipelines.local`, with no botocore at hand."""
    package = repo / "pipelines"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "local").symlink_to(SHARED / "local_runner")
    program = (
        "import sys, runpy; sys.modules['botocore'] = None; "
        "sys.argv[1:] = ['run', '-p', 'Voice=loud']; "
        "runpy.run_module('pipelines.local', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=repo, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert "botocore is not installed" in result.stderr


def test_what_differs_is_said_once(lab: Lab) -> None:
    lab.run(lab.processing("A", ""), lab.processing("B", ""))
    assert lab.progress.getvalue().count("not in the image") == 1


def test_pip_in_a_job_leaves_this_machine_alone(lab: Lab) -> None:
    step = lab.processing(
        "Install",
        """
        import subprocess, sys
        for pip in (["pip"], ["pip3"], [sys.executable, "-m", "pip"]):
            subprocess.run([*pip, "install", "a-package-that-does-not-exist"], check=True)
        """,
    )
    result = lab.run(step)
    assert result.status == "Succeeded", result.message
    log = (result.steps["Install"].folder / "attempt-1" / "log.txt").read_text("utf-8")
    assert log.count("left out") == 3


class TestSettings:
    def test_defaults(self, tmp_path: Path) -> None:
        settings = load(tmp_path)
        assert settings == Settings(
            definition=tmp_path / "definition.json", work=tmp_path / ".local-pipeline"
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("bukket = 'x'", r"unknown keys \['bukket'\]"),
            ("code = ['src']", r"takes tables: code"),
            ("code = {", "pyproject.toml"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "pyproject.toml").write_text(f"[tool.local-pipeline]\n{text}\n", "utf-8")
        with pytest.raises(RunnerError, match=message):
            load(tmp_path)


def test_sandboxes_of_good_steps_go_unless_kept(lab: Lab) -> None:
    step = lab.processing("Keep", WRITE, outputs={"out": "s3://b/out"})
    gone, kept = lab.run(step), lab.run(step, keep=True)
    assert not list(gone.folder.glob("**/opt"))
    assert (gone.folder / "Keep/attempt-1/log.txt").exists()
    assert list(kept.folder.glob("**/opt/ml/processing/code/Keep.py"))
