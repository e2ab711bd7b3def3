"""Event patterns: which events they match."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "account": "111122223333",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:codebuild:eu-west-1:111122223333:build/b"],
    "source": "aws.codebuild",
    "detail-type": "CodeBuild Build State Change",
    "detail": {
        "build-status": "FAILED",
        "project-name": "seed-flights",
        "attempt": 3,
        "cancelled": False,
        "reason": None,
        "labels": ["a", "b"],
        "phases": [{"name": "BUILD", "ok": False}, {"name": "POST", "ok": True}],
        "ip": "10.0.1.7",
    },
}


def detail(**keys: Any) -> dict[str, Any]:
    return {"detail": {name.replace("_", "-"): value for name, value in keys.items()}}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.codebuild"]}, True),
        ({"source": ["aws.s3", "aws.codebuild"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"source": ["aws.codebuild"], "detail-type": ["other"]}, False),
        (detail(build_status=["FAILED", "STOPPED"]), True),
        (detail(build_status=[{"prefix": "FA"}]), True),
        (detail(build_status=[{"prefix": {"equals-ignore-case": "fa"}}]), True),
        (detail(build_status=[{"suffix": "ED"}]), True),
        (detail(build_status=[{"suffix": "X"}]), False),
        (detail(build_status=[{"equals-ignore-case": "failed"}]), True),
        (detail(build_status=[{"anything-but": "FAILED"}]), False),
        (detail(build_status=[{"anything-but": ["SUCCEEDED", "STOPPED"]}]), True),
        (detail(build_status=[{"anything-but": {"prefix": "FA"}}]), False),
        (detail(missing=[{"anything-but": "x"}]), False),
        (detail(missing=[{"exists": False}]), True),
        (detail(missing=[{"exists": True}]), False),
        (detail(attempt=[{"exists": True}]), True),
        (detail(attempt=[3]), True),
        (detail(attempt=["3"]), False),
        (detail(attempt=[{"numeric": [">", 1, "<=", 3]}]), True),
        (detail(attempt=[{"numeric": ["<", 3]}]), False),
        (detail(attempt=[{"numeric": ["=", 3.0]}]), True),
        (detail(cancelled=[False]), True),
        (detail(cancelled=[0]), False),
        (detail(reason=[None]), True),
        (detail(labels=["b"]), True),
        (detail(labels=[{"anything-but": "a"}]), False),
        (detail(phases={"name": ["POST"], "ok": [True]}), True),
        (detail(phases={"name": ["POST"], "ok": [False]}), False),
        (detail(project_name=[{"wildcard": "seed-*"}]), True),
        (detail(project_name=[{"wildcard": "*-fl*ts"}]), True),
        (detail(project_name=[{"wildcard": "seed"}]), False),
        (detail(ip=[{"cidr": "10.0.0.0/16"}]), True),
        (detail(ip=[{"cidr": "10.1.0.0/16"}]), False),
        ({"$or": [{"source": ["aws.s3"]}, {"account": ["111122223333"]}]}, True),
        ({"$or": [{"source": ["aws.s3"]}, {"account": ["1"]}]}, False),
        (detail(**{"$or": [{"attempt": [9]}, {"labels": ["a"]}]}), True),
    ],
)
def test_matching(aws: LocalAws, pattern: dict[str, Any], expected: bool) -> None:
    client = aws.session(account="111122223333", region="eu-west-1").client("events")
    answer = client.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))
    assert answer["Result"] is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "no json",
        "[]",
        "{}",
        '{"source": "aws.s3"}',
        '{"source": []}',
        '{"source": [{"like": "x"}]}',
        '{"source": [["a"]]}',
        '{"detail": {"n": [{"numeric": ["about", 3]}]}}',
        '{"$or": [{"source": ["a"]}]}',
        '{"detail": {"n": [{"exists": "yes"}]}}',
    ],
)
def test_patterns_that_are_not_valid(aws: LocalAws, pattern: str) -> None:
    client = aws.session(account="111122223333", region="eu-west-1").client("events")
    with pytest.raises(ClientError) as caught:
        client.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
    assert caught.value.response["Error"]["Code"] == "InvalidEventPatternException"
