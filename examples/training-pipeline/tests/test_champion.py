"""The champion: found in the registry at run time, scored by its own code, compared with."""

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flight_delays import champion, data, evaluate, model, registry
from flight_delays.steps import champion as step
from flight_delays.steps.train import add_serving_code

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/models"


class Registry:
    """SageMaker's model registry and S3, as far as the step asks them."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = statuses

    def list_model_packages(self, **request: Any) -> dict[str, Any]:
        assert request["SortOrder"] == "Descending"
        wanted = request.get("ModelApprovalStatus")
        found = [
            {"ModelPackageArn": f"{ARN}/{version}"}
            for version, status in reversed(list(enumerate(self.statuses, start=1)))
            if wanted in (None, status)
        ]
        return {"ModelPackageSummaryList": found[: request["MaxResults"]]}

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        statistics = {"Statistics": {"S3Uri": "s3://bucket/statistics.json"}}
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelApprovalStatus": self.statuses[int(ModelPackageName.rpartition("/")[2]) - 1],
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://bucket/a/model"}]},
            "ModelMetrics": {"ModelDataQuality": statistics},
        }

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": Body(f"{Bucket}/{Key}".encode())}


class Body(io.BytesIO):
    """An object's content."""

    def iter_chunks(self, size: int) -> list[bytes]:
        return [self.read()]


@pytest.mark.parametrize(
    ("statuses", "which", "expected"),
    [
        (["Approved", "Approved", "Rejected"], registry.APPROVED, f"{ARN}/2"),
        (["PendingManualApproval", "Rejected"], registry.APPROVED, None),
        (["PendingManualApproval", "Rejected"], registry.NEWEST, f"{ARN}/2"),
        (["Approved", "Rejected"], registry.NEWEST, f"{ARN}/1"),
        ([], registry.NEWEST, None),
        (["Approved"], registry.NONE, None),
        (["Approved", "Approved"], f"{ARN}/1", f"{ARN}/1"),
    ],
)
def test_the_version_that_counts(statuses: list[str], which: str, expected: str | None) -> None:
    found = registry.find(Registry(*statuses), group="models", which=which)
    assert (found and found["ModelPackageArn"]) == expected


def test_a_version_of_another_group_is_refused() -> None:
    with pytest.raises(data.DataError, match="not a model package of the group others"):
        registry.find(Registry("Approved"), group="others", which=f"{ARN}/1")


@pytest.mark.parametrize(
    ("statuses", "files"),
    [
        (["Approved"], {"champion.json", "model.tar.gz", "statistics.json"}),
        ([], {"champion.json"}),
    ],
)
def test_the_step_fetches_model_and_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statuses: list[str], files: set[str]
) -> None:
    monkeypatch.setattr("boto3.client", lambda service: Registry(*statuses))
    arguments = ["--group", "models", "--which", registry.APPROVED]
    step.main([*arguments, "--output", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == files
    found = json.loads((tmp_path / "champion.json").read_text())["package"]
    assert found == (f"{ARN}/1" if statuses else None)


@pytest.fixture(scope="module")
def archive(all_flights: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An earlier model, as the registry keeps it."""
    folder = tmp_path_factory.mktemp("champion")
    trained = model.fit(all_flights, learning_rate=0.1, max_iter=5, max_leaf_nodes=7)
    trained.save(folder / "model")
    add_serving_code(folder / "model")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as opened:
        opened.add(folder / "model", arcname=".")
    return folder / "model.tar.gz"


def test_the_champion_predicts_as_when_it_was_registered(
    archive: Path, flights: pd.DataFrame
) -> None:
    later = flights.tail(200).reset_index(drop=True)
    expected = model.load(archive.parent / "model").predict(later)
    np.testing.assert_array_equal(champion.predictions(archive, later), expected)


def test_a_champion_that_cannot_score_the_data_stops_the_run(
    archive: Path, flights: pd.DataFrame, tmp_path: Path
) -> None:
    shutil.copytree(archive.parent / "model", tmp_path / "model")
    (code,) = (tmp_path / "model" / "code").glob("*/data.py")
    code.write_text(code.read_text().replace('"dest": "text"', '"gate": "text"'))
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as opened:
        opened.add(tmp_path / "model", arcname=".")
    with pytest.raises(data.DataError, match=r"champion cannot score.*'dest'") as refusal:
        champion.predictions(tmp_path / "model.tar.gz", flights.tail(50))
    assert "Champion=none" in refusal.value.next_step


def test_gain_is_over_the_champion(flights: pd.DataFrame) -> None:
    trained = model.fit(flights, learning_rate=0.1, max_iter=5, max_leaf_nodes=7)
    table = evaluate.predictions(trained, flights)
    equal = evaluate.evaluation(table.assign(champion=table["prediction"]), champion=ARN)["gain"]
    assert (equal["value"], equal["over"]) == (0, ARN)
    trivial = evaluate.evaluation(table.assign(champion=table["baseline"]), champion=ARN)
    assert trivial["gain"]["value"] == trivial["skill"]["value"] > 0
    nearly_perfect = table.assign(champion=table["truth"] * 0.999 + 1e-4)
    assert evaluate.evaluation(nearly_perfect, champion=ARN)["gain"]["high"] < 0
