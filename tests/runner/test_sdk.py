"""Definitions that the SageMaker SDK compiles: run as they are, from the store they name."""

# the SDK takes seconds to import and wants its environment first
from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from local_runner import Registry, RunnerError, Store, endpoint, run
from runner_lab import Lab

pytestmark = pytest.mark.slow
BUCKET = "demo"
ROLE = "arn:aws:iam::123456789012:role/r"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1.9-0"

SOURCES = {
    "prepare.py": """
        import argparse, pathlib
        parser = argparse.ArgumentParser()
        parser.add_argument("--rows", type=int)
        rows = parser.parse_args().rows
        lines = pathlib.Path("/opt/ml/processing/input/raw.csv").read_text().splitlines()[:rows]
        pathlib.Path("/opt/ml/processing/train/data.csv").write_text("\\n".join(lines))
    """,
    "train.py": """
        import argparse, json, os, pathlib, shutil
        parser = argparse.ArgumentParser()
        parser.add_argument("--factor", type=float)
        parser.add_argument("--label", default="")
        args = parser.parse_args()
        rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "data.csv").read_text().split()
        model = pathlib.Path(os.environ["SM_MODEL_DIR"])
        (model / "code").mkdir()
        (model / "model.json").write_text(json.dumps({"factor": args.factor, "label": args.label}))
        shutil.copy(pathlib.Path(__file__).with_name("inference.py"), model / "code")
        print(f"rows={len(rows)} label={args.label}")
        print(f"validation:auc={0.5 + args.factor / 10}")
    """,
    "inference.py": """
        import json
        def model_fn(folder):
            with open(folder + "/model.json") as file:
                return json.load(file)
        def input_fn(body, content_type):
            return [float(line.split(",")[0]) for line in body.splitlines()]
        def predict_fn(rows, model):
            return [row * model["factor"] for row in rows]
        def output_fn(values, accept):
            return "\\n".join(f"{value:g}" for value in values)
    """,
    "evaluate.py": """
        import json, pathlib, tarfile
        with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
            model = json.load(archive.extractfile("model.json"))
        report = {"metrics": {"auc": {"value": 0.5 + model["factor"] / 10}}}
        pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text(json.dumps(report))
    """,
    "requirements.txt": "a-package-that-does-not-exist==1\n",
}


