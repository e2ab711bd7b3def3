"""The problem: will the flight arrive late? Target, loss and metrics."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics

from .data import TARGET_SOURCE, DataError

LATE_AFTER_MINUTES = 15
METRIC_GROUP = "binary_classification_metrics"
LOSS_NAME = "Brier score"

Values = NDArray[np.float64]


def target(flights: pd.DataFrame) -> Values:
    """Return 1.0 for each flight that arrived late, else 0.0.

    Raises:
        DataError: all flights are of one class.
    """
    late = (flights[TARGET_SOURCE] > LATE_AFTER_MINUTES).to_numpy(dtype=np.float64)
    if late.min() == late.max():
        found = "late" if late[0] else "on time"
        raise DataError(f"all {len(late)} flights are {found}: there is nothing to learn")
    return late


def predict(model: Any, features: pd.DataFrame) -> Values:
    """Return the probability of being late, per flight."""
    return np.asarray(model.predict_proba(features)[:, 1], dtype=np.float64)


def losses(truth: Values, prediction: Values) -> Values:
    """Return the squared error of each probability; their mean is the Brier score."""
    return np.asarray(np.square(truth - prediction), dtype=np.float64)


def scores(truth: Values, prediction: Values) -> dict[str, float]:
    """Return the metrics that the model registry shows."""
    return {
        "auc": float(metrics.roc_auc_score(truth, prediction)),
        "average_precision": float(metrics.average_precision_score(truth, prediction)),
        "brier": float(losses(truth, prediction).mean()),
        "log_loss": float(metrics.log_loss(truth, prediction)),
    }
