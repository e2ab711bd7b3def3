"""Evaluate step: compare the model with the baseline on days that training never saw."""

import argparse
import importlib.util
import json
import tarfile
import tempfile
from pathlib import Path

from .. import data, evaluate, model


def main(arguments: list[str] | None = None) -> None:
    """Read `--model` (folder of model.tar.gz) and `--test`, write `--output`, all folders."""
    parser = argparse.ArgumentParser()
    for name in ("model", "test", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(options.model / "model.tar.gz") as archive:
            # Python 3.11.0 to 3.11.3 have no filters; the archive is our own.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)
        trained = model.load(Path(folder))
    table = evaluate.predictions(trained, data.read(options.test))
    result = evaluate.evaluation(table)
    options.output.mkdir(parents=True, exist_ok=True)
    table.to_parquet(options.output / "predictions.parquet", index=False)
    (options.output / "evaluation.json").write_text(json.dumps(result, indent=2) + "\n")
    if importlib.util.find_spec("matplotlib"):
        from .. import plots

        plots.write(table, options.output)
    else:
        print("No plots: this image has no matplotlib.")
    skill = result["skill"]
    print(f"test:skill={skill['value']:.4f} [{skill['low']:.4f}, {skill['high']:.4f}]")
