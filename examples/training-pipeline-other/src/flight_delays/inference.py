"""What an endpoint runs: the four functions of the SageMaker inference contract."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flight_delays import data
from flight_delays import model as models

JSON, CSV = "application/json", "text/csv"


def model_fn(model_dir: str) -> models.Model:
    """Load the model that the training step left in `model_dir`."""
    return models.load(Path(model_dir))


def input_fn(body: str | bytes, content_type: str) -> pd.DataFrame:
    """Read flights: JSON records, or CSV with a header line.

    Raises:
        ValueError: another content type, or flights that break the data contract.
    """
    text = body.decode("utf-8") if isinstance(body, bytes) else body
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        flights = pd.DataFrame(json.loads(text))
    elif kind == CSV:
        flights = pd.read_csv(io.StringIO(text))
    else:
        raise ValueError(f"content type {content_type!r}: send {JSON} or {CSV}")
    if data.TIME in flights:
        flights[data.TIME] = pd.to_datetime(flights[data.TIME], utc=True)
    for name in data.MAY_BE_MISSING & set(flights.columns):
        flights[name] = pd.to_numeric(flights[name])
    data.check(flights, labelled=False)
    return flights


def predict_fn(flights: pd.DataFrame, model: models.Model) -> np.ndarray[Any, Any]:
    """Return one prediction per flight."""
    return model.predict(flights)


def output_fn(prediction: np.ndarray[Any, Any], accept: str) -> tuple[str, str]:
    """Write predictions as JSON, or as CSV where that is asked for."""
    if accept.partition(";")[0].strip().lower() == CSV:
        return "\n".join(str(value) for value in prediction) + "\n", CSV
    return json.dumps({"predictions": prediction.tolist()}), JSON
