"""Puts the last local run's metrics, plots and report where people look: `reports/`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from .local import load

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {"Evaluate": "make pipeline", "Drift": "make drift"}


def collect(root: Path, *, step: str, target: Path) -> Path:
    """Copy the report of the last run of a step, and what the step wrote, into a folder.

    Args:
        root: of the repository.
        step: of a processing job with one output.
        target: is made; files of an earlier run are removed, folders are not.

    Raises:
        SystemExit: there is no successful run.
    """
    work = load(root).work
    runs = [json.loads(path.read_text("utf-8")) for path in sorted(work.glob("runs/*/run.json"))]
    with_step = [run for run in runs if step in run.get("steps", {})]
    run: dict[str, Any] = with_step[-1] if with_step else {}
    if run.get("status") != "Succeeded":
        raise SystemExit(f"No successful run with the step {step}. Next: {COMMANDS[step]}")
    target.mkdir(parents=True, exist_ok=True)
    for path in target.iterdir():
        if path.is_file():
            path.unlink()
    shutil.copyfile(run["report"], target / "report.html")
    outputs = run["steps"][step]["properties"]["ProcessingOutputConfig"]["Outputs"]
    (uri,) = (output["S3Output"]["S3Uri"] for output in outputs.values())
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
    gain = evaluation["gain"]
    lines.append(
        f"The model removes {skill['value']:.1%} of the baseline's {skill['loss']} "
        f"(95 % of resampled days: {skill['low']:.1%} to {skill['high']:.1%})."
    )
    if gain["over"] == "baseline":
        lines.append("No model is approved yet: this one is compared with the baseline only.")
    else:
        lines.append(
            f"It removes {gain['value']:.1%} of what the champion {gain['over']} loses "
            f"(95 %: {gain['low']:.1%} to {gain['high']:.1%})."
        )
    return "\n".join(lines)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Collect the reports of the last run and print the comparison, or where drift's are."""
    if arguments == ["drift"]:
        target = collect(root, step="Drift", target=root / "reports" / "drift")
        print(json.loads((target / "drift.json").read_text("utf-8"))["summary"])
        print("See reports/drift/drift.html")
        return 0
    target = collect(root, step="Evaluate", target=root / "reports")
    print(summary(json.loads((target / "evaluation.json").read_text("utf-8"))))
    print(f"See {target.name}/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
