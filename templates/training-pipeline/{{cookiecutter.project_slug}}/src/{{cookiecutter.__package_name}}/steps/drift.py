"""Drift step: compare data with what the model was trained on, report, publish the metric."""

import argparse
import json
from pathlib import Path
from typing import Any

import boto3
import pandas as pd

from .. import capture, champion, data, drift, statistics

NONE = "none"


def main(arguments: list[str] | None = None) -> None:
    """Read `--data` and `--model` (of the champion step), write `--drift`, all folders.

    `--from` and `--until` are the first and last day of the flights that count, or `none`;
    `--namespace` is CloudWatch's, or `none`.

    Raises:
        DataError: nothing to compare, or with what.
    """
    parser = argparse.ArgumentParser()
    for name in ("data", "model", "drift"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("group", "from", "until", "namespace"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threshold", type=float, required=True)
    options = parser.parse_args(arguments)
    baseline = _baseline(options.model)
    read = capture.read if any(options.data.rglob("*.jsonl")) else data.read_unlabelled
    flights = between(read(options.data), getattr(options, "from"), options.until)
    findings = drift.compare(baseline, flights)
    document = drift.report(
        findings, baseline=baseline, flights=flights, threshold=options.threshold
    )
    options.drift.mkdir(parents=True, exist_ok=True)
    (options.drift / "drift.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    (options.drift / "drift.html").write_text(drift.html(document), "utf-8")
    print(document["summary"])
    if options.namespace == NONE:
        print("No CloudWatch metric: MetricNamespace is none, as on a machine without AWS.")
        return
    publish(
        boto3.client("cloudwatch"), namespace=options.namespace, group=options.group, found=document
    )


def between(flights: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """Return the flights scheduled from the day `first` to the day `last` (UTC), both included.

    Raises:
        DataError: a day that is no ISO date.
    """
    days = flights[data.TIME].dt.strftime("%Y-%m-%d")
    kept = pd.Series(data=True, index=flights.index)
    for day, inside in ((first, days >= first), (last, days <= last)):
        if day == NONE:
            continue
        try:
            pd.Timestamp(day)
        except ValueError as error:
            raise data.DataError(
                f"{day!r} is no day", next_step="write From and Until as 2013-11-01, or none"
            ) from error
        kept &= inside
    return flights[kept].reset_index(drop=True)


def publish(cloudwatch: Any, *, namespace: str, group: str, found: dict[str, Any]) -> None:
    """Send the metrics that the drift alarm watches."""
    dimensions = [{"Name": "ModelPackageGroup", "Value": group}]
    values = {
        "LargestPsi": found["largest_psi"],
        "DriftedFeatures": float(len(found["drifted"])),
        "Rows": float(found["rows"]),
    }
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": "None"}
            for name, value in values.items()
        ],
    )
    print(f"published {', '.join(values)} to {namespace}")


def _baseline(folder: Path) -> dict[str, Any]:
    file = folder / statistics.FILE
    if not file.is_file():
        package = json.loads((folder / champion.FILE).read_text("utf-8"))["package"]
        what = f"{package} was registered without statistics" if package else "no model registered"
        raise data.DataError(
            f"nothing to compare with: {what}", next_step="make pipeline, and approve its model"
        )
    document: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return document
