"""Rate and memory of a local batch transform, at 1, 4 and 16 times the rows.

A gradient-boosted model scores CSV with the input joined to the answer. Measured in the
transform's own process: seconds in `predict_proba` alone, seconds of the whole stream, and the
highest resident memory. Each size is a process of its own.

Usage: python benchmarks/runner/transform.py [--rows 50000]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "templates" / "_shared"
INFERENCE = """
import io, pickle, time
import pandas as pd
seconds = 0.0
def model_fn(folder):
    with open(folder + "/model.pkl", "rb") as file:
        return pickle.load(file)
def input_fn(body, content_type):
    return pd.read_csv(io.StringIO(body), header=None).to_numpy()
def predict_fn(rows, model):
    global seconds
    started = time.perf_counter()
    answer = model.predict_proba(rows)[:, 1]
    seconds += time.perf_counter() - started
    return answer
def output_fn(values, accept):
    return "\\n".join(f"{value:.6f}" for value in values.tolist())
"""
CHILD = """
import json, os, resource, sys, time
from pathlib import Path
from local_runner.serving import Model
from local_runner.transform import Transform
folder, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
work = Transform(Model(folder / "model", os.environ), settings)
started = time.perf_counter()
with (folder / "data.csv").open("rb") as source, (folder / "out.csv").open("wb") as target:
    work.file(source, target)
whole = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([work.rows, whole, sys.modules["inference"].seconds, peak]))
"""
SETTINGS = {
    "content_type": "text/csv", "accept": "text/csv", "split": "Line", "assemble": "Line",
    "strategy": "MultiRecord", "payload": 6 * 2**20, "InputFilter": "$", "OutputFilter": "$",
    "JoinSource": "Input",
}  # fmt: skip
COLUMNS = 12


def make(folder: Path, rows: int, times: int) -> None:
    """A model, and a table that repeats itself."""
    import pickle  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415

    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, COLUMNS))
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    model.fit(x[:20_000], (x[:20_000, 0] + x[:20_000, 1] ** 2 > 1).astype(int))
    (folder / "model" / "code").mkdir(parents=True)
    (folder / "model" / "code" / "inference.py").write_text(INFERENCE, "utf-8")
    (folder / "model" / "model.pkl").write_bytes(pickle.dumps(model))
    text = "\n".join(",".join(f"{value:.5f}" for value in row) for row in x) + "\n"
    with (folder / "data.csv").open("w", encoding="utf-8") as file:
        for _ in range(times):
            file.write(text)


def main() -> None:
    """Measure, print, and write `transform.json` beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    options = parser.parse_args()
    sizes: list[dict[str, Any]] = []
    for times in (1, 4, 16):
        with tempfile.TemporaryDirectory() as name:
            make(Path(name), options.rows, times)
            child = subprocess.run(
                [sys.executable, "-c", CHILD, name, json.dumps(SETTINGS)],
                env={**os.environ, "PYTHONPATH": str(SHARED)},
                check=True,
                capture_output=True,
                text=True,
            )
        rows, whole, alone, peak = json.loads(child.stdout)
        sizes.append(
            {
                "rows": rows,
                "rows_per_second": round(rows / whole),
                "rows_per_second_in_predict": round(rows / alone),
                "peak_mib": round(peak),
            }
        )
        print(sizes[-1], flush=True)
    result = {
        "columns": COLUMNS,
        "sizes": sizes,
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
