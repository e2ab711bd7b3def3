"""Train step: fit the model, score it on the validation days, save it with its serving code."""

import argparse
import os
import shutil
from pathlib import Path

from .. import data, evaluate, model

PACKAGE = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> None:
    """Train under the SageMaker training contract: channels and model folder from SM_*."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--max-iter", type=int, default=100)
    parser.add_argument("--max-leaf-nodes", type=int, default=15)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    options = parser.parse_args(arguments)
    for name in ("train", "validation", "model_dir"):
        if getattr(options, name) is None:
            parser.error(f"--{name.replace('_', '-')} or its SM_* variable is needed")
    trained = model.fit(
        data.read(options.train),
        learning_rate=options.learning_rate,
        max_iter=options.max_iter,
        max_leaf_nodes=options.max_leaf_nodes,
    )
    seen = evaluate.evaluation(evaluate.predictions(trained, data.read(options.validation)))
    # SageMaker reads metrics from the log; see metric_definitions in pipelines/pipeline.py.
    print(f"validation:skill={seen['skill']['value']:.6f}")
    trained.save(options.model_dir)
    add_serving_code(options.model_dir)


def add_serving_code(folder: Path) -> None:
    """Put the package beside the model, so that the endpoint needs no other archive."""
    code = folder / "code"
    shutil.copytree(
        PACKAGE,
        code / PACKAGE.name,
        ignore=shutil.ignore_patterns("__pycache__", "steps"),
        dirs_exist_ok=True,
    )
    shutil.copyfile(PACKAGE / "inference.py", code / "inference.py")
