"""Tuning: ranges, metrics, parallel trials, failures."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_runner import RunnerError
from local_runner.tuning import sample, trials
from runner_lab import Lab, get, join

SCORE = """
    import argparse, os, pathlib
    parser = argparse.ArgumentParser()
    parser.add_argument("-x", type=float)
    x = parser.parse_args().x
    pathlib.Path(os.environ["SM_MODEL_DIR"], "x").write_text(str(x))
    print(f"score={-(x - 0.5) ** 2:.6f};")
"""
X = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}


def test_best_of_all_and_its_artifact(lab: Lab) -> None:
    tune = lab.tuning("Tune", SCORE, ranges=X, jobs=4, parallel=2)
    model = join(
        "s3://b/models", get("Steps.Tune.TrainingJobSummaries[0].TrainingJobName"),
        "output/model.tar.gz",
    )  # fmt: skip
    use = lab.processing("Use", "", inputs={"model": model})
    result = lab.run(tune, use)
    assert result.status == "Succeeded", result.message
    properties = result.steps["Tune"].properties
    values = [
        s["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for s in properties["TrainingJobSummaries"]
    ]
    assert len(values) == 4
    assert values == sorted(values, reverse=True)
    assert properties["BestTrainingJob"] == properties["TrainingJobSummaries"][0]


def test_minimize(lab: Lab) -> None:
    result = lab.run(lab.tuning("Tune", SCORE, ranges=X, jobs=3, goal="Minimize"))
    values = [
        s["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for s in result.steps["Tune"].properties["TrainingJobSummaries"]
    ]
    assert values == sorted(values)


def test_a_failed_trial_does_not_end_the_search(lab: Lab) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0.5", "0.1", "nan"]}]}
    script = SCORE + "    assert x != 0.1\n"
    tune = lab.tuning("Tune", script, ranges=ranges, jobs=2, strategy="Grid")
    result = lab.run(tune)
    assert result.status == "Succeeded", result.message
    counters = result.steps["Tune"].properties["TrainingJobStatusCounters"]
    assert counters == {"Completed": 1, "NonRetryableError": 1}
    assert any("failed: exit code 1: AssertionError" in n for n in result.steps["Tune"].notes)


def test_first_trials_all_failing_end_it_early(lab: Lab) -> None:
    tune = lab.tuning("Tune", "raise SystemExit('bad code')", ranges=X, jobs=50, parallel=2)
    result = lab.run(tune, max_parallel=2)
    assert result.status == "Failed"
    assert "every one of the first" in result.message
    assert "bad code" in result.message
    assert len(result.steps["Tune"].notes) <= 4


def test_a_metric_nobody_prints_ends_it_at_the_first_trial(lab: Lab) -> None:
    result = lab.run(lab.tuning("Tune", "print('auc=1')", ranges=X, jobs=50))
    assert "printed no value of 'score'" in result.message
    assert "score=([-0-9.e]+)" in result.message


def test_a_metric_that_is_no_number(lab: Lab) -> None:
    tune = lab.tuning("Tune", "print('score=high')", ranges=X, metric="score=([a-z]+)", jobs=2)
    assert "'high' is not a number" in lab.run(tune).message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MinValue": "2"}, "MinValue 2 is above MaxValue 1"),
        ({"ScalingType": "Logarithmic"}, r"\[0, 1\] does not suit scale Logarithmic"),
        ({"ScalingType": "ReverseLogarithmic"}, "does not suit scale ReverseLogarithmic"),
        ({"ScalingType": "Cubic"}, "does not suit scale Cubic"),
        ({"MinValue": "low"}, "does not suit scale Linear"),
    ],
)
def test_bad_ranges_are_refused_before_anything_runs(
    lab: Lab, change: dict[str, str], message: str
) -> None:
    ranges = {"ContinuousParameterRanges": [X["ContinuousParameterRanges"][0] | change]}
    with pytest.raises(RunnerError, match=message):
        lab.run(lab.tuning("Tune", SCORE, ranges=ranges))


@pytest.mark.parametrize(("regex", "message"), [("score=[0-9]", "no group"), ("(", "bad regex")])
def test_bad_metrics_are_refused(lab: Lab, regex: str, message: str) -> None:
    with pytest.raises(RunnerError, match=message):
        lab.run(lab.tuning("Tune", SCORE, ranges=X, metric=regex))


def test_objective_without_definition(lab: Lab) -> None:
    tune = lab.tuning("Tune", SCORE, ranges=X)
    config = tune["Arguments"]["HyperParameterTuningJobConfig"]
    config["HyperParameterTuningJobObjective"]["MetricName"] = "auc"
    with pytest.raises(RunnerError, match="objective metric 'auc' has no definition"):
        lab.run(tune)


scales = st.sampled_from(["Linear", "Logarithmic", "ReverseLogarithmic", "Auto"])


@given(
    scales,
    st.floats(1e-6, 0.99),
    st.floats(1e-6, 0.99),
    st.booleans(),
    st.integers(0, 99),
)
def test_samples_stay_in_their_range(
    scale: str, one: float, two: float, integer: bool, seed: int
) -> None:
    low, high = sorted((one, two))
    if integer:
        scale = "Linear" if scale == "ReverseLogarithmic" else scale
        low, high = round(low * 100) + 1, round(high * 100) + 1
    item: dict[str, Any] = {"Name": "x", "MinValue": str(low), "MaxValue": str(high)}
    value = sample(item | {"ScalingType": scale, "integer": integer}, random.Random(seed))
    assert low <= float(value) <= high
    assert not integer or value.isdigit()


def test_scales_spread_as_they_should() -> None:
    item = {"Name": "x", "MinValue": "0.0001", "MaxValue": "0.9999"}
    rng = random.Random(1)
    small = sum(
        float(sample(item | {"ScalingType": "Logarithmic"}, rng)) < 0.01 for _ in range(999)
    )
    large = sum(
        float(sample(item | {"ScalingType": "ReverseLogarithmic"}, rng)) > 0.99 for _ in range(999)
    )
    assert 400 < small < 600
    assert 400 < large < 600


def test_the_same_seed_gives_the_same_trials() -> None:
    config = {"ParameterRanges": X, "RandomSeed": 3}
    assert list(trials(config, 5)) == list(trials(config, 5))
    assert list(trials(config, 5)) != list(trials({**config, "RandomSeed": 4}, 5))


def test_grid_takes_every_combination() -> None:
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "a", "Values": ["1", "2"]},
            {"Name": "b", "Values": ["x", "y"]},
        ]
    }
    found = list(trials({"ParameterRanges": ranges, "Strategy": "Grid"}, 10))
    assert len(found) == 4
    assert {"a": "2", "b": "x"} in found
