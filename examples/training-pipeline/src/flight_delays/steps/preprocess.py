"""Preprocess step: check the raw flights, split them by time, describe the training part."""

import argparse
import json
from pathlib import Path

from .. import data, problem, statistics

PARTS = ("train", "validation", "test")


def main(arguments: list[str] | None = None) -> None:
    """Read `--raw`, write `--train`, `--validation`, `--test` and `--statistics`, all folders.

    Raises:
        DataError: data that breaks the contract, or a part with one outcome only.
    """
    parser = argparse.ArgumentParser()
    for name in ("raw", *PARTS, "statistics"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    split = data.split_by_time(data.read(options.raw))
    for name in PARTS:
        flights = getattr(split, name)
        first, last = flights[data.TIME].min(), flights[data.TIME].max()
        print(f"{name}: {len(flights)} flights, {first:%Y-%m-%d} to {last:%Y-%m-%d}")
        try:
            problem.target(flights)
        except data.DataError as error:
            raise data.DataError(
                f"{name} part ({first:%Y-%m-%d} to {last:%Y-%m-%d}): {error}",
                next_step="take in data of a longer period, or look at how the outcome is made",
            ) from error
    for name in PARTS:
        folder = getattr(options, name)
        folder.mkdir(parents=True, exist_ok=True)
        getattr(split, name).to_parquet(folder / "flights.parquet", index=False)
    options.statistics.mkdir(parents=True, exist_ok=True)
    described = json.dumps(statistics.describe(split.train), indent=2)
    (options.statistics / statistics.FILE).write_text(described + "\n", encoding="utf-8")
