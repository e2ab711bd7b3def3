"""How far data has moved from what the model was trained on."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from . import statistics
from .data import TIME, DataError
from .features import features

FEWEST_ROWS = 200
# The usual reading of the population stability index: below 0.1 stable, above 0.25 moved.
WATCH, DRIFTED = 0.1, 0.25


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one feature has moved.

    Attributes:
        feature: its name.
        psi: population stability index, less what chance alone is expected to give.
        missing: share of missing values, in training and now.
        grew: the bin that has gained most, and by how much of all rows.
    """

    feature: str
    psi: float
    missing: tuple[float, float]
    grew: tuple[str, float]

    def verdict(self, threshold: float) -> str:
        """Return `drifted`, `watch` or `stable`."""
        if self.psi >= threshold:
            return "drifted"
        return "watch" if self.psi >= min(WATCH, threshold) else "stable"


def compare(baseline: dict[str, Any], flights: pd.DataFrame) -> list[Finding]:
    """Return a finding per feature, the most moved first.

    Args:
        baseline: what statistics.describe returned for the training data.
        flights: data as the model meets it now.

    Raises:
        DataError: too few rows to tell drift from chance, or statistics of other features.
    """
    if len(flights) < FEWEST_ROWS:
        raise DataError(
            f"{len(flights)} rows are too few to tell drift from chance",
            next_step=f"compare at least {FEWEST_ROWS} rows: a longer period or more traffic",
        )
    table = features(flights)
    if set(table) != set(baseline["features"]):
        raise DataError(
            f"the model's statistics are of other features: {sorted(baseline['features'])}",
            next_step="run the pipeline and approve a model trained with the present features",
        )
    found = [
        _finding(name, described, table[name], trained_on=baseline["rows"])
        for name, described in baseline["features"].items()
    ]
    return sorted(found, key=lambda finding: -finding.psi)


def _finding(
    name: str, described: dict[str, Any], values: "pd.Series[Any]", *, trained_on: int
) -> Finding:
    counted = statistics.counts(described, values)
    bins = sorted({*described["shares"], *counted})
    before = np.array([described["shares"].get(bin_, 0.0) for bin_ in bins])
    now = np.array([counted.get(bin_, 0) for bin_ in bins]) / len(values)
    # Half a row in every bin, so that an empty one has a logarithm.
    expected = _smoothed(before, trained_on)
    actual = _smoothed(now, len(values))
    psi = float(np.sum((actual - expected) * np.log(actual / expected)))
    chance = (len(bins) - 1) * (1 / trained_on + 1 / len(values))
    most = int(np.argmax(now - before))
    return Finding(
        feature=name,
        psi=max(0.0, psi - chance),
        missing=(
            described["shares"].get(statistics.MISSING, 0.0),
            counted.get(statistics.MISSING, 0) / len(values),
        ),
        grew=(_meaning(described, bins[most]), float((now - before)[most])),
    )


def _smoothed(shares: "np.ndarray[Any, Any]", rows: int) -> "np.ndarray[Any, Any]":
    return (shares * rows + 0.5) / (rows + 0.5 * len(shares))


def _meaning(described: dict[str, Any], bin_: str) -> str:
    if described["kind"] == "category" or bin_ == statistics.MISSING:
        return bin_
    number, edges = int(bin_.removeprefix("bin ")), described["edges"]
    if not edges:
        return "any"
    if number == 0:
        return f"up to {edges[0]:g}"
    if number == len(edges):
        return f"above {edges[-1]:g}"
    return f"{edges[number - 1]:g} to {edges[number]:g}"


def report(
    findings: list[Finding], *, baseline: dict[str, Any], flights: pd.DataFrame, threshold: float
) -> dict[str, Any]:
    """Return the comparison as a document for people and programs."""
    drifted = [finding.feature for finding in findings if finding.psi >= threshold]
    document: dict[str, Any] = {
        "drifted": drifted,
        "largest_psi": findings[0].psi,
        "threshold": threshold,
        "rows": len(flights),
        "first_day": str(flights[TIME].min().date()),
        "last_day": str(flights[TIME].max().date()),
        "trained_on": {key: baseline[key] for key in ("rows", "first_day", "last_day")},
        "features": {
            finding.feature: {
                "psi": finding.psi,
                "verdict": finding.verdict(threshold),
                "missing_in_training": finding.missing[0],
                "missing_now": finding.missing[1],
                "grew_most": finding.grew[0],
                "by": finding.grew[1],
            }
            for finding in findings
        },
    }
    return {**document, "summary": text(document)}


def text(document: dict[str, Any]) -> str:
    """Return the report as a table for a terminal."""
    before = document["trained_on"]
    lines = [
        f"trained on {before['rows']} flights, {before['first_day']} to {before['last_day']}",
        f"compared   {document['rows']} flights, {document['first_day']} to {document['last_day']}",
        f"{'feature':<18}{'psi':>8}  {'verdict':<8}  grew most",
    ]
    lines += [
        f"{name:<18}{item['psi']:>8.3f}  {item['verdict']:<8}  "
        f"{item['grew_most']} ({item['by']:+.1%})"
        for name, item in document["features"].items()
    ]
    drifted = document["drifted"]
    verdict = f"drifted: {', '.join(drifted)}" if drifted else "no feature has drifted"
    return "\n".join([*lines, f"{verdict} (threshold: {document['threshold']:g})"])


def html(document: dict[str, Any]) -> str:
    """Return the report as one page without anything to load."""
    widest = max(document["largest_psi"], document["threshold"])
    rows = "".join(
        f"<tr class={item['verdict']}><td>{escape(name)}<td>{item['psi']:.3f}"
        f'<td><i style="width:{12 * item["psi"] / widest:.2f}rem"></i><td>{item["verdict"]}'
        f"<td>{escape(item['grew_most'])} ({item['by']:+.1%})"
        f"<td>{item['missing_in_training']:.1%} to {item['missing_now']:.1%}"
        for name, item in document["features"].items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Drift</title><style>'
        "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}"
        "td,th{padding:.3rem .6rem;text-align:left;border-bottom:1px solid #e4e7ec}"
        "i{display:block;height:.7rem;background:#2f5bea}.drifted td{font-weight:600}"
        ".drifted i{background:#b42318}</style><h1>Drift</h1>"
        f"<pre>{escape(text(document).splitlines()[0])}\n{escape(text(document).splitlines()[1])}"
        f"\n{escape(text(document).splitlines()[-1])}</pre><table><tr><th>Feature<th>PSI<th>"
        f"<th>Verdict<th>Grew most<th>Missing{rows}</table></html>\n"
    )
