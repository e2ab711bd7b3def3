"""The model: features in, prediction out, and how it is kept on disk."""

from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from . import problem
from .estimator import estimator
from .features import encoder, features

FILE = "model.joblib"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model.

    Attributes:
        pipeline: encoder and estimator.
        baseline: what the trivial model always says: the mean of the target in training.
    """

    pipeline: Pipeline
    baseline: float

    def predict(self, flights: pd.DataFrame) -> problem.Values:
        """Return one prediction per flight."""
        return problem.predict(self.pipeline, features(flights))

    def predict_baseline(self, flights: pd.DataFrame) -> problem.Values:
        """Return the trivial model's prediction per flight."""
        return np.full(len(flights), self.baseline)

    def save(self, folder: Path) -> None:
        """Write the model into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        joblib.dump({"pipeline": self.pipeline, "baseline": self.baseline}, folder / FILE)


def fit(
    flights: pd.DataFrame, *, learning_rate: float, max_iter: int, max_leaf_nodes: int
) -> Model:
    """Train on `flights`.

    Raises:
        DataError: the flights hold nothing to learn from.
    """
    truth = problem.target(flights)
    untrained = estimator(
        learning_rate=learning_rate, max_iter=max_iter, max_leaf_nodes=max_leaf_nodes
    )
    pipeline = Pipeline([("encoder", encoder()), ("estimator", untrained)])
    pipeline.fit(features(flights), truth)
    return Model(pipeline=pipeline, baseline=float(truth.mean()))


def load(folder: Path) -> Model:
    """Read the model that `save` wrote. Only load what this project has made."""
    kept = joblib.load(folder / FILE)
    return Model(pipeline=kept["pipeline"], baseline=kept["baseline"])
