"""The steps one after the other, and what the endpoint makes of their model."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flight_delays import inference
from flight_delays.steps import evaluate, preprocess, train

CHEAP = ["--max-iter", "10", "--max-leaf-nodes", "7"]


@pytest.fixture(scope="module")
def work(all_flights: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steps")
    (folder / "raw").mkdir()
    all_flights.to_parquet(folder / "raw" / "flights.parquet")
    arguments: list[str] = []
    for name in ("raw", "train", "validation", "test", "statistics"):
        arguments += [f"--{name}", str(folder / name)]
    preprocess.main(arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SM_CHANNEL_TRAIN", str(folder / "train"))
        patch.setenv("SM_CHANNEL_VALIDATION", str(folder / "validation"))
        patch.setenv("SM_MODEL_DIR", str(folder / "model"))
        train.main(CHEAP)
    (folder / "artifact").mkdir()
    with tarfile.open(folder / "artifact" / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "model", arcname=".")
    (folder / "no-champion").mkdir()
    (folder / "no-champion" / "champion.json").write_text('{"package": null}')
    evaluate.main(evaluating(folder, "no-champion", folder / "output"))
    return folder


def evaluating(work: Path, champion: str, output: Path) -> list[str]:
    arguments = ["--model", str(work / "artifact"), "--champion", str(work / champion)]
    return [*arguments, "--test", str(work / "test"), "--output", str(output)]


def test_evaluation_reports_model_baseline_and_plots(work: Path) -> None:
    result = json.loads((work / "output" / "evaluation.json").read_text())
    assert result["flights"] == len(pd.read_parquet(work / "test"))
    assert result["skill"]["low"] <= result["skill"]["value"] <= result["skill"]["high"]
    assert result["gain"]["over"] == "baseline"
    assert result["gain"]["value"] == result["skill"]["value"]
    assert len(list((work / "output").glob("*.png"))) == 3


def test_training_prints_the_metric_that_sagemaker_reads(
    work: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    channels = ["--train", str(work / "train"), "--validation", str(work / "validation")]
    train.main([*CHEAP, *channels, "--model-dir", str(tmp_path)])
    printed = capsys.readouterr().out
    assert float(printed.split("validation:skill=")[1].split()[0]) < 1


def test_training_without_channels_says_which_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SM_CHANNEL_TRAIN", raising=False)
    with pytest.raises(SystemExit):
        train.main([])
    assert "SM_" in capsys.readouterr().err


def test_evaluation_without_matplotlib_has_no_plots(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    evaluate.main(evaluating(work, "no-champion", tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"evaluation.json", "predictions.parquet"}


@pytest.fixture(scope="module")
def unlabelled(work: Path) -> pd.DataFrame:
    return pd.read_parquet(work / "test").drop(columns="arr_delay")


def test_json_and_csv_get_the_same_answer(work: Path, unlabelled: pd.DataFrame) -> None:
    loaded = inference.model_fn(str(work / "model"))
    expected = loaded.predict(unlabelled)
    records = unlabelled.to_json(orient="records", date_format="iso")
    for body, kind in (
        (records, "application/json"),
        (unlabelled.to_csv(index=False), "text/csv; charset=utf-8"),
    ):
        read = inference.input_fn(body.encode(), kind)
        np.testing.assert_array_equal(inference.predict_fn(read, loaded), expected)


def test_answers_come_in_the_form_asked_for() -> None:
    prediction = np.array([0.25, 0.5])
    assert inference.output_fn(prediction, "text/csv") == ("0.25\n0.5\n", "text/csv")
    body, kind = inference.output_fn(prediction, "*/*")
    assert (json.loads(body), kind) == ({"predictions": [0.25, 0.5]}, "application/json")


def test_other_content_types_and_broken_flights_are_refused(unlabelled: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="send application/json or text/csv"):
        inference.input_fn("x", "application/x-npy")
    without = unlabelled.drop(columns="carrier")
    with pytest.raises(ValueError, match="'carrier': missing"):
        inference.input_fn(without.to_csv(index=False), "text/csv")


def test_the_model_archive_serves_without_this_repository(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work / "model", tmp_path / "model")
    program = (
        "import inference, sys; model = inference.model_fn(sys.argv[1]);"
        "print(inference.__file__, model.baseline)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "model" / "code")}
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.startswith(str(tmp_path / "model" / "code" / "inference.py"))
