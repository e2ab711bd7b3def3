"""A step that crashes, retries, a full disk, Ctrl-C: named, and nothing half-written stays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runner_lab import IMAGE, SHARED, WRITE, Lab, get

CACHE = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P7D"}}


def register(model: Any) -> dict[str, Any]:
    container = {"Image": IMAGE, "ModelDataUrl": model}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arguments = {"ModelPackageGroupName": "g", "InferenceSpecification": specification}
    return {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}


def test_a_crash_names_step_log_reason_and_how_to_run_it_again(lab: Lab) -> None:
    step = lab.processing(
        "Crash",
        "print('before')\nraise ValueError('column price is missing')",
        environment={"K": "v w"},
    )
    result = lab.run(step, lab.processing("After", "", DependsOn=["Crash"]))
    assert result.status == "Failed"
    assert lab.states(result) == {"Crash": "Failed", "After": "NotStarted"}
    assert "step Crash failed: exit code 1: ValueError: column price is missing" in result.message
    assert "| before" in result.message
    log, again = re.findall(r"(?:log: |itself: sh )(\S+)", result.message)
    assert "column price is missing" in Path(log).read_text("utf-8")
    rerun = subprocess.run(["sh", again], capture_output=True, text=True, check=False)
    assert rerun.returncode == 1
    assert "column price is missing" in rerun.stderr
    assert "column price is missing" in result.report.read_text("utf-8")


def test_the_failure_file_is_the_reason(lab: Lab) -> None:
    step = lab.training(
        "Train",
        "import os; open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('all one class')\n"
        "raise SystemExit(3)",
    )
    assert "exit code 3: all one class" in lab.run(step).message


def test_nothing_is_published_or_registered_by_a_failed_step(lab: Lab) -> None:
    train = lab.training(
        "Train",
        "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('x'); raise SystemExit(1)",
    )
    model = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    result = lab.run(train, register(model))
    assert result.steps["Register"].state == "NotStarted"
    assert not lab.store.files("s3://b/models")
    assert not (lab.work / "registry").exists()


def test_a_model_without_data_is_not_registered(lab: Lab) -> None:
    result = lab.run(register("s3://b/none/model.tar.gz"))
    assert "nothing registered" in result.message
    assert not (lab.work / "registry").exists()


def test_steps_that_run_already_are_let_finish(lab: Lab) -> None:
    slow = lab.processing(
        "Slow", "import time; time.sleep(0.5)\n" + WRITE.replace("    ", ""),
        outputs={"out": "s3://b/out"}, **CACHE,
    )  # fmt: skip
    result = lab.run(lab.processing("Crash", "raise SystemExit(1)"), slow, max_parallel=2)
    assert lab.states(result) == {"Crash": "Failed", "Slow": "Succeeded"}


KILLED_ONCE = """
    import boto3, os, signal
    s3 = boto3.client("s3")
    if s3.list_objects_v2(Bucket="b", Prefix="seen/")["KeyCount"] == 0:
        s3.put_object(Bucket="b", Key="seen/x", Body=b"")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def policy(kind: str, attempts: int = 2) -> dict[str, Any]:
    one = {"ExceptionType": [kind], "MaxAttempts": attempts, "IntervalSeconds": 0}
    return {"RetryPolicies": [one]}


def test_a_killed_job_is_tried_again_when_its_policy_says_so(lab: Lab) -> None:
    retried = policy("SageMaker.JOB_INTERNAL_ERROR")
    result = lab.run(lab.processing("Once", KILLED_ONCE, **retried))
    assert result.status == "Succeeded", result.message
    assert "attempt 1 failed (SageMaker.JOB_INTERNAL_ERROR)" in result.steps["Once"].notes[0]


def test_other_policies_do_not_apply(lab: Lab) -> None:
    result = lab.run(lab.processing("Once", KILLED_ONCE, **policy("SageMaker.CAPACITY_ERROR")))
    assert result.status == "Failed"


def test_a_crash_of_the_script_is_not_retried_as_in_sagemaker(lab: Lab) -> None:
    retried = policy("SageMaker.JOB_INTERNAL_ERROR")
    result = lab.run(lab.processing("Crash", "raise SystemExit(1)", **retried))
    assert result.status == "Failed"
    assert result.steps["Crash"].notes == []


