"""The table of step types."""

from __future__ import annotations

from typing import Any

from . import jobs, tuning
from .jobs import Kind, Request


def _processing(request: Request) -> list[Any]:
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return [item["S3Output"]["S3Uri"] for item in outputs if "S3Output" in item]


def _training(request: Request) -> list[Any]:
    return [request.get("OutputDataConfig", {}).get("S3OutputPath")]


KINDS: dict[str, Kind] = {
    "Processing": Kind(
        operation="CreateProcessingJob",
        name_field="ProcessingJobName",
        run=jobs.process,
        check=jobs.check_processing,
        outputs=_processing,
    ),
    "Training": Kind(
        operation="CreateTrainingJob",
        name_field="TrainingJobName",
        run=jobs.train_step,
        check=jobs.check_training,
        outputs=_training,
    ),
    "Tuning": Kind(
        operation="CreateHyperParameterTuningJob",
        name_field="HyperParameterTuningJobName",
        run=tuning.tune,
        check=tuning.check,
        outputs=lambda request: _training(request.get("TrainingJobDefinition", {})),
    ),
    "Transform": Kind(
        operation="CreateTransformJob",
        name_field="TransformJobName",
        run=jobs.transform,
        check=jobs.check_transform,
        outputs=lambda request: [request.get("TransformOutput", {}).get("S3OutputPath")],
    ),
    "Model": Kind(
        operation="CreateModel", name_field="ModelName", run=jobs.make_model, cacheable=False
    ),
    "RegisterModel": Kind(
        operation="CreateModelPackage",
        name_field="ModelPackageName",
        run=jobs.register,
        cacheable=False,
    ),
}
