"""Calls an endpoint as its users would, and checks the answers and how long they take.

Run by the deployment pipeline against staging, see smoke.buildspec.yml, or by hand:
`make smoke ENDPOINT=name`.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
BATCH = 50
CALLS = 40
# Of the slowest of twenty calls, measured here: the network and a cold container included.
MOST_P95_MS = 1000.0


class SmokeError(Exception):
    """An answer that no user should get."""


def flights(rows: int = BATCH) -> pd.DataFrame:
    """Return flights as a user sends them: without the outcome."""
    file = sorted(SAMPLE.glob("*.parquet"))[0]
    return pd.read_parquet(file).head(rows).drop(columns="arr_delay")


def check(runtime: Any, *, endpoint: str, clock: Callable[[], float] = time.perf_counter) -> float:
    """Call the endpoint and return the 95th percentile of its latency in milliseconds.

    Args:
        runtime: boto3 client of `sagemaker-runtime`.
        endpoint: name of the endpoint.
        clock: seconds from some moment on.

    Raises:
        SmokeError: the answers are wrong, or too late.
    """
    sent = flights()
    as_json = _predictions(_call(runtime, endpoint, body=_json(sent), kind="application/json"))
    if len(as_json) != len(sent):
        raise SmokeError(f"{len(sent)} flights were sent, {len(as_json)} predictions came back")
    if not all(math.isfinite(value) for value in as_json):
        raise SmokeError(f"predictions that are no numbers: {as_json}")
    if not all(0 <= value <= 1 for value in as_json):
        raise SmokeError(f"predictions that are no probabilities: {as_json}")
    if len(set(as_json)) == 1:
        raise SmokeError("the same prediction for every flight: features do not arrive")
    as_csv = _predictions(_call(runtime, endpoint, body=sent.to_csv(index=False), kind="text/csv"))
    if not all(
        math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
        for one, other in zip(as_json, as_csv, strict=True)
    ):
        raise SmokeError("the same flights as CSV get other predictions")
    return _latency(runtime, endpoint, body=_json(sent.head(1)), clock=clock)


def _latency(runtime: Any, endpoint: str, *, body: str, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(CALLS):
        start = clock()
        _call(runtime, endpoint, body=body, kind="application/json")
        taken.append((clock() - start) * 1000)
    p95 = sorted(taken)[math.ceil(0.95 * CALLS) - 1]
    if p95 > MOST_P95_MS:
        raise SmokeError(f"95 % of the calls took up to {p95:.0f} ms; {MOST_P95_MS:.0f} is allowed")
    return p95


def _json(sent: pd.DataFrame) -> str:
    return str(sent.to_json(orient="records", date_format="iso"))


def _call(runtime: Any, endpoint: str, *, body: str, kind: str) -> str:
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType=kind, Accept="application/json"
    )
    return str(answer["Body"].read().decode("utf-8"))


def _predictions(text: str) -> list[float]:
    try:
        return [float(value) for value in json.loads(text)["predictions"]]
    except (ValueError, KeyError, TypeError):
        raise SmokeError(f"not an answer of this model: {text[:200]}") from None


def main() -> int:
    """Check the endpoint that ENDPOINT_NAME names and return the exit code."""
    import boto3

    endpoint, region = os.environ["ENDPOINT_NAME"], os.environ.get("AWS_REGION")
    session = boto3.Session(region_name=region)
    # Set when the endpoint is in another account.
    if role := os.environ.get("TESTER_ROLE_ARN"):
        given = session.client("sts").assume_role(RoleArn=role, RoleSessionName="smoke-test")
        keys = given["Credentials"]
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=region,
        )
    try:
        p95 = check(session.client("sagemaker-runtime"), endpoint=endpoint)
    except SmokeError as error:
        print(f"{endpoint}: {error}", file=sys.stderr)
        return 1
    print(f"{endpoint}: answers are right; 95 % of the calls took up to {p95:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
