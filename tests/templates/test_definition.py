"""The committed definition is what the SDK compiles, offline, and what SageMaker accepts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from scripts.compile_definitions import COMPILED
from scripts.rendering import combinations
from scripts.template_sources import ROOT, load_template

from .engines import Renders

TEMPLATE = "training-pipeline"
DEFINITION_ANSWERS = load_template(ROOT / "templates" / TEMPLATE).definition_answers
COMBINATIONS = list(combinations(load_template(ROOT / "templates" / TEMPLATE), DEFINITION_ANSWERS))
# Framework and tuning change different parts: two of the four take ten seconds less each.
COMPILED_HERE: list[dict[str, str | bool]] = [
    {"framework": "scikit-learn", "tuning": True},
    {"framework": "xgboost", "tuning": False},
]
NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise OSError("the network was used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
    "RegisterModel": ("CreateModelPackage", "ModelPackageName"),
}


@pytest.mark.slow
@pytest.mark.parametrize("answers", COMPILED_HERE, ids=str)
def test_the_sdk_compiles_the_committed_definition_without_network(
    renders: Renders, tmp_path: Path, answers: dict[str, str | bool]
) -> None:
    assert answers in COMBINATIONS
    project = renders.copy(TEMPLATE, answers, tmp_path / "project")
    before = {name: (project / name).read_bytes() for name in COMPILED}
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / "sitecustomize.py").write_text(NO_NETWORK)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    finished = subprocess.run(
        [sys.executable, "-B", "-m", "pipelines", "compile"],
        cwd=project,
        env={**environment, "PYTHONPATH": str(tmp_path / "block"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    changed = [name for name in COMPILED if (project / name).read_bytes() != before[name]]
    assert changed == [], "run `python -m scripts.compile_definitions`"


SYMBOLS = {
    "${role}": "arn:aws:iam::123456789012:role/jobs",
    "${registry}": "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "${bucket}": "a-bucket",
    "${model_package_group}": "a-group",
    "${region}": "eu-west-1",
    "${code:pipeline}": "s3://a-bucket/code/1/sourcedir.tar.gz",
}


FILES: dict[str, dict[str, str | bool]] = {
    "tuned": {"tuning": True},
    "plain": {"framework": "xgboost"},
    "drift": {},
}


@pytest.fixture(scope="module", params=FILES)
def text(request: pytest.FixtureRequest, renders: Renders) -> str:
    name = "drift.json" if request.param == "drift" else "definition.json"
    path = renders.copier(TEMPLATE, FILES[request.param]) / "pipelines" / name
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def definition(text: str) -> dict[str, Any]:
    """The definition with every symbol resolved."""
    for symbol, value in SYMBOLS.items():
        text = text.replace(symbol, value)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def steps(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps, those inside conditions too."""
    queue = list(definition["Steps"])
    while queue:
        step = queue.pop(0)
        yield step
        queue += step["Arguments"].get("IfSteps", []) + step["Arguments"].get("ElseSteps", [])


def resolved(value: Any, parameters: dict[str, Any]) -> Any:
    """The request SageMaker would make of it, with stand-ins for what only a run knows."""
    if isinstance(value, list):
        return [resolved(item, parameters) for item in value]
    if not isinstance(value, dict):
        return value
    if "Get" in value:
        return parameters.get(value["Get"].removeprefix("Parameters."), "s3://known/later")
    if "Std:Join" in value:
        parts = resolved(value["Std:Join"]["Values"], parameters)
        return value["Std:Join"]["On"].join(str(part) for part in parts)
    return {key: resolved(item, parameters) for key, item in value.items()}


def test_every_request_is_one_that_the_api_knows(definition: dict[str, Any]) -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    parameters = {p["Name"]: p["DefaultValue"] for p in definition["Parameters"]}
    for step in steps(definition):
        if step["Type"] in {"Condition", "Fail"}:
            continue
        operation, name = OPERATIONS[step["Type"]]
        request = {name: "job", **resolved(step["Arguments"], parameters)}
        report = ParamValidator().validate(request, service.operation_model(operation).input_shape)
        assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"


def test_every_call_retries_and_what_depends_on_the_moment_is_not_cached(
    definition: dict[str, Any],
) -> None:
    for step in steps(definition):
        if step["Type"] not in {"Condition", "Fail"}:
            assert step["RetryPolicies"], step["Name"]
        cached = step.get("CacheConfig", {}).get("Enabled", False)
        assert cached == (step["Name"] in {"Preprocess", "Train", "Tune", "Evaluate"})


def test_no_two_outputs_share_a_place(definition: dict[str, Any]) -> None:
    places = [
        json.dumps(output["S3Output"]["S3Uri"])
        for step in steps(definition)
        for output in step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
    ]
    assert len(places) == len(set(places)) > 1


def test_nothing_of_a_machine_or_an_account_is_in_it(text: str) -> None:
    for forbidden in ("us-east-1", "111122223333", "arn:aws", "/tmp", "/home", "symbol-"):
        assert forbidden not in text
    assert set(re.findall(r"\$\{[^}]*\}", text)) | {"${region}"} == SYMBOLS.keys()


def test_what_is_not_registered_fails_with_the_reason(renders: Renders) -> None:
    path = renders.copier(TEMPLATE, {}) / "pipelines" / "definition.json"
    definition = json.loads(path.read_text(encoding="utf-8"))
    reasons = {
        step["Name"]: json.dumps(step["Arguments"])
        for step in steps(definition)
        if step["Type"] == "Fail"
    }
    assert "below MinSkill" in reasons["TooWeak"]
    assert "below MinGain" in reasons["WorseThanChampion"]
    (outer,) = [step for step in definition["Steps"] if step["Type"] == "Condition"]
    (inner,) = outer["Arguments"]["IfSteps"]
    assert [step["Name"] for step in inner["Arguments"]["IfSteps"]] == ["Register"]


def test_a_version_carries_what_its_life_needs(renders: Renders) -> None:
    path = renders.copier(TEMPLATE, {}) / "pipelines" / "definition.json"
    definition = json.loads(path.read_text(encoding="utf-8"))
    (register,) = [step for step in steps(definition) if step["Type"] == "RegisterModel"]
    request = register["Arguments"]
    assert request["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert (
        request["ModelMetrics"]["ModelDataQuality"]
        == (request["DriftCheckBaselines"]["ModelDataQuality"])
    )
    assert json.loads(request["ModelCard"]["ModelCardContent"])["intended_uses"]
    assert request["CustomerMetadataProperties"]["code"] == "${code:pipeline}"
    (container,) = request["InferenceSpecification"]["Containers"]
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"
