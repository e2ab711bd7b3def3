"""Preprocess step: check the raw flights and split them by time."""

import argparse
from pathlib import Path

from .. import data


def main(arguments: list[str] | None = None) -> None:
    """Read `--raw`, write `--train`, `--validation` and `--test`, all of them folders."""
    parser = argparse.ArgumentParser()
    for name in ("raw", "train", "validation", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    split = data.split_by_time(data.read(options.raw))
    for name in ("train", "validation", "test"):
        flights = getattr(split, name)
        folder = getattr(options, name)
        folder.mkdir(parents=True, exist_ok=True)
        flights.to_parquet(folder / "flights.parquet", index=False)
        first, last = flights[data.TIME].min(), flights[data.TIME].max()
        print(f"{name}: {len(flights)} flights, {first:%Y-%m-%d} to {last:%Y-%m-%d}")
