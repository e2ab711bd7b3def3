"""The pipeline: preprocess, train, evaluate, then register the model or fail with the reason.

Compiled by `make compile` into definition.json, which `make pipeline` runs on this machine and
`make upsert` sends to SageMaker. Places that differ between them are symbols (see symbols.py).
"""

from sagemaker.core import image_uris
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

FRAMEWORK, FRAMEWORK_VERSION = "sklearn", "1.9-0"
CONTAINER = "/opt/ml/processing"
# A processing job starts one file; this one unpacks the code archive and runs a script in it,
# as script mode does for training jobs.
RUN_FROM_ARCHIVE = (
    "import runpy, sys, tarfile, pathlib; "
    "archive, script = sys.argv[1:3]; "
    "folder = str(pathlib.Path(archive).parent); "
    "opened = tarfile.open(archive); "
    # Python 3.11.0 to 3.11.3 have no filters; the archive is our own.
    "opened.extraction_filter = getattr(tarfile, 'data_filter', None); "
    "opened.extractall(folder); "
    "sys.path.insert(0, folder); "
    "sys.argv = [script, *sys.argv[3:]]; "
    "runpy.run_path(folder + '/' + script, run_name='__main__')"
)
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
JOB_RETRIES = [
    StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
        interval_seconds=10,
        backoff_rate=2.0,
        max_attempts=5,
    ),
    SageMakerJobStepRetryPolicy(
        exception_types=[
            SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
            SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
        ],
        interval_seconds=60,
        backoff_rate=2.0,
        max_attempts=5,
    ),
]


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
    learning_rate = ParameterFloat("LearningRate", default_value=0.1)
    max_iter = ParameterInteger("MaxIter", default_value=100)

    image = image_uris.retrieve(
        FRAMEWORK,
        region=session.boto_region_name,
        version=FRAMEWORK_VERSION,
        py_version="py3",
        instance_type="ml.m5.large",
    )
    run = [f"s3://{bucket}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID]

    def processing(script: str, inputs: dict, outputs: list[str]) -> object:
        processor = Processor(
            image_uri=image,
            entrypoint=["python3", "-c", RUN_FROM_ARCHIVE],
            instance_type=instance_type,
            instance_count=1,
            base_job_name=script.removesuffix(".py"),
            role=role,
            sagemaker_session=session,
        )
        arguments = [f"{CONTAINER}/code/sourcedir.tar.gz", script]
        for name in [*inputs, *outputs]:
            arguments += [f"--{name}", f"{CONTAINER}/{name}"]
        return processor.run(
            inputs=[_input(name, uri) for name, uri in {"code": code, **inputs}.items()],
            outputs=[_output(name, Join(on="/", values=[*run, name])) for name in outputs],
            arguments=arguments,
        )

    preprocess = ProcessingStep(
        name="Preprocess",
        description="Check the flights against the data contract and split them by time",
        step_args=processing("preprocess.py", {"raw": input_data}, ["train", "validation", "test"]),
        cache_config=CACHE,
        retry_policies=JOB_RETRIES,
    )
    parts = preprocess.properties.ProcessingOutputConfig.Outputs

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
    train = TrainingStep(
        name="Train",
        description="Fit the model and score it on the validation days",
        step_args=trainer.train(
            input_data_config=[
                InputData(channel_name=name, data_source=parts[name].S3Output.S3Uri)
                for name in ("train", "validation")
            ]
        ),
        cache_config=CACHE,
        retry_policies=JOB_RETRIES,
    )
    artifact = train.properties.ModelArtifacts.S3ModelArtifacts

    report = PropertyFile(name="Evaluation", output_name="output", path="evaluation.json")
    evaluate = ProcessingStep(
        name="Evaluate",
        description="Compare the model with the baseline on days that training never saw",
        step_args=processing(
            "evaluate.py", {"model": artifact, "test": parts["test"].S3Output.S3Uri}, ["output"]
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
                model_statistics=MetricsSource(
                    s3_uri=Join(
                        on="/",
                        values=[
                            evaluate.properties.ProcessingOutputConfig.Outputs[
                                "output"
                            ].S3Output.S3Uri,
                            "evaluation.json",
                        ],
                    ),
                    content_type="application/json",
                )
            ),
        ),
        retry_policies=JOB_RETRIES[:1],
    )
    too_weak = FailStep(
        name="TooWeak",
        error_message=Join(
            on=" ",
            values=[
                "The model was not registered: over the baseline, its skill on the test days has",
                "a lower bound (2.5 %) below MinSkill =",
                min_skill,
            ],
        ),
    )
    decide = ConditionStep(
        name="GoodEnough",
        conditions=[
            ConditionGreaterThanOrEqualTo(
                left=JsonGet(step_name=evaluate.name, property_file=report, json_path="skill.low"),
                right=min_skill,
            )
        ],
        if_steps=[register],
        else_steps=[too_weak],
    )
    return Pipeline(
        name="pipeline",
        parameters=[input_data, instance_type, approval, min_skill, learning_rate, max_iter],
        steps=[preprocess, train, evaluate, decide],
        sagemaker_session=session,
    )


def _input(name: str, uri: object) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"{CONTAINER}/{name}",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
        ),
    )


def _output(name: str, uri: object) -> ProcessingOutput:
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"{CONTAINER}/{name}", s3_upload_mode="EndOfJob"
        ),
    )
