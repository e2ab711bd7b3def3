"""Pipelines of tiny scripts, run by the runner as it stands in the templates."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_runner import RunResult, Store, run
from local_runner.store import write_tar

SHARED = Path(__file__).parents[2] / "templates" / "_shared"
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
ROLE = "arn:aws:iam::000000000000:role/r"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"


def get(target: str) -> dict[str, str]:
    return {"Get": target}


def join(*values: Any, on: str = "/") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


@dataclass
class Lab:
    folder: Path
    progress: io.StringIO = field(default_factory=io.StringIO)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def store(self) -> Store:
        return Store(self.work / "s3")

    def put(self, uri: str, content: str | bytes) -> str:
        self.store.write(uri, content if isinstance(content, bytes) else content.encode())
        return uri

    def script(self, name: str, text: str) -> str:
        """Put a script into the store; the URI depends on the name only."""
        return self.put(f"s3://b/scripts/{name}", textwrap.dedent(text))

    def processing(
        self,
        name: str,
        script: str,
        *,
        inputs: dict[str, Any] | None = None,
        outputs: dict[str, Any] | None = None,
        arguments: list[Any] | None = None,
        environment: dict[str, Any] | None = None,
        **step: Any,
    ) -> dict[str, Any]:
        code = self.script(f"{name}.py", script)
        sources = {"code": code, **(inputs or {})}
        request: dict[str, Any] = {
            "RoleArn": ROLE,
            "ProcessingResources": {"ClusterConfig": dict(CLUSTER)},
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/code/{name}.py"],
                **({"ContainerArguments": arguments} if arguments else {}),
            },
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for key, uri in sources.items()
            ],
        }
        if environment:
            request["Environment"] = environment
        if outputs:
            request["ProcessingOutputConfig"] = {
                "Outputs": [
                    {
                        "OutputName": key,
                        "S3Output": {
                            "S3Uri": uri,
                            "LocalPath": f"/opt/ml/processing/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key, uri in outputs.items()
                ]
            }
        return {"Name": name, "Type": "Processing", "Arguments": request, **step}

    def archive(self, files: dict[str, str], uri: str) -> str:
        source = self.folder / "archive"
        members = []
        for name, text in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(textwrap.dedent(text), "utf-8")
            members.append((name, source / name))
        write_tar(target := self.folder / "archive.tar.gz", members)
        return self.put(uri, target.read_bytes())

    def training_request(
        self, script: str, *, hyperparameters: dict[str, str], metrics: dict[str, str], uri: str
    ) -> dict[str, Any]:
        code = self.archive({"train.py": script}, uri)
        fixed = {"sagemaker_program": "train.py", "sagemaker_submit_directory": code}
        return {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": k, "Regex": v} for k, v in metrics.items()],
            },
            "ResourceConfig": dict(CLUSTER),
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "OutputDataConfig": {"S3OutputPath": "s3://b/models"},
            "HyperParameters": {**fixed, **hyperparameters},
        }

    def training(
        self,
        name: str,
        script: str,
        *,
        channels: dict[str, Any] | None = None,
        hyperparameters: dict[str, str] | None = None,
        metrics: dict[str, str] | None = None,
        **step: Any,
    ) -> dict[str, Any]:
        request = self.training_request(
            script,
            hyperparameters=hyperparameters or {},
            metrics=metrics or {},
            uri=f"s3://b/code/{name}/sourcedir.tar.gz",
        )
        if channels:
            request["InputDataConfig"] = [channel(key, uri) for key, uri in channels.items()]
        return {"Name": name, "Type": "Training", "Arguments": request, **step}

    def tuning(
        self, name: str, script: str, *, ranges: dict[str, Any], metric: str = "score=([-0-9.e]+)",
        jobs: int = 3, parallel: int = 1, goal: str = "Maximize", strategy: str = "Bayesian",
        **step: Any,
    ) -> dict[str, Any]:  # fmt: skip
        request = self.training_request(
            script,
            hyperparameters={},
            metrics={"score": metric},
            uri=f"s3://b/code/{name}/sourcedir.tar.gz",
        )
        request["StaticHyperParameters"] = request.pop("HyperParameters")
        config = {
            "Strategy": strategy,
            "RandomSeed": 7,
            "HyperParameterTuningJobObjective": {"Type": goal, "MetricName": "score"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": jobs,
                "MaxParallelTrainingJobs": parallel,
            },
            "ParameterRanges": ranges,
        }
        arguments = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": request}
        return {"Name": name, "Type": "Tuning", "Arguments": arguments, **step}

    def condition(
        self, name: str, conditions: list[Any], then: list[Any], otherwise: list[Any] | None = None
    ) -> dict[str, Any]:
        arguments = {"Conditions": conditions, "IfSteps": then, "ElseSteps": otherwise or []}
        return {"Name": name, "Type": "Condition", "Arguments": arguments}

    def model(self, name: str, inference: str, *, files: dict[str, str] | None = None) -> str:
        members = {"code/inference.py": inference, **(files or {})}
        return self.archive(members, f"s3://b/{name}/model.tar.gz")

    def run(self, *steps: Any, parameters: list[Any] | None = None, **options: Any) -> RunResult:
        definition = {
            "Version": "2020-12-01",
            "Parameters": parameters or [],
            "Steps": list(steps),
        }
        values = options.pop("values", {})
        return run(definition, parameters=values, work=self.work, stream=self.progress, **options)

    def states(self, result: RunResult) -> dict[str, str]:
        return {name: step.state for name, step in result.steps.items()}

    def text(self, uri: str) -> str:
        return self.store.read(uri).decode()


def channel(name: str, uri: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


WRITE = """
    import pathlib, sys
    pathlib.Path("/opt/ml/processing/out/result.txt").write_text(" ".join(sys.argv[1:]))
"""
