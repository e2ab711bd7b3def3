"""How good a model is on flights it has not seen, next to the trivial one and the champion."""

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


def evaluation(table: pd.DataFrame, *, champion: str | None = None) -> dict[str, Any]:
    """Return metrics in the shape the model registry shows, skill and gain.

    Skill is the share of the baseline's loss that the model removes: 0 is no better, 1 is
    perfect. Gain is the same against the champion; the baseline stands in where there is none.

    Args:
        table: of `predictions`, with a column `champion` where there is one.
        champion: its model package.
    """
    truth = table["truth"].to_numpy()
    prediction = table["prediction"].to_numpy()
    result = {
        problem.METRIC_GROUP: {
            name: {"value": value} for name, value in problem.scores(truth, prediction).items()
        },
        "baseline": problem.scores(truth, table["baseline"].to_numpy()),
        "skill": {**_improvement(table, over="baseline"), "loss": problem.LOSS_NAME},
        "gain": {
            **_improvement(table, over="champion" if champion else "baseline"),
            "over": champion or "baseline",
        },
        "flights": len(table),
        "days": int(table[TIME].dt.floor("D").nunique()),
        "first_day": str(table[TIME].min().date()),
        "last_day": str(table[TIME].max().date()),
    }
    if champion:
        result["champion"] = problem.scores(truth, table["champion"].to_numpy())
    return result


def _improvement(table: pd.DataFrame, *, over: str) -> dict[str, float]:
    """Return the share of another model's loss that this one removes, with its 95 % interval.

    The interval comes from resampling whole days, since flights of one day share weather and
    delays.
    """
    truth = table["truth"].to_numpy()
    losses = {name: problem.losses(truth, table[name].to_numpy()) for name in ("prediction", over)}
    daily = pd.DataFrame(losses).groupby(table[TIME].dt.floor("D").to_numpy()).sum().to_numpy()
    drawn = np.random.default_rng(0).integers(len(daily), size=(RESAMPLES, len(daily)))
    resampled = daily[drawn].sum(axis=1)
    low, high = np.quantile(1 - resampled[:, 0] / resampled[:, 1], [0.025, 0.975])
    model_loss, other_loss = daily.sum(axis=0)
    return {
        "value": float(1 - model_loss / other_loss),
        "low": float(low),
        "high": float(high),
    }
