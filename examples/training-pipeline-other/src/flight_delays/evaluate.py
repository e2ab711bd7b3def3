"""How good a model is on flights it has not seen, next to the trivial one."""

from typing import Any

import numpy as np
import pandas as pd

from . import problem
from .data import TIME
from .model import Model

RESAMPLES = 1000


def predictions(model: Model, flights: pd.DataFrame) -> pd.DataFrame:
    """Return truth, prediction and baseline per flight, with its scheduled departure."""
    return pd.DataFrame(
        {
            TIME: flights[TIME],
            "truth": problem.target(flights),
            "prediction": model.predict(flights),
            "baseline": model.predict_baseline(flights),
        }
    )


def evaluation(table: pd.DataFrame) -> dict[str, Any]:
    """Return metrics in the shape the model registry shows, and the skill over the baseline.

    Skill is the share of the baseline's loss that the model removes: 0 is no better, 1 is
    perfect. Its interval comes from resampling whole days, since flights of one day share
    weather and delays.
    """
    truth = table["truth"].to_numpy()
    prediction = table["prediction"].to_numpy()
    baseline = table["baseline"].to_numpy()
    daily = (
        pd.DataFrame(
            {
                "model": problem.losses(truth, prediction),
                "baseline": problem.losses(truth, baseline),
            }
        )
        .groupby(table[TIME].dt.floor("D").to_numpy())
        .sum()
    )
    totals = daily.to_numpy()
    drawn = np.random.default_rng(0).integers(len(totals), size=(RESAMPLES, len(totals)))
    resampled = totals[drawn].sum(axis=1)
    low, high = np.quantile(1 - resampled[:, 0] / resampled[:, 1], [0.025, 0.975])
    model_loss, baseline_loss = totals.sum(axis=0)
    return {
        problem.METRIC_GROUP: {
            name: {"value": value} for name, value in problem.scores(truth, prediction).items()
        },
        "baseline": problem.scores(truth, baseline),
        "skill": {
            "value": float(1 - model_loss / baseline_loss),
            "low": float(low),
            "high": float(high),
            "loss": problem.LOSS_NAME,
        },
        "flights": len(table),
        "days": len(totals),
        "first_day": str(table[TIME].min().date()),
        "last_day": str(table[TIME].max().date()),
    }
