"""Features, training and evaluation: no leakage, no luck, honest comparison."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flight_delays import data, evaluate, features, model, problem


@pytest.fixture(scope="module")
def split(all_flights: pd.DataFrame) -> data.Split:
    return data.split_by_time(all_flights)


@pytest.fixture(scope="module")
def trained(split: data.Split) -> model.Model:
    return model.fit(split.train, learning_rate=0.1, max_iter=20, max_leaf_nodes=7)


def test_features_do_not_depend_on_the_outcome(flights: pd.DataFrame) -> None:
    changed = flights.assign(arr_delay=-flights["arr_delay"])
    pd.testing.assert_frame_equal(features.features(flights), features.features(changed))
    unlabelled = flights.drop(columns=data.TARGET_SOURCE)
    pd.testing.assert_frame_equal(features.features(flights), features.features(unlabelled))


def test_features_are_in_local_time(flights: pd.DataFrame) -> None:
    # 02:30 UTC on a Monday is still Sunday evening in New York.
    late = flights.iloc[:1].assign(scheduled_departure=pd.Timestamp("2013-07-08T02:30Z"))
    assert features.features(late)["weekday"].item() == 6


def test_the_model_beats_the_baseline_on_days_it_has_not_seen(
    trained: model.Model, split: data.Split
) -> None:
    later = pd.concat([split.validation, split.test])
    result = evaluate.evaluation(evaluate.predictions(trained, later))
    assert result["skill"]["value"] > 0


def test_shuffled_outcomes_leave_nothing_to_learn(split: data.Split) -> None:
    outcomes = split.train["arr_delay"].sample(frac=1, random_state=0).to_numpy()
    fooled = model.fit(
        split.train.assign(arr_delay=outcomes), learning_rate=0.1, max_iter=20, max_leaf_nodes=7
    )
    result = evaluate.evaluation(evaluate.predictions(fooled, split.test))
    assert result["skill"]["value"] < 0.02


def test_training_is_repeatable(trained: model.Model, split: data.Split) -> None:
    again = model.fit(split.train, learning_rate=0.1, max_iter=20, max_leaf_nodes=7)
    np.testing.assert_array_equal(again.predict(split.test), trained.predict(split.test))


def test_a_saved_model_predicts_the_same(
    trained: model.Model, split: data.Split, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    loaded = model.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(split.test), trained.predict(split.test))
    assert loaded.baseline == trained.baseline


def test_unknown_categories_and_missing_weather_get_a_prediction(
    trained: model.Model, split: data.Split
) -> None:
    odd = split.test.iloc[:5].assign(carrier="??", dest="???", temp=float("nan"))
    assert np.isfinite(trained.predict(odd)).all()


def test_outcomes_that_are_all_the_same_are_refused(flights: pd.DataFrame) -> None:
    with pytest.raises(data.DataError, match="nothing to learn"):
        model.fit(flights.assign(arr_delay=60.0), learning_rate=0.1, max_iter=5, max_leaf_nodes=7)


def test_skill_is_zero_for_the_baseline_and_one_for_perfection(
    trained: model.Model, split: data.Split
) -> None:
    table = evaluate.predictions(trained, split.test)
    trivial = evaluate.evaluation(table.assign(prediction=table["baseline"]))["skill"]
    assert (trivial["low"], trivial["value"], trivial["high"]) == (0, 0, 0)
    perfect = evaluate.evaluation(table.assign(prediction=table["truth"]))["skill"]
    assert perfect["value"] == 1


def test_the_interval_holds_the_skill(trained: model.Model, split: data.Split) -> None:
    skill = evaluate.evaluation(evaluate.predictions(trained, split.test))["skill"]
    assert skill["low"] < skill["value"] < skill["high"]


def test_the_registry_gets_every_score(trained: model.Model, split: data.Split) -> None:
    result = evaluate.evaluation(evaluate.predictions(trained, split.test))
    assert set(result[problem.METRIC_GROUP]) == set(result["baseline"])
    assert all(np.isfinite(item["value"]) for item in result[problem.METRIC_GROUP].values())
