"""The pipeline: preprocess, train, evaluate, then register the model or fail with the reason.

Compiled by `make compile` into definition.json, which `make pipeline` runs on this machine and
`make upsert` sends to SageMaker. Places that differ between them are symbols (see symbols.py).
"""

from functools import partial
from pathlib import Path

from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.shapes import ModelPackageModelCard
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import Properties, PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

from .jobs import CACHE, CALL_RETRIES, JOB_RETRIES, framework_image, processing

MODEL_CARD = Path(__file__).with_name("model_card.json")


def build(*, session: PipelineSession, role: str, bucket: str, group: str, code: str) -> Pipeline:
    """Return the pipeline.

    Args:
        session: collects requests instead of sending them.
        role: ARN of the role that the jobs run as.
        bucket: bucket of data, code and models.
        group: model package group that the model is registered in.
        code: S3 URI of the code archive.
    """
    input_data = ParameterString("InputDataUrl", default_value=f"s3://{bucket}/data/sample")
    instance_type = ParameterString("InstanceType", default_value="ml.m5.large")
    approval = ParameterString("ModelApprovalStatus", default_value="PendingManualApproval")
    min_skill = ParameterFloat("MinSkill", default_value=0.0)
    min_gain = ParameterFloat("MinGain", default_value=0.0)
    champion = ParameterString("Champion", default_value="latest-approved")
    learning_rate = ParameterFloat("LearningRate", default_value=0.1)
    max_iter = ParameterInteger("MaxIter", default_value=100)

    image = framework_image(session)
    job = partial(
        processing,
        session=session,
        role=role,
        bucket=bucket,
        code=code,
        instance_type=instance_type,
    )

    preprocess = ProcessingStep(
        name="Preprocess",
        description="Check the flights against the data contract and split them by time",
        step_args=job(
            "preprocess.py",
            inputs={"raw": input_data},
            outputs=["train", "validation", "test", "statistics"],
        ),
        cache_config=CACHE,
        retry_policies=JOB_RETRIES,
    )
    # Not cached: which version is approved is another question at every run.
    find_champion = ProcessingStep(
        name="Champion",
        description="Fetch the model that a new one has to beat: the latest approved version",
        step_args=job(
            "champion.py",
            inputs={},
            outputs=["output"],
            options={"group": group, "which": champion},
        ),
        retry_policies=JOB_RETRIES,
    )

    trainer = ModelTrainer(
        training_image=image,
        compute=Compute(instance_type=instance_type, instance_count=1),
        # Script mode by hand: packaging by the SDK puts the time of day into every definition,
        # and no step would ever be found in the cache.
        hyperparameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": code,
            "learning-rate": learning_rate.to_string(),
            "max-iter": max_iter.to_string(),
        },
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/models"),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=3600),
        base_job_name="train",
        role=role,
        sagemaker_session=session,
    )
    channels = [
        InputData(channel_name=name, data_source=_uri(preprocess, name))
        for name in ("train", "validation")
    ]
    train = TrainingStep(
        name="Train",
        description="Fit the model and score it on the validation days",
        step_args=trainer.train(input_data_config=channels),
        cache_config=CACHE,
        retry_policies=JOB_RETRIES,
    )
    artifact = train.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile(name="Evaluation", output_name="output", path="evaluation.json")
    evaluate = ProcessingStep(
        name="Evaluate",
        description="Compare the model with baseline and champion on days that training never saw",
        step_args=job(
            "evaluate.py",
            inputs={
                "model": artifact,
                "champion": _uri(find_champion, "output"),
                "test": _uri(preprocess, "test"),
            },
            outputs=["output"],
        ),
        property_files=[report],
        cache_config=CACHE,
        retry_policies=JOB_RETRIES,
    )

    builder = ModelBuilder(
        image_uri=image,
        s3_model_data_url=artifact,
        # The serving code is in the model archive; see add_serving_code in the train step.
        env_vars={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        role_arn=role,
        sagemaker_session=session,
    )
    statistics = _json(preprocess, "statistics", "statistics.json")
    evaluation = _json(evaluate, "output", "evaluation.json")
    register = ModelStep(
        name="Register",
        step_args=builder.register(
            model_package_group_name=group,
            content_types=["application/json", "text/csv"],
            response_types=["application/json", "text/csv"],
            inference_instances=["ml.m5.large", "ml.m5.xlarge"],
            transform_instances=["ml.m5.large", "ml.m5.xlarge"],
            approval_status=approval,
            model_metrics=ModelMetrics(
                model_statistics=evaluation, model_data_statistics=statistics
            ),
            drift_check_baselines=DriftCheckBaselines(model_data_statistics=statistics),
            model_card=ModelPackageModelCard(
                model_card_content=MODEL_CARD.read_text("utf-8"), model_card_status="Draft"
            ),
            # SageMaker records the lineage of steps by itself; this names what it does not know.
            customer_metadata_properties={
                "code": code,
                "data": input_data,
                "pipeline_execution": ExecutionVariables.PIPELINE_EXECUTION_ID,
                "champion": champion,
            },
        ),
        retry_policies=[CALL_RETRIES],
    )
    beats_champion = _condition(
        "BeatsChampion",
        JsonGet(step_name=evaluate.name, property_file=report, json_path="gain.value"),
        at_least=min_gain,
        then=register,
        otherwise=_fail(
            "WorseThanChampion",
            "The model was not registered: over the champion (over the baseline, where no model is"
            " approved), its gain on the test days is below MinGain =",
            min_gain,
            evaluation,
        ),
    )
    beats_baseline = _condition(
        "BeatsBaseline",
        JsonGet(step_name=evaluate.name, property_file=report, json_path="skill.low"),
        at_least=min_skill,
        then=beats_champion,
        otherwise=_fail(
            "TooWeak",
            "The model was not registered: over the baseline, its skill on the test days has"
            " a lower bound (2.5 %) below MinSkill =",
            min_skill,
            evaluation,
        ),
    )
    return Pipeline(
        name="pipeline",
        parameters=[
            input_data,
            instance_type,
            approval,
            min_skill,
            min_gain,
            champion,
            learning_rate,
            max_iter,
        ],
        steps=[preprocess, find_champion, train, evaluate, beats_baseline],
        sagemaker_session=session,
    )


def _uri(step: ProcessingStep, output: str) -> Properties:
    return step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri


def _json(step: ProcessingStep, output: str, file: str) -> MetricsSource:
    return MetricsSource(
        s3_uri=Join(on="/", values=[_uri(step, output), file]), content_type="application/json"
    )


def _condition(
    name: str,
    found: JsonGet,
    *,
    at_least: ParameterFloat,
    then: ConditionStep | ModelStep,
    otherwise: FailStep,
) -> ConditionStep:
    return ConditionStep(
        name=name,
        conditions=[ConditionGreaterThanOrEqualTo(left=found, right=at_least)],
        if_steps=[then],
        else_steps=[otherwise],
    )


def _fail(name: str, reason: str, threshold: ParameterFloat, source: MetricsSource) -> FailStep:
    return FailStep(
        name=name,
        error_message=Join(on=" ", values=[reason, threshold, "- see", source.s3_uri]),
    )
