"""What the local runner costs beside the steps it runs.

A pipeline (prepare, 4 tuning trials, evaluate, condition, register; scikit-learn on a synthetic
table) runs without cache, one process at a time. A wrapper around the jobs' interpreter notes when
each job's process starts and ends. The runner's cost is the wall time of its whole process, from
start to exit, less the time in which a job ran: its own start, importing botocore and validating
requests, mount namespaces, copies of inputs, archives, hashes, the report. Both come from the same
run, so load on the machine stretches both.

Usage: python benchmarks/runner/overhead.py [--rows 60000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "templates" / "_shared"

PREPARE = """
    import sys
    import pandas as pd
    frame = pd.read_csv(sys.argv[1] + "/raw.csv")
    test = frame.sample(frac=0.2, random_state=0)
    frame.drop(test.index).to_csv(sys.argv[2] + "/data.csv", index=False)
    test.to_csv(sys.argv[3] + "/data.csv", index=False)
"""
TRAIN = """
    import argparse, os, pickle
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float)
    options = parser.parse_args()
    frame = pd.read_csv(os.environ["SM_CHANNEL_TRAIN"] + "/data.csv")
    x, y = frame.drop(columns="y"), frame["y"]
    model = HistGradientBoostingClassifier(learning_rate=options.learning_rate, max_iter=150)
    model.fit(x, y)
    print(f"auc={roc_auc_score(y, model.predict_proba(x)[:, 1]):.6f}")
    with open(os.environ["SM_MODEL_DIR"] + "/model.pkl", "wb") as file:
        pickle.dump(model, file)
"""
EVALUATE = """
    import json, pickle, sys, tarfile
    import pandas as pd
    from sklearn.metrics import roc_auc_score
    with tarfile.open(sys.argv[1] + "/model.tar.gz") as archive:
        model = pickle.load(archive.extractfile("model.pkl"))
    frame = pd.read_csv(sys.argv[2] + "/data.csv")
    auc = roc_auc_score(frame["y"], model.predict_proba(frame.drop(columns="y"))[:, 1])
    with open(sys.argv[3] + "/evaluation.json", "w") as file:
        json.dump({"auc": auc}, file)
