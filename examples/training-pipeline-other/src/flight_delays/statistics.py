"""What the training data looked like, kept with the model, so that drift can be seen later."""

from typing import Any

import numpy as np
import pandas as pd

from .data import TIME
from .features import CATEGORIES, NUMBERS, features

FILE = "statistics.json"
BINS = 10
MOST_CATEGORIES = 30
MISSING, OTHER = "missing", "other"


def describe(flights: pd.DataFrame) -> dict[str, Any]:
    """Return the distribution of each feature.

    Returns:
        Rows, first and last day, and per feature its kind, the share of rows in each bin and, of
        numbers, the edges between the bins (deciles). Missing values are a bin of their own.
    """
    table = features(flights)
    described = {name: _category(table[name]) for name in CATEGORIES}
    described |= {name: _number(table[name]) for name in NUMBERS}
    return {
        "rows": len(table),
        "first_day": str(flights[TIME].min().date()),
        "last_day": str(flights[TIME].max().date()),
        "features": described,
    }


def counts(described: dict[str, Any], values: "pd.Series[Any]") -> dict[str, int]:
    """Return how many values fall into each bin of a described feature, other ones included."""
    if described["kind"] == "number":
        labels = _labels(described["edges"], values)
    else:
        known = values.isin([name for name in described["shares"] if name != MISSING])
        labels = values.where(known, OTHER).where(values.notna(), MISSING).astype(str)
    found = labels.value_counts()
    return {str(name): int(count) for name, count in found.items()}


def _number(values: "pd.Series[Any]") -> dict[str, Any]:
    present = values.dropna().to_numpy(dtype=float)
    inner = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]) if len(present) else []
    edges = sorted({float(edge) for edge in inner})
    return {"kind": "number", "edges": edges, "shares": _shares(_labels(edges, values))}


def _category(values: "pd.Series[Any]") -> dict[str, Any]:
    common = values.value_counts().index[:MOST_CATEGORIES]
    labels = values.where(values.isin(common), OTHER).where(values.notna(), MISSING)
    return {"kind": "category", "shares": _shares(labels.astype(str))}


def _labels(edges: list[float], values: "pd.Series[Any]") -> "pd.Series[Any]":
    names = np.array([f"bin {number}" for number in range(len(edges) + 1)])
    # A value that is an edge belongs below it: many features take few values.
    places = np.searchsorted(edges, values.to_numpy(dtype=float), side="left")
    found = names[places.clip(max=len(edges))]
    return pd.Series(np.where(values.isna(), MISSING, found))


def _shares(labels: "pd.Series[Any]") -> dict[str, float]:
    return {str(name): float(share) for name, share in labels.value_counts(normalize=True).items()}
