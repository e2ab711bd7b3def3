"""Puts the last local run's metrics, plots and report where people look: `reports/`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from .local import load

ROOT = Path(__file__).resolve().parent.parent


def collect(root: Path) -> Path:
    """Copy what the last run left into `reports/` and return that folder.

    Raises:
        SystemExit: there is no successful run.
    """
    work = load(root).work
    runs = sorted(work.glob("runs/*/run.json"))
    run: dict[str, Any] = json.loads(runs[-1].read_text("utf-8")) if runs else {}
    if run.get("status") != "Succeeded":
        raise SystemExit("No successful run. Next: make pipeline")
    target = root / "reports"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    shutil.copyfile(run["report"], target / "report.html")
    uri = run["steps"]["Evaluate"]["properties"]["ProcessingOutputConfig"]["Outputs"]["output"][
        "S3Output"
    ]["S3Uri"]
    for path in sorted((work / "s3" / uri.removeprefix("s3://")).iterdir()):
        shutil.copyfile(path, target / path.name)
    return target


def summary(evaluation: dict[str, Any]) -> str:
    """Return the comparison with the baseline as a small table."""
    (group,) = (value for key, value in evaluation.items() if key.endswith("_metrics"))
    skill = evaluation["skill"]
    lines = [
        f"{evaluation['flights']} flights, {evaluation['first_day']} to {evaluation['last_day']}",
        f"{'metric':<20}{'model':>10}{'baseline':>10}",
    ]
    lines += [
        f"{name:<20}{metric['value']:>10.4f}{evaluation['baseline'][name]:>10.4f}"
        for name, metric in group.items()
    ]
    lines.append(
        f"The model removes {skill['value']:.1%} of the baseline's {skill['loss']} "
        f"(95 % of resampled days: {skill['low']:.1%} to {skill['high']:.1%})."
    )
    return "\n".join(lines)


def main(root: Path = ROOT) -> int:
    """Collect the reports and print the comparison."""
    target = collect(root)
    print(summary(json.loads((target / "evaluation.json").read_text("utf-8"))))
    print(f"See {target.name}/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
