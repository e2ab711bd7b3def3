"""Invoking a Lambda function, which answers by PutJobSuccessResult or PutJobFailureResult."""

from __future__ import annotations

import json
from typing import Any

from catalog.localaws.codepipeline.actions.base import ActionContext, ActionFailureError, Outcome

# CodePipeline waits an hour for a Lambda function's answer.
_MINUTES = 60


def invoke_lambda(context: ActionContext) -> Outcome:
    """Invoke the function and wait for its answer."""
    identifier, job = context.jobs.open()
    outputs = {name: context.new_place(name) for name in context.output_names()}
    event = {"CodePipeline.job": _job(context, identifier, outputs=outputs)}
    try:
        context.ask(
            context.client("lambda").invoke,
            FunctionName=context.need("FunctionName"),
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
        answered = context.wait(job.answered, minutes=_MINUTES)
    finally:
        context.jobs.close(identifier)
    if not answered:
        raise ActionFailureError("JobFailed", "The function did not answer in time")
    if not job.succeeded:
        raise ActionFailureError("JobFailed", job.message)
    return Outcome(outputs=outputs, variables=job.variables, external_id=identifier)


def _job(context: ActionContext, identifier: str, *, outputs: dict[str, Any]) -> dict[str, Any]:
    credentials = context.credentials
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": context.configuration},
        "inputArtifacts": [_artifact(name, place) for name, place in context.record.inputs.items()],
        "outputArtifacts": [_artifact(name, place) for name, place in outputs.items()],
        "artifactCredentials": {
            "accessKeyId": credentials["AWS_ACCESS_KEY_ID"],
            "secretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
            "sessionToken": credentials.get("AWS_SESSION_TOKEN", ""),
        },
    }
    key = context.encryption_key()
    if key:
        data["encryptionKey"] = {"id": key, "type": "KMS"}
    return {"id": identifier, "accountId": context.account, "data": data}


def _artifact(name: str, place: Any) -> dict[str, Any]:
    where = {"bucketName": place.bucket, "objectKey": place.key}
    return {"name": name, "revision": None, "location": {"type": "S3", "s3Location": where}}
