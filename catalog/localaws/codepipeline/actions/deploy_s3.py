"""Deploy to S3."""

from __future__ import annotations

import io
import zipfile

from catalog.localaws.codepipeline.actions.base import ActionContext, ActionFailureError, Outcome


def s3(context: ActionContext) -> Outcome:
    """Put an artifact, or the files in it, into a bucket."""
    bucket = context.need("BucketName")
    extract = context.need("Extract").lower() == "true"
    key = context.configuration.get("ObjectKey", "").strip("/")
    content = context.get(next(iter(context.record.inputs)))
    client = context.client("s3")
    if not extract:
        context.ask(client.put_object, Bucket=bucket, Key=context.need("ObjectKey"), Body=content)
        return Outcome()
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as error:
        raise ActionFailureError("JobFailed", "The input artifact is no ZIP archive") from error
    with archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            name = f"{key}/{entry.filename}" if key else entry.filename
            context.ask(client.put_object, Bucket=bucket, Key=name, Body=archive.read(entry))
    return Outcome()
