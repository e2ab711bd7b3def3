"""Plots of an evaluation, written where matplotlib is installed; the SageMaker image has none."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn import metrics

from .data import TIME
from .features import LOCAL_ZONE

mpl.use("Agg")
MODEL, TRUTH, BASELINE = "#2f5bea", "#1a2233", "#98a2b3"


def write(table: pd.DataFrame, folder: Path) -> None:
    """Write the plots of a table of predictions (see evaluate.predictions) into `folder`."""
    for name, draw in (("quality", _quality), ("calibration", _calibration), ("by_hour", _by_hour)):
        figure = Figure(figsize=(6, 4.5), dpi=120, layout="constrained")
        axes = figure.subplots()
        draw(table, axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})


def _quality(table: pd.DataFrame, axes: Axes) -> None:
    truth, prediction = table["truth"].to_numpy(), table["prediction"].to_numpy()
    wrong, right, _ = metrics.roc_curve(truth, prediction)
    area = metrics.roc_auc_score(truth, prediction)
    axes.plot(wrong, right, color=MODEL, label=f"model, area {area:.3f}")
    axes.plot([0, 1], [0, 1], color=BASELINE, linestyle="--", label="baseline, area 0.5")
    axes.set(title="Finding late flights", xlabel="On-time flights flagged", ylabel="Late ones")


def _calibration(table: pd.DataFrame, axes: Axes) -> None:
    means = _deciles(table)
    axes.plot(means["prediction"], means["truth"], "o-", color=MODEL, label="model, deciles")
    axes.plot([0, means["prediction"].max()], [0, means["prediction"].max()], "--", color=BASELINE)
    axes.axhline(table["truth"].mean(), color=TRUTH, linewidth=0.8, label="share of late flights")
    axes.set(title="Are the probabilities right?", xlabel="Predicted", ylabel="Share late")


def _deciles(table: pd.DataFrame) -> pd.DataFrame:
    tenth = pd.qcut(table["prediction"], 10, labels=False, duplicates="drop")
    return table[["prediction", "truth"]].groupby(tenth).mean()


def _by_hour(table: pd.DataFrame, axes: Axes) -> None:
    hour = table[TIME].dt.tz_convert(LOCAL_ZONE).dt.hour
    means = table[["truth", "prediction", "baseline"]].groupby(hour).mean()
    for name, colour in (("truth", TRUTH), ("prediction", MODEL), ("baseline", BASELINE)):
        axes.plot(means.index, means[name], color=colour, label=name)
    axes.set(title="Over the day", xlabel="Scheduled hour of departure", ylabel="Mean")
