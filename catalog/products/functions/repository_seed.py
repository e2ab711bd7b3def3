"""Start the seeding build for a custom resource; answer CloudFormation when the build ends."""

# ruff: noqa: D103

import json
import os
import time
import urllib.request
from typing import Any

import boto3

PROJECT, BUCKET = os.environ["PROJECT"], os.environ["BUCKET"]
FIELDS = ("ResponseURL", "StackId", "RequestId", "LogicalResourceId")
s3, codebuild = boto3.client("s3"), boto3.client("codebuild")


def handler(event: dict[str, Any], _context: object) -> None:
    if "RequestType" in event:
        on_request(event)
    else:
        on_build_end(event["detail"]["build-id"].split(":build/")[-1])


def on_request(event: dict[str, Any]) -> None:
    request = event["RequestId"]
    if event["RequestType"] != "Create":
        if event["RequestType"] == "Delete":
            # A build that outlived its stack may have left something; only empty buckets go.
            purge("seeding/")
        answer(event, "SUCCESS", "The repository is left as it is.")
        return
    try:
        # The response URL is a secret: kept under the project's key, unseen by the build.
        put(f"seeding/{request}/response.json", {k: event[k] for k in FIELDS})
        put(f"seeding/{request}/answers.json", event["ResourceProperties"]["Answers"])
        codebuild.start_build(
            projectName=PROJECT,
            idempotencyToken=request,
            environmentVariablesOverride=[{"name": "SEED_REQUEST", "value": request}],
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation must hear of it
        purge(f"seeding/{request}/")
        answer(event, "FAILED", f"The seeding build could not be started: {error}")


def on_build_end(build_id: str) -> None:
    build = codebuild.batch_get_builds(ids=[build_id])["builds"][0]
    variables = {v["name"]: v["value"] for v in build["environment"]["environmentVariables"]}
    folder = f"seeding/{variables.get('SEED_REQUEST')}/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=folder).get("Contents", [])
    texts = {o["Key"].removeprefix(folder): read(o["Key"]) for o in listed}
    if "response.json" not in texts:
        return  # answered already: events may arrive twice
    purge(folder)
    request = json.loads(texts["response.json"])
    if build["buildStatus"] == "SUCCEEDED":
        answer(request, "SUCCESS", "Seeded.")
    else:
        answer(request, "FAILED", texts.get("reason.txt") or explain(build))


def explain(build: Any) -> str:
    said = [c.get("message") for p in build.get("phases", []) for c in p.get("contexts", [])]
    text = " ".join(m for m in said if m) or "It gave no reason."
    return f"The seeding build {build['id']} ended as {build['buildStatus']}. {text}"


def put(key: str, value: object) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(value).encode())


def read(key: str) -> str:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def purge(prefix: str) -> None:
    try:
        pages = s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=BUCKET, Prefix=prefix):
            for o in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=BUCKET, Key=o["Key"], VersionId=o["VersionId"])
    except Exception as error:  # noqa: BLE001 - an answer matters more than tidiness
        print("Not purged:", prefix, error)  # noqa: T201


def answer(request: dict[str, Any], status: str, reason: str) -> None:
    body = {k: request[k] for k in FIELDS[1:]}
    body |= {"Status": status, "Reason": reason[:1500], "PhysicalResourceId": PROJECT}
    for pause in (1, 5, 0):
        try:
            put_request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
                request["ResponseURL"],
                json.dumps(body).encode(),
                {"content-type": ""},
                method="PUT",
            )
            urllib.request.urlopen(put_request, timeout=30).close()  # noqa: S310
        except OSError as error:
            # Only its kind: the text of an error may hold the URL.
            print("CloudFormation did not take the answer:", type(error).__name__)  # noqa: T201
            time.sleep(pause)
        else:
            return
    raise RuntimeError("CloudFormation was not answered.")
