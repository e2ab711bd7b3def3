"""Choosing what is deployed, and calling what has been deployed."""

import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from infra import release, smoke
from infra.environments import ENVIRONMENTS

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/flights/"


class Registry:
    """A SageMaker client that knows some versions, two to a page."""

    def __init__(self, **versions: str) -> None:
        self.versions = {int(name.removeprefix("v")): status for name, status in versions.items()}

    def get_paginator(self, operation: str) -> "Registry":
        assert operation == "list_model_packages"
        return self

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        assert request["ModelPackageGroupName"] == "flights"
        matching = [
            {
                "ModelPackageVersion": version,
                "ModelPackageArn": f"{ARN}{version}",
                "ModelPackageStatus": "Failed" if status == "Broken" else "Completed",
            }
            for version, status in self.versions.items()
            if status in (request["ModelApprovalStatus"], "Broken")
        ]
        for start in range(0, len(matching), 2):
            yield {"ModelPackageSummaryList": matching[start : start + 2]}


class Stops:
    """A CodePipeline client that notes what it stops."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []

    def stop_pipeline_execution(self, **request: str) -> None:
        self.requests.append(request)


BUILD = {"MODEL_PACKAGE_GROUP": "flights"}


def test_the_newest_approved_version_is_deployed() -> None:
    registry = Registry(v2="Approved", v9="Approved", v10="Approved", v11="Rejected", v12="Broken")
    text = release.release(BUILD, sagemaker=registry, codepipeline=Stops())
    assert f"MODEL_PACKAGE_ARN='{ARN}10'" in text
    assert "MODEL_PACKAGE_VERSION='10'" in text


def test_an_older_version_can_be_asked_for() -> None:
    registry = Registry(v2="Approved", v10="Approved", v11="Rejected")
    chosen = release.choose(registry, group="flights", wanted="2")
    assert chosen == release.Package(arn=f"{ARN}2", version=2)
    for wanted, said in (("11", r"not approved \(approved: 2, 10\)"), ("latest", "a number")):
        with pytest.raises(release.ReleaseError, match=said):
            release.choose(registry, group="flights", wanted=wanted)


def test_without_an_approved_model_the_run_stops_and_does_not_fail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stops = Stops()
    run = {**BUILD, "DEPLOY_PIPELINE": "deploy", "PIPELINE_EXECUTION_ID": "run-1"}
    text = release.release(run, sagemaker=Registry(v1="Rejected"), codepipeline=stops)
    (request,) = stops.requests
    assert request["pipelineExecutionId"] == "run-1"
    assert release.NONE_YET in request["reason"]
    assert "MODEL_PACKAGE_ARN='none'" in text
    assert "approving one starts the deployment" in capsys.readouterr().err
    release.release(BUILD, sagemaker=Registry(), codepipeline=stops)
    assert len(stops.requests) == 1


def test_a_release_needs_a_group() -> None:
    with pytest.raises(release.ReleaseError, match="MODEL_PACKAGE_GROUP"):
        release.release({}, sagemaker=Registry(), codepipeline=Stops())


class Model:
    """An endpoint that predicts a thousandth of the distance, wrongly where asked to."""

    def __init__(self, **wrong: str) -> None:
        self.wrong = wrong

    def invoke_endpoint(self, **request: str) -> dict[str, io.BytesIO]:
        kind = request["ContentType"]
        if kind == "text/csv":
            rows = pd.read_csv(io.StringIO(request["Body"]))
        else:
            rows = pd.DataFrame(json.loads(request["Body"]))
        assert "arr_delay" not in rows
        predicted = [float(value) / 10_000 for value in rows["distance"]]
        text = self.wrong.get(kind.replace("/", "_")) or json.dumps({"predictions": predicted})
        return {"Body": io.BytesIO(text.encode())}


def test_right_answers_in_time_pass() -> None:
    ticks = itertools.count(step=0.01)
    p95 = smoke.check(Model(), endpoint="staging", clock=lambda: next(ticks))
    assert p95 == pytest.approx(10)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"application_json": '{"predictions": [0.5]}'}, "50 flights were sent, 1"),
        ({"application_json": json.dumps({"predictions": [0.5] * 50})}, "the same prediction"),
        (
            {"application_json": json.dumps({"predictions": [float("nan")] * 50})},
            "no numbers",
        ),
        ({"application_json": "<html>"}, "not an answer of this model"),
        ({"text_csv": json.dumps({"predictions": [0.1] * 50})}, "as CSV"),
        (
            {"application_json": json.dumps({"predictions": [n / 10 for n in range(50)]})},
            "no probabilities",
        ),
    ],
)
def test_wrong_answers_fail(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(smoke.SmokeError, match=said):
        smoke.check(Model(**wrong), endpoint="staging")


def test_slow_answers_fail() -> None:
    ticks = itertools.count(step=2)
    with pytest.raises(smoke.SmokeError, match="95 % of the calls took up to 2000 ms"):
        smoke.check(Model(), endpoint="staging", clock=lambda: next(ticks))


def test_every_environment_has_its_committed_template() -> None:
    folder = Path(smoke.__file__).parent / "templates"
    assert {environment.name for environment in ENVIRONMENTS} == {"dev", "staging", "prod"}
    for environment in ENVIRONMENTS:
        template = json.loads((folder / f"{environment.name}.json").read_text(encoding="utf-8"))
        name = template["Resources"]["Model"]["Properties"]["ModelName"]["Fn::Sub"]
        assert re.search(r"-v\$\{ModelPackageVersion\}-[0-9a-f]{8}$", name)
