"""Real flights for every test: each fourth row of the sample."""

from pathlib import Path

import pandas as pd
import pytest

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"


@pytest.fixture(scope="session")
def all_flights() -> pd.DataFrame:
    return pd.read_parquet(SAMPLE / "flights.parquet").iloc[::4].reset_index(drop=True)


@pytest.fixture
def flights(all_flights: pd.DataFrame) -> pd.DataFrame:
    return all_flights.copy()
