"""What the jobs of both pipelines have in common: image, packaging, caching, retries."""

from sagemaker.core import image_uris
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

FRAMEWORK, FRAMEWORK_VERSION = "xgboost", "3.2-0"
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
CALL_RETRIES = StepRetryPolicy(
    exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=10,
    backoff_rate=2.0,
    max_attempts=5,
)
JOB_RETRIES = [
    CALL_RETRIES,
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


def framework_image(session: PipelineSession) -> str:
    """Return the URI of the image that all jobs and the endpoint run in."""
    return image_uris.retrieve(
        FRAMEWORK,
        region=session.boto_region_name,
        version=FRAMEWORK_VERSION,
        py_version="py3",
        instance_type="ml.m5.large",
    )


def processing(
    script: str,
    *,
    inputs: dict,
    outputs: list[str],
    options: dict | None = None,
    session: PipelineSession,
    role: str,
    bucket: str,
    code: str,
    instance_type: ParameterString,
) -> object:
    """Return the arguments of a processing step.

    Args:
        script: at the root of the code archive.
        inputs: S3 URI per name; the script gets `--name FOLDER`.
        outputs: names; the script gets `--name FOLDER` and finds the folder made.
        options: further arguments of the script, `--name VALUE`.
        session: collects the request.
        role: ARN of the job's role.
        bucket: where outputs go, below the execution's id and the script's name.
        code: S3 URI of the code archive.
        instance_type: of the job.
    """
    step = script.removesuffix(".py")
    processor = Processor(
        image_uri=framework_image(session),
        entrypoint=["python3", "-c", RUN_FROM_ARCHIVE],
        instance_type=instance_type,
        instance_count=1,
        base_job_name=step,
        role=role,
        sagemaker_session=session,
    )
    arguments = [f"{CONTAINER}/code/sourcedir.tar.gz", script]
    for name in [*inputs, *outputs]:
        arguments += [f"--{name}", f"{CONTAINER}/{name}"]
    for name, value in (options or {}).items():
        arguments += [f"--{name}", value]
    run = [f"s3://{bucket}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID]
    return processor.run(
        inputs=[_input(name, uri) for name, uri in {"code": code, **inputs}.items()],
        outputs=[_output(name, Join(on="/", values=[*run, step, name])) for name in outputs],
        arguments=arguments,
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