def test_attempts_run_out(lab: Lab) -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    result = lab.run(lab.processing("Never", script, **policy("SageMaker.JOB_INTERNAL_ERROR")))
    assert result.status == "Failed"
    assert len(result.steps["Never"].notes) == 2


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local_runner", "run", "definition.json", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SHARED)}


def definition(lab: Lab, *steps: Any) -> None:
    content = {"Version": "2020-12-01", "Steps": steps}
    (lab.folder / "definition.json").write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_what_runs_and_the_next_run_resumes(lab: Lab, how: signal.Signals) -> None:
    first = lab.processing("First", WRITE, outputs={"out": "s3://b/out"}, **CACHE)
    slow = """
        import os, pathlib, subprocess, time
        if not os.path.exists("/opt/ml/processing/flag/fast"):
            child = subprocess.Popen(["sleep", "300"])
            pathlib.Path("/opt/ml/processing/out/pid.tmp").write_text(str(child.pid))
            os.rename("/opt/ml/processing/out/pid.tmp", "/opt/ml/processing/out/pid")
            time.sleep(300)
    """
    lab.put("s3://b/flag/x", "")
    second = lab.processing(
        "Second", slow, inputs={"flag": "s3://b/flag"}, outputs={"out": "s3://b/never"},
        DependsOn=["First"],
    )  # fmt: skip
    definition(lab, first, second)
    process = subprocess.Popen(
        command("--store", "work"), cwd=lab.folder, env=environment(), stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
        # A run started in the background by a shell without job control ignores SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (found := list(lab.work.glob("runs/*/Second/**/out/pid"))):
        assert time.monotonic() < deadline, process.communicate()
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    child = int(found[0].read_text("utf-8"))
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped by Ctrl-C in Second" in output
    assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()
    assert not lab.store.files("s3://b/never")
    lab.put("s3://b/flag/fast", "")
    again = subprocess.run(
        command("--store", "work"), cwd=lab.folder, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"First\s+Processing\s+Cached", again.stdout)


def can_mount() -> bool:
    script = "mount -t tmpfs none /mnt"
    probe = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_mount(), reason="needs a small file system of its own")
def test_a_full_disk_is_named_and_leaves_nothing_half_written(lab: Lab) -> None:
    big = """
        import pathlib
        pathlib.Path("/opt/ml/processing/out/big").write_bytes(b"x" * 6_000_000)
    """
    first = lab.processing("Small", WRITE, outputs={"out": "s3://b/out"}, **CACHE)
    second = lab.processing("Big", big, outputs={"out": "s3://b/big"}, DependsOn=["Small"])
    lab.put("s3://b/scripts/filler", b"x" * 3_000_000)
    second["Arguments"]["ProcessingInputs"].append({
        "InputName": "again",
        "S3Input": {"S3Uri": "s3://b/scripts", "LocalPath": "/opt/ml/processing/again",
                    "S3DataType": "S3Prefix", "S3InputMode": "File"},
    })  # fmt: skip
    definition(lab, first, second)
    (lab.folder / "small").mkdir()
    script = (
        "mount -t tmpfs -o size=5m none small && cp -r work/s3 small/ && "
        '"$@"; status=$?; find small/s3/b -name "*big*"; exit $status'
    )
    result = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh",
         *command("--store", "small")],
        cwd=lab.folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stdout + result.stderr
    assert "step Big failed: the disk is full" in result.stdout
    assert "cached steps stay" in result.stdout
    assert "small/s3/b/big" not in result.stdout.splitlines()


def test_an_empty_input_and_a_missing_one(lab: Lab) -> None:
    step = lab.processing("Read", "", inputs={"data": "s3://b/none"})
    result = lab.run(step)
    assert "step Read failed: s3://b/none: nothing there" in result.message


def test_an_output_that_is_not_json(lab: Lab) -> None:
    write = lab.processing(
        "Write",
        "open('/opt/ml/processing/out/r.json','w').write('{half')",
        outputs={"out": "s3://b/r"},
        PropertyFiles=[{"PropertyFileName": "R", "OutputName": "out", "FilePath": "r.json"}],
    )
    value = {"Std:JsonGet": {"PropertyFile": get("Steps.Write.PropertyFiles.R"), "Path": "a"}}
    condition = {"Type": "Equals", "LeftValue": value, "RightValue": 1}
    result = lab.run(lab.condition("C", [condition], []), write)
    assert result.message.startswith("step C failed: s3://b/r/r.json: not JSON")
