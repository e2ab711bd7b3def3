"""What the model sees of a flight, all of it known before departure."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OrdinalEncoder

from .data import TIME

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = [
    "weekday",
    "departure_minute",
    "arrival_minute",
    "distance",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
]
LOCAL_ZONE = "America/New_York"


def features(flights: pd.DataFrame) -> pd.DataFrame:
    """Return one row of features per flight."""
    local = flights[TIME].dt.tz_convert(LOCAL_ZONE)
    arrival = flights["scheduled_arrival"]
    derived = flights.assign(
        weekday=local.dt.weekday,
        departure_minute=flights["scheduled_hour"] * 60.0 + flights["scheduled_minute"],
        arrival_minute=arrival // 100 * 60.0 + arrival % 100,
    )
    # The data's own precision: 39.92 from a CSV request has to fall on the side of a threshold
    # that 39.92 from the Parquet file fell on.
    return derived[[*CATEGORIES, *NUMBERS]].astype(dict.fromkeys(NUMBERS, "float32"))


def encoder() -> ColumnTransformer:
    """Return the step that turns categories into codes; unseen ones count as missing."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan
    )
    return ColumnTransformer(
        [("codes", codes, CATEGORIES), ("numbers", "passthrough", NUMBERS)],
        verbose_feature_names_out=False,
    )
