"""Evaluate step: compare the model with baseline and champion on days training never saw."""

import argparse
import importlib.util
import json
import tempfile
from pathlib import Path

from .. import champion, data, evaluate, model


def main(arguments: list[str] | None = None) -> None:
    """Read `--model`, `--champion` (folders of model.tar.gz) and `--test`, write `--output`."""
    parser = argparse.ArgumentParser()
    for name in ("model", "champion", "test", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        champion.unpack(options.model / "model.tar.gz", Path(folder))
        trained = model.load(Path(folder))
    flights = data.read(options.test)
    table = evaluate.predictions(trained, flights)
    package = json.loads((options.champion / champion.FILE).read_text("utf-8"))["package"]
    if package:
        table["champion"] = champion.predictions(options.champion / "model.tar.gz", flights)
    result = evaluate.evaluation(table, champion=package)
    options.output.mkdir(parents=True, exist_ok=True)
    table.to_parquet(options.output / "predictions.parquet", index=False)
    (options.output / "evaluation.json").write_text(json.dumps(result, indent=2) + "\n")
    if importlib.util.find_spec("matplotlib"):
        from .. import plots

        plots.write(table, options.output)
    else:
        print("No plots: this image has no matplotlib.")
    for name in ("skill", "gain"):
        found = result[name]
        print(f"test:{name}={found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]")
