"""The data contract: which columns a flight has, what is refused, how time splits it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

TARGET_SOURCE = "arr_delay"
TIME = "scheduled_departure"
COLUMNS = {
    TIME: "timestamp",
    "scheduled_hour": "number",
    "scheduled_minute": "number",
    "scheduled_arrival": "number",
    "carrier": "text",
    "origin": "text",
    "dest": "text",
    "distance": "number",
    "temp": "number",
    "dewp": "number",
    "humid": "number",
    "wind_dir": "number",
    "wind_speed": "number",
    "precip": "number",
    "pressure": "number",
    "visib": "number",
    TARGET_SOURCE: "number",
}
MAY_BE_MISSING = frozenset(
    {"temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"}
)
# A model that sees one of these predicts what has already happened.
KNOWN_ONLY_AFTER_DEPARTURE = frozenset(
    {"dep_time", "dep_delay", "arr_time", "air_time", "actual_elapsed_time", "tailnum_actual"}
)

FIX = "correct the data, or the contract in data.py if it has changed"


class DataError(ValueError):
    """Data that a step cannot work with; the message lists every problem.

    Attributes:
        next_step: what to do about it.
    """

    def __init__(self, message: str, *, next_step: str = FIX) -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass(frozen=True, kw_only=True)
class Split:
    """Flights in order of time: fit on `train`, choose on `validation`, report on `test`."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def read(folder: Path) -> pd.DataFrame:
    """Return all flights of the Parquet files in `folder`.

    Raises:
        DataError: no file, an unreadable file, or flights that break the contract.
    """
    flights = _read(folder)
    check(flights)
    return flights


def read_unlabelled(folder: Path) -> pd.DataFrame:
    """Return all flights of the Parquet files in `folder`, whose outcomes may be unknown.

    Raises:
        DataError: as `read` does.
    """
    flights = _read(folder).drop(columns=TARGET_SOURCE, errors="ignore")
    check(flights, labelled=False)
    return flights


def _read(folder: Path) -> pd.DataFrame:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError(
            f"{folder.name}: no .parquet file",
            next_step="put Parquet files there (locally: the folder that InputDataUrl names)",
        )
    frames = []
    for file in files:
        try:
            frames.append(pd.read_parquet(file))
        except (OSError, ValueError) as error:
            raise DataError(f"{file.name}: not readable as Parquet: {error}") from error
    return pd.concat(frames, ignore_index=True)


def check(flights: pd.DataFrame, *, labelled: bool = True) -> None:
    """Refuse flights that break the contract.

    Args:
        flights: one row per flight.
        labelled: whether the arrival delay must be there (training) or must not (prediction).

    Raises:
        DataError: with every problem found.
    """
    expected = set(COLUMNS) if labelled else set(COLUMNS) - {TARGET_SOURCE}
    present = set(flights.columns)
    problems = ["no rows"] if flights.empty else []
    problems += [
        f"column {name!r}: known only after departure, so a model must not see it"
        for name in sorted(present & KNOWN_ONLY_AFTER_DEPARTURE)
    ]
    problems += [f"column {name!r}: missing" for name in sorted(expected - present)]
    problems += [
        f"column {name!r}: not in the contract (see COLUMNS in data.py)"
        for name in sorted(present - expected - KNOWN_ONLY_AFTER_DEPARTURE)
    ]
    for name in sorted(expected & present):
        problems += _column_problems(name, flights[name])
    if problems:
        raise DataError("\n".join(problems))


def _column_problems(name: str, values: "pd.Series[Any]") -> list[str]:
    kind = COLUMNS[name]
    fits = {
        "number": types.is_numeric_dtype(values) and not types.is_bool_dtype(values),
        "text": types.is_object_dtype(values) or types.is_string_dtype(values),
        "timestamp": isinstance(values.dtype, pd.DatetimeTZDtype),
    }[kind]
    if not fits and len(values):
        return [f"column {name!r}: expected {kind}, found {values.dtype}"]
    missing = int(values.isna().sum())
    if missing and name not in MAY_BE_MISSING:
        return [f"column {name!r}: {missing} of {len(values)} values are missing"]
    if kind == "number" and np.isinf(values.to_numpy(dtype=float, na_value=np.nan)).any():
        return [f"column {name!r}: holds infinite values"]
    return []


def split_by_time(flights: pd.DataFrame, *, validation: float = 0.15, test: float = 0.15) -> Split:
    """Split at midnights (UTC): no day, and no weather, is on both sides.

    Args:
        flights: one row per flight.
        validation: share of the days before the test period.
        test: share of the last days.

    Raises:
        DataError: too few days for three parts.
    """
    days = flights[TIME].dt.floor("D")
    calendar = sorted(days.unique())
    first_test = round(len(calendar) * (1 - test))
    first_validation = round(len(calendar) * (1 - test - validation))
    if not 0 < first_validation < first_test < len(calendar):
        raise DataError(f"{len(calendar)} days are too few to split by time")
    in_test = days >= calendar[first_test]
    in_train = days < calendar[first_validation]
    return Split(
        train=flights[in_train].reset_index(drop=True),
        validation=flights[~in_train & ~in_test].reset_index(drop=True),
        test=flights[in_test].reset_index(drop=True),
    )