"""
RATES = ["0.05", "0.1", "0.2", "0.3"]
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
ROLE = "arn:aws:iam::000000000000:role/r"
ML = "/opt/ml/processing"


def make_data(folder: Path, rows: int) -> None:
    """Write a table of 10 features with a learnable label."""
    rng = random.Random(0)  # noqa: S311
    with (folder / "raw.csv").open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"x{i}" for i in range(10)), "y"]) + "\n")
        for _ in range(rows):
            values = [rng.gauss(0, 1) for _ in range(10)]
            label = int(values[0] + values[1] ** 2 + rng.gauss(0, 1) > 1)
            file.write(",".join([*(f"{v:.6f}" for v in values), str(label)]) + "\n")


def source(name: str, uri: Any) -> dict[str, Any]:
    """A processing input."""
    location = {"S3Uri": uri, "LocalPath": f"{ML}/{name}", "S3DataType": "S3Prefix",
                "S3InputMode": "File"}  # fmt: skip
    return {"InputName": name, "S3Input": location}


def processing(name: str, script: str, inputs: dict[str, Any], outputs: list[str]) -> Any:
    """A processing step: input folders, then output folders, as arguments."""
    run = {"Get": "Execution.PipelineExecutionId"}
    where = [f"{ML}/{key}" for key in [*inputs, *outputs]]
    targets = [
        {
            "OutputName": key,
            "S3Output": {
                "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3://${bucket}/runs", run, key]}},
                "LocalPath": f"{ML}/{key}",
                "S3UploadMode": "EndOfJob",
            },
        }
        for key in outputs
    ]
    command = f"cd /tmp && exec python3 {ML}/code/{script} " + " ".join(where)
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "RoleArn": ROLE,
            "ProcessingResources": {"ClusterConfig": CLUSTER},
            "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["sh", "-c", command]},
            "ProcessingInputs": [
                source("code", "s3://${bucket}/scripts"),
                *(source(key, uri) for key, uri in inputs.items()),
            ],
            "ProcessingOutputConfig": {"Outputs": targets},
        },
    }


def definition() -> dict[str, Any]:
    """The pipeline that does the same work."""
    out = "Steps.Prepare.ProcessingOutputConfig.Outputs['{}'].S3Output.S3Uri"
    best = {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}
    model = {
        "Std:Join": {"On": "/", "Values": ["s3://${bucket}/models", best, "output/model.tar.gz"]}
    }
    training = {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": "image",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}],
        },
        "ResourceConfig": CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "OutputDataConfig": {"S3OutputPath": "s3://${bucket}/models"},
        "StaticHyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "${code:scripts}",
        },
        "InputDataConfig": [{
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix",
                                            "S3Uri": {"Get": out.format("train")}}},
        }],
    }  # fmt: skip
    tuning = {
        "Strategy": "Grid",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 1},
        "ParameterRanges": {
            "CategoricalParameterRanges": [{"Name": "learning-rate", "Values": RATES}]
        },
    }
    evaluate = processing(
        "Evaluate", "evaluate.py", {"model": model, "test": {"Get": out.format("test")}},
        ["evaluation"],
    )  # fmt: skip
    evaluate["PropertyFiles"] = [
        {"PropertyFileName": "R", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    ]
    auc = {
        "Std:JsonGet": {
            "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.R"},
            "Path": "auc",
        }
    }
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "${model_package_group}",
            "InferenceSpecification": {
                "Containers": [{"Image": "image", "ModelDataUrl": model}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        },
    }
    condition = {"Type": "GreaterThan", "LeftValue": auc, "RightValue": 0.5}
    steps = [
        processing("Prepare", "prepare.py", {"raw": "s3://${bucket}/raw"}, ["train", "test"]),
        {
            "Name": "Tune",
            "Type": "Tuning",
            "Arguments": {
                "HyperParameterTuningJobConfig": tuning,
                "TrainingJobDefinition": training,
            },
        },
        evaluate,
        {
            "Name": "Good",
            "Type": "Condition",
            "Arguments": {"Conditions": [condition], "IfSteps": [register], "ElseSteps": []},
        },
    ]
    return {"Version": "2020-12-01", "Steps": steps}


WRAPPER = """#!/bin/sh
start=$(date +%s.%N)
{python} "$@"
status=$?
echo "$start $(date +%s.%N)" >> {log}
exit $status
"""


def measure(scripts: Path, data: Path, folder: Path) -> tuple[float, float]:
    """Seconds in which jobs ran, and seconds of the whole process."""
    (folder / "definition.json").write_text(json.dumps(definition()), "utf-8")
    (folder / "bin").mkdir()
    wrapper, log = folder / "bin" / "python3", folder / "times"
    wrapper.write_text(WRAPPER.format(python=sys.executable, log=log), "utf-8")
    wrapper.chmod(0o755)
    command = [
        sys.executable, "-m", "local_runner", "run", "definition.json", "--store", "work",
        "--no-cache", "--max-parallel", "1", "--code", f"scripts={scripts}",
        "--mount", f"s3://local/scripts={scripts}", "--mount", f"s3://local/raw={data}",
        "--python", str(wrapper),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(SHARED), "OMP_NUM_THREADS": "1"}
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    whole = time.perf_counter() - started
    spans = [line.split() for line in log.read_text("utf-8").splitlines()]
    if len(spans) != 2 + len(RATES):
        raise SystemExit(f"expected {2 + len(RATES)} jobs, saw {len(spans)}")
    return sum(float(end) - float(start) for start, end in spans), whole


def main() -> None:
    """Measure, print, and write `overhead.json` beside this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("scripts", "data"):
            (root / folder).mkdir()
        for script, text in (("prepare", PREPARE), ("train", TRAIN), ("evaluate", EVALUATE)):
            (root / "scripts" / f"{script}.py").write_text(textwrap.dedent(text), "utf-8")
        make_data(root / "data", options.rows)
        for number in range(options.rounds):
            folder = root / str(number)
            folder.mkdir()
            steps, whole = measure(root / "scripts", root / "data", folder)
            cost = whole - steps
            rounds.append(
                {
                    "steps_seconds": round(steps, 2),
                    "cost_seconds": round(cost, 2),
                    "cost_percent": round(100 * cost / steps, 1),
                }
            )
            print(rounds[-1], flush=True)
    result = {
        "rows": options.rows,
        "rounds": rounds,
        "median_cost_percent": statistics.median(r["cost_percent"] for r in rounds),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }
    text = json.dumps(result, indent=2)
    Path(__file__).with_suffix(".json").write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
