"""The seeding function: every end of a build is answered, once, and the URL stays secret."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from catalog.products.repository_seed import ENDED, INLINE_LIMIT, function_source

URL = "https://cloudformation.example.com/answer?X-Amz-Signature=secret"


class Aws:
    """The S3 and CodeBuild that the function sees."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.started: list[dict[str, Any]] = []
        self.builds: dict[str, dict[str, Any]] = {}
        self.refuse: Exception | None = None

    def client(self, name: str) -> Aws:
        assert name in ("s3", "codebuild")
        return self

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        assert Bucket == "bucket"
        self.objects[Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key])}

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}

    def get_paginator(self, name: str) -> Aws:
        assert name == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        for key in [key for key in self.objects if key.startswith(Prefix)]:
            yield {"Versions": [{"Key": key, "VersionId": "1"}]}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> None:  # noqa: N803
        del self.objects[Key]

    def start_build(self, **request: Any) -> None:
        if self.refuse:
            raise self.refuse
        self.started.append(request)

    def batch_get_builds(self, *, ids: list[str]) -> dict[str, Any]:
        return {"builds": [self.builds[ids[0]]]}


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def answers() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def function(
    aws: Aws,
    answers: list[tuple[str, dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ModuleType:
    """Return the function as it travels inline, its comments stripped."""
    boto3 = ModuleType("boto3")
    boto3.client = aws.client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setenv("PROJECT", "seed-project")
    monkeypatch.setenv("BUCKET", "bucket")
    path = tmp_path / "index.py"
    path.write_text(function_source())
    spec = importlib.util.spec_from_file_location("seed_function", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def urlopen(request: Any, timeout: float) -> io.BytesIO:
        assert request.method == "PUT"
        answers.append((request.full_url, json.loads(request.data)))
        return io.BytesIO()

    monkeypatch.setattr(module.urllib.request, "urlopen", urlopen)
    return module


def request(kind: str = "Create") -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": "r-1",
        "ResponseURL": URL,
        "StackId": "stack",
        "LogicalResourceId": "RepositorySeed",
        "ResourceProperties": {"Answers": {"project_name": "Late", "kind": ""}},
    }


def ended(aws: Aws, status: str, **build: Any) -> dict[str, Any]:
    variables = [{"name": "SEED_REQUEST", "value": "r-1"}]
    aws.builds["seed-project:1"] = {
        "id": "seed-project:1",
        "buildStatus": status,
        "environment": {"environmentVariables": variables},
        **build,
    }
    arn = "arn:aws:codebuild:eu-west-1:111122223333:build/seed-project:1"
    return {"source": "aws.codebuild", "detail": {"build-status": status, "build-id": arn}}


def test_it_fits_inline() -> None:
    assert len(function_source()) <= INLINE_LIMIT


def test_create_starts_the_build_and_keeps_the_url_from_it(
    function: ModuleType, aws: Aws, answers: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    function.handler(request(), None)

    assert answers == []
    assert [b["projectName"] for b in aws.started] == ["seed-project"]
    assert json.loads(aws.objects["seeding/r-1/answers.json"]) == {
        "project_name": "Late",
        "kind": "",
    }
    assert "secret" not in json.dumps(aws.started)
    assert "secret" not in aws.objects["seeding/r-1/answers.json"].decode()
    assert "secret" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("status", ENDED)
def test_every_end_is_answered_once_and_leaves_nothing(
    function: ModuleType, aws: Aws, answers: list[Any], status: str
) -> None:
    function.handler(request(), None)
    event = ended(aws, status)

    function.handler(event, None)
    function.handler(event, None)

    ((url, answer),) = answers
    assert url == URL
    assert answer["Status"] == ("SUCCESS" if status == "SUCCEEDED" else "FAILED")
    assert answer["RequestId"] == "r-1"
    assert answer["PhysicalResourceId"] == "seed-project"
    assert aws.objects == {}


def test_the_builds_own_words_become_the_reason(
    function: ModuleType, aws: Aws, answers: list[Any]
) -> None:
    function.handler(request(), None)
    aws.objects["seeding/r-1/reason.txt"] = b"The repository is not empty." + b"x" * 5000

    function.handler(ended(aws, "FAILED"), None)

    reason = answers[0][1]["Reason"]
    assert reason.startswith("The repository is not empty.")
    # "Custom resource response objects": the whole answer has to stay below 4,096 bytes.
    assert len(json.dumps(answers[0][1])) < 4096


def test_a_build_that_never_started_is_explained_by_codebuild(
    function: ModuleType, aws: Aws, answers: list[Any]
) -> None:
    function.handler(request(), None)
    phases = [{"phaseType": "QUEUED", "contexts": [{"message": "Timed out in the queue"}]}]

    function.handler(ended(aws, "TIMED_OUT", phases=phases), None)

    assert "ended as TIMED_OUT. Timed out in the queue" in answers[0][1]["Reason"]


def test_a_build_that_cannot_start_is_answered_at_once(
    function: ModuleType, aws: Aws, answers: list[Any]
) -> None:
    aws.refuse = RuntimeError("quota of concurrent builds")

    function.handler(request(), None)

    assert answers[0][1]["Status"] == "FAILED"
    assert "quota of concurrent builds" in answers[0][1]["Reason"]
    assert aws.objects == {}


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_update_and_delete_touch_no_repository(
    function: ModuleType, aws: Aws, answers: list[Any], kind: str
) -> None:
    function.handler(request(kind), None)

    assert aws.started == []
    assert answers[0][1]["Status"] == "SUCCESS"


def test_delete_empties_what_a_lost_build_left(
    function: ModuleType, aws: Aws, answers: list[Any]
) -> None:
    function.handler(request(), None)
    function.handler(request("Delete"), None)

    assert aws.objects == {}
    assert answers[0][1]["Status"] == "SUCCESS"


def test_an_answer_is_repeated_and_failures_do_not_show_the_url(
    function: ModuleType,
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tried = []

    def refuse(request: Any, timeout: float) -> io.BytesIO:
        tried.append(request.full_url)
        raise OSError(f"cannot reach {URL}")

    monkeypatch.setattr(function.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(function.time, "sleep", lambda seconds: None)

    with pytest.raises(RuntimeError, match="was not answered"):
        function.handler(request("Update"), None)

    assert len(tried) == 3
    assert "secret" not in "".join(capsys.readouterr())
