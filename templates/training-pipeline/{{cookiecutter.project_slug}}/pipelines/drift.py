"""The drift pipeline: compare fresh or captured data with what the approved model was trained on.

Compiled by `make compile` into drift.json, which `make drift` runs on this machine and
`make upsert` sends to SageMaker where DRIFT_PIPELINE_NAME says under which name.
"""

from functools import partial

from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep

from .jobs import JOB_RETRIES, processing


def build(*, session: PipelineSession, role: str, bucket: str, group: str, code: str) -> Pipeline:
    """Return the drift pipeline; the arguments are those of pipeline.build.

    No step is cached: a check that ran before says nothing about now.
    """
    data_url = ParameterString("DataUrl", default_value=f"s3://{bucket}/data/sample")
    instance_type = ParameterString("InstanceType", default_value="ml.m5.large")
    model = ParameterString("Model", default_value="latest-approved-or-newest")
    since = ParameterString("From", default_value="none")
    until = ParameterString("Until", default_value="none")
    threshold = ParameterFloat("Threshold", default_value=0.25)
    namespace = ParameterString("MetricNamespace", default_value="ModelDrift")
    job = partial(
        processing,
        session=session,
        role=role,
        bucket=bucket,
        code=code,
        instance_type=instance_type,
    )
    find_model = ProcessingStep(
        name="FindModel",
        description="Fetch the statistics that the model was registered with",
        step_args=job(
            "champion.py", inputs={}, outputs=["output"], options={"group": group, "which": model}
        ),
        retry_policies=JOB_RETRIES,
    )
    found = find_model.properties.ProcessingOutputConfig.Outputs["output"].S3Output.S3Uri
    drift = ProcessingStep(
        name="Drift",
        description="Compare the data with the training data, report, publish the metric",
        step_args=job(
            "drift.py",
            inputs={"data": data_url, "model": found},
            outputs=["drift"],
            options={
                "group": group,
                "from": since,
                "until": until,
                "threshold": threshold.to_string(),
                "namespace": namespace,
            },
        ),
        retry_policies=JOB_RETRIES,
    )
    return Pipeline(
        name="drift",
        parameters=[data_url, instance_type, model, since, until, threshold, namespace],
        steps=[find_model, drift],
        sagemaker_session=session,
    )