@pytest.fixture
def session(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The SDK's own pipeline session; what it uploads lands in the local store."""
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    quiet = {
        "SchemaVersion": "1.0",
        "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
    }
    for name, text in SOURCES.items():
        (lab.folder / "src").mkdir(exist_ok=True)
        (lab.folder / "src" / name).write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
    lab.put(f"s3://{BUCKET}/raw/raw.csv", "1,2\n3,4\n5,6\n")
    with endpoint.serve(lab.store, Registry(lab.work / "registry")) as environment:
        for name, value in {**environment, "SAGEMAKER_VALIDATE_ROLE": "false"}.items():
            monkeypatch.setenv(name, value)
        yield PipelineSession(
            boto_session=boto3.Session(region_name="us-east-1"),
            default_bucket=BUCKET,
            sagemaker_config=quiet,
        )


class Parts:
    """Steps of a pipeline, as a data scientist would write them."""

    def __init__(self, session: Any, source: Path) -> None:
        from sagemaker.core.processing import ScriptProcessor
        from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger

        self.session, self.source = session, source
        self.rows = ParameterInteger("Rows", default_value=2)
        self.minimum = ParameterFloat("MinAuc", default_value=0.6)
        self.processor = ScriptProcessor(
            image_uri=IMAGE, command=["python3"], instance_type="ml.m5.large", instance_count=1,
            sagemaker_session=session, role=ROLE,
        )  # fmt: skip

    def output(self, name: str) -> Any:
        from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output
        from sagemaker.core.workflow.execution_variables import ExecutionVariables
        from sagemaker.core.workflow.functions import Join

        uri = Join(
            on="/", values=[f"s3://{BUCKET}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID, name]
        )
        target = ProcessingS3Output(
            s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob"
        )
        return ProcessingOutput(output_name=name, s3_output=target)

    def source_of(self, name: str, uri: Any) -> Any:
        from sagemaker.core.shapes import ProcessingInput, ProcessingS3Input

        location = ProcessingS3Input(
            s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_data_type="S3Prefix",
            s3_input_mode="File",
        )  # fmt: skip
        return ProcessingInput(input_name=name, s3_input=location)

    def prepare(self) -> Any:
        from sagemaker.core.workflow.functions import Join
        from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep

        arguments = self.processor.run(
            code=str(self.source / "prepare.py"),
            inputs=[self.source_of("input", f"s3://{BUCKET}/raw")],
            outputs=[self.output("train")],
            arguments=["--rows", Join(on="", values=[self.rows])],
        )
        cache = CacheConfig(enable_caching=True, expire_after="P7D")
        return ProcessingStep(name="Prepare", step_args=arguments, cache_config=cache)

    def trainer(self, **options: Any) -> Any:
        from sagemaker.train import ModelTrainer
        from sagemaker.train.configs import Compute, OutputDataConfig, SourceCode

        code = SourceCode(
            source_dir=str(self.source), entry_script="train.py", requirements="requirements.txt"
        )
        return ModelTrainer(
            training_image=IMAGE, source_code=code, sagemaker_session=self.session, role=ROLE,
            compute=Compute(instance_type="ml.m5.large", instance_count=1),
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/models"),
            base_job_name="train", **options,
        )  # fmt: skip

    def channel(self, step: Any) -> Any:
        from sagemaker.train.configs import InputData

        uri = step.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
        return [InputData(channel_name="train", data_source=uri, content_type="text/csv")]

    def train(self, prepared: Any) -> Any:
        from sagemaker.mlops.workflow.steps import TrainingStep

        trainer = self.trainer(hyperparameters={"factor": 3.0, "label": "first"})
        return TrainingStep(
            name="Train", step_args=trainer.train(input_data_config=self.channel(prepared))
        )

    def tune(self, prepared: Any) -> Any:
        from sagemaker.core.parameter import ContinuousParameter
        from sagemaker.mlops.workflow.steps import TuningStep
        from sagemaker.train.tuner import HyperparameterTuner

        tuner = HyperparameterTuner(
            model_trainer=self.trainer(hyperparameters={"label": "tuned"}),
            objective_metric_name="validation:auc",
            metric_definitions=[{"Name": "validation:auc", "Regex": "validation:auc=([0-9.]+)"}],
            hyperparameter_ranges={"factor": ContinuousParameter(1, 4, "Logarithmic")},
            max_jobs=3, max_parallel_jobs=2, random_seed=7,
        )  # fmt: skip
        return TuningStep(name="Tune", step_args=tuner.tune(inputs=self.channel(prepared)))

    def evaluate(self, model: Any) -> tuple[Any, Any]:
        from sagemaker.core.workflow.functions import JsonGet
        from sagemaker.core.workflow.properties import PropertyFile
        from sagemaker.mlops.workflow.steps import ProcessingStep

        report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
        arguments = self.processor.run(
            code=str(self.source / "evaluate.py"),
            inputs=[self.source_of("model", model)],
            outputs=[self.output("evaluation")],
        )
        step = ProcessingStep(name="Evaluate", step_args=arguments, property_files=[report])
        value = JsonGet(step_name="Evaluate", property_file=report, json_path="metrics.auc.value")
        return step, value

    def builder(self, model: Any) -> Any:
        from sagemaker.serve.model_builder import ModelBuilder

        return ModelBuilder(
            image_uri=IMAGE, s3_model_data_url=model, sagemaker_session=self.session, role_arn=ROLE,
            env_vars={"SAGEMAKER_PROGRAM": "inference.py",
                      "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
        )  # fmt: skip

    def register(self, model: Any) -> Any:
        from sagemaker.mlops.workflow.model_step import ModelStep

        arguments = self.builder(model).register(
            model_package_group_name="demo", content_types=["text/csv"],
            response_types=["text/csv"], inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"], approval_status="PendingManualApproval",
        )  # fmt: skip
        return ModelStep(name="Register", step_args=arguments)

    def compile(self, *steps: Any) -> dict[str, Any]:
        from sagemaker.mlops.workflow.pipeline import Pipeline

        pipeline = Pipeline(
            name="demo", parameters=[self.rows, self.minimum], steps=list(steps),
            sagemaker_session=self.session,
        )  # fmt: skip
        definition: dict[str, Any] = json.loads(pipeline.definition())
        return definition


def test_prepare_train_evaluate_condition_register_transform(lab: Lab, session: Any) -> None:
    from sagemaker.core.transformer import Transformer
    from sagemaker.core.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThanOrEqualTo,
        ConditionNot,
        ConditionOr,
    )
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.model_step import ModelStep
    from sagemaker.mlops.workflow.steps import TransformStep

    parts = Parts(session, lab.folder / "src")
    prepare = parts.prepare()
    train = parts.train(prepare)
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate, auc = parts.evaluate(model)
    made = ModelStep(name="Model", step_args=parts.builder(model).build())
    transformer = Transformer(
        model_name=made.properties.ModelName, instance_count=1, instance_type="ml.m5.large",
        output_path=f"s3://{BUCKET}/scored", accept="text/csv", assemble_with="Line",
        sagemaker_session=session,
    )  # fmt: skip
    score = TransformStep(
        name="Score",
        step_args=transformer.transform(
            data=f"s3://{BUCKET}/raw", content_type="text/csv", split_type="Line",
            join_source="Input", output_filter="$[0,-1]",
        ),
    )  # fmt: skip
    inner = ConditionStep(
        name="Inner",
        conditions=[ConditionOr([ConditionNot(ConditionEquals(left=parts.rows, right=2)),
                                 ConditionEquals(left=parts.rows, right=2)])],
        if_steps=[parts.register(model)],
        else_steps=[],
    )  # fmt: skip
    outer = ConditionStep(
        name="GoodEnough",
        conditions=[ConditionGreaterThanOrEqualTo(left=auc, right=parts.minimum)],
        if_steps=[inner],
        else_steps=[FailStep(name="TooWeak", error_message="AUC too low")],
    )
    definition = parts.compile(prepare, train, evaluate, outer, made, score)
    result = run(definition, work=lab.work, stream=lab.progress)
    assert result.status == "Succeeded", result.message
    assert lab.states(result)["TooWeak"] == "NotExecuted"
    log = (result.steps["Train"].folder / "attempt-1" / "log.txt").read_text("utf-8")
    assert "rows=2 label=first" in log
    assert lab.text(f"s3://{BUCKET}/scored/raw.csv.out") == "1,3\n3,9\n5,15\n"
    (package,) = result.packages
    assert package["ModelPackageArn"].endswith("model-package/demo/1")

    weak = run(definition, parameters={"MinAuc": 0.9}, work=lab.work, stream=lab.progress)
    assert weak.message == "step TooWeak failed: AUC too low"
    assert weak.steps["Prepare"].state == "Cached"
    assert not weak.packages


def test_tuning_and_its_best_model(lab: Lab, session: Any) -> None:
    parts = Parts(session, lab.folder / "src")
    prepare = parts.prepare()
    tune = parts.tune(prepare)
    best = tune.get_top_model_s3_uri(top_k=0, s3_bucket=BUCKET, prefix="models")
    evaluate, _ = parts.evaluate(best)
    definition = parts.compile(prepare, tune, evaluate, parts.register(best))
    result = run(definition, work=lab.work, stream=lab.progress)
    assert result.status == "Succeeded", result.message
    best_job = result.steps["Tune"].properties["BestTrainingJob"]["TrainingJobName"]
    model = result.packages[0]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert best_job in model
    auc = json.loads(lab.text(f"s3://{BUCKET}/runs/{result.run_id}/evaluation/evaluation.json"))
    assert 0.6 <= auc["metrics"]["auc"]["value"] <= 0.9


def test_a_decorated_function_is_refused(lab: Lab, session: Any) -> None:
    arguments = {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": [
                "/bin/bash",
                "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh",
            ],
        },
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/results"},
    }
    steps = [{"Name": "fn", "Type": "Training", "Arguments": arguments}]
    with pytest.raises(RunnerError, match="@step"):
        run({"Version": "2020-12-01", "Steps": steps}, work=lab.work)


def test_framework_processor(lab: Lab, session: Any) -> None:
    from sagemaker.core.processing import FrameworkProcessor
    from sagemaker.mlops.workflow.steps import ProcessingStep

    parts = Parts(session, lab.folder / "src")
    processor = FrameworkProcessor(
        image_uri=IMAGE, command=["python3"], instance_type="ml.m5.large", instance_count=1,
        sagemaker_session=session, role=ROLE,
    )  # fmt: skip
    arguments = processor.run(
        code="prepare.py", source_dir=str(lab.folder / "src"),
        inputs=[parts.source_of("input", f"s3://{BUCKET}/raw")], outputs=[parts.output("train")],
        arguments=["--rows", "1"],
    )  # fmt: skip
    definition = parts.compile(ProcessingStep(name="Prepare", step_args=arguments))
    result = run(definition, work=lab.work, stream=lab.progress)
    assert result.status == "Succeeded", result.message
    assert lab.text(f"s3://{BUCKET}/runs/{result.run_id}/train/data.csv") == "1,2"


def test_the_store_is_where_the_session_uploaded(session: Any, lab: Lab) -> None:
    assert Store(lab.work / "s3").read(f"s3://{BUCKET}/raw/raw.csv").startswith(b"1,2")
