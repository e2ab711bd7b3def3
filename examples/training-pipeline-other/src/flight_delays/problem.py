"""The problem: how many minutes late does the flight arrive? Target, loss, metrics."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics

from .data import TARGET_SOURCE, DataError

# Beyond three hours a delay is an event of its own; it would dominate the squared error.
LONGEST_MINUTES = 180.0
METRIC_GROUP = "regression_metrics"
LOSS_NAME = "mean squared error"

Values = NDArray[np.float64]


def target(flights: pd.DataFrame) -> Values:
    """Return the arrival delay of each flight in minutes, at most three hours.

    Raises:
        DataError: all flights have the same delay.
    """
    minutes = flights[TARGET_SOURCE].to_numpy(dtype=np.float64).clip(max=LONGEST_MINUTES)
    if minutes.min() == minutes.max():
        raise DataError(f"all {len(minutes)} delays are {minutes[0]}: there is nothing to learn")
    return minutes


def predict(model: Any, features: pd.DataFrame) -> Values:
    """Return the expected delay in minutes, per flight."""
    return np.asarray(model.predict(features), dtype=np.float64)


def losses(truth: Values, prediction: Values) -> Values:
    """Return the squared error of each prediction."""
    return np.asarray(np.square(truth - prediction), dtype=np.float64)


def scores(truth: Values, prediction: Values) -> dict[str, float]:
    """Return the metrics that the model registry shows."""
    return {
        "mse": float(losses(truth, prediction).mean()),
        "rmse": float(np.sqrt(losses(truth, prediction).mean())),
        "mae": float(metrics.mean_absolute_error(truth, prediction)),
        "r2": float(metrics.r2_score(truth, prediction)),
    }
