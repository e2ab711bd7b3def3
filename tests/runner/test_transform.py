"""Batch transform: streaming, filters, joins; and the serving contract."""

from __future__ import annotations

import http.client
import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_runner import Registry
from local_runner.errors import RunnerError
from local_runner.records import Csv, batches, compile_path
from local_runner.serve import find, server
from runner_lab import IMAGE, ROLE, Lab, get

SUM = """
    import json
    def model_fn(folder):
        with open(folder + "/weights.json") as file:
            return json.load(file)
    def input_fn(body, content_type):
        assert isinstance(body, str)
        if content_type == "text/csv":
            return [[float(v) for v in line.split(",")] for line in body.splitlines()]
        return [json.loads(line) for line in body.splitlines()]
    def predict_fn(rows, model):
        print("batch of", len(rows))
        return [model["factor"] * sum(row) for row in rows]
    def output_fn(values, accept):
        if accept == "text/csv":
            return "\\n".join(str(v) for v in values)
        return "\\n".join(json.dumps({"score": v}) for v in values), accept
"""
WEIGHTS = {"weights.json": '{"factor": 2}'}


def steps(lab: Lab, *, model: str | None = None, data: str = "s3://b/in", **options: Any) -> Any:
    uri = model or lab.model("sum", SUM, files=WEIGHTS)
    container = {"Image": IMAGE, "ModelDataUrl": uri}
    make = {
        "Name": "Model",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container},
    }
    kind = options.pop("kind", "text/csv")
    top = {k: options.pop(k) for k in ("BatchStrategy", "MaxPayloadInMB") if k in options}
    split = options.pop("SplitType", "Line")
    transform = {
        "Name": "Score",
        "Type": "Transform",
        "Arguments": {
            "ModelName": get("Steps.Model.ModelName"),
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
                "ContentType": kind,
                "SplitType": split,
            },
            "TransformOutput": {
                "S3OutputPath": "s3://b/scored",
                "Accept": kind,
                "AssembleWith": "Line" if split == "Line" else "None",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **top,
            **({"DataProcessing": options} if options else {}),
        },
    }
    return make, transform


@pytest.mark.parametrize("isolation", ["auto", "rewrite"])
def test_every_file_gives_one_object(lab: Lab, isolation: str) -> None:
    lab.put("s3://b/in/a.csv", "1,2\n3,4\n")
    lab.put("s3://b/in/deep/b.csv", "5,6")
    result = lab.run(*steps(lab), isolation=isolation)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/scored/a.csv.out") == "6.0\n14.0\n"
    assert lab.text("s3://b/scored/deep/b.csv.out") == "22.0\n"


def test_filter_join_and_filter_again_for_csv(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", 'id1,1,2\n"i,2",3,4\n')
    options = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    result = lab.run(*steps(lab, **options))
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/scored/a.csv.out") == 'id1,6.0\n"i,2",14.0\n'


def test_json_lines(lab: Lab) -> None:
    lab.put("s3://b/in/a.jsonl", '{"id": 7, "x": [1, 2]}\n{"id": 8, "x": [3]}\n')
    options = {
        "InputFilter": "$.x",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    result = lab.run(*steps(lab, kind="application/jsonlines", **options))
    assert result.status == "Succeeded", result.message
    lines = lab.text("s3://b/scored/a.jsonl.out").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 7, "SageMakerOutput": {"score": 6}},
        {"id": 8, "SageMakerOutput": {"score": 6}},
    ]


def test_requests_are_as_large_as_allowed(lab: Lab) -> None:
    line = "1," + "0" * 1000
    lab.put("s3://b/in/a.csv", f"{line}\n" * 2500)
    result = lab.run(*steps(lab, MaxPayloadInMB=1))
    log = (result.steps["Score"].folder / "attempt-1" / "log.txt").read_text("utf-8")
    sizes = [int(text.split()[2]) for text in log.splitlines() if text.startswith("batch of")]
    assert sum(sizes) == 2500
    assert len(sizes) == 3
    assert lab.text("s3://b/scored/a.csv.out").count("\n") == 2500


def test_single_records(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1,1\n2,2\n")
    result = lab.run(*steps(lab, BatchStrategy="SingleRecord"))
    log = (result.steps["Score"].folder / "attempt-1" / "log.txt").read_text("utf-8")
    assert log.count("batch of 1") == 2


def test_an_answer_that_does_not_match_the_records(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1,2\n3,4\n")
    model = lab.model("bad", SUM.replace('"\\n".join(str(v)', '" ".join(str(v)'), files=WEIGHTS)
    result = lab.run(*steps(lab, model=model, JoinSource="Input"))
    assert "1 lines came back for 2 records" in result.message
    assert not lab.store.files("s3://b/scored")


def test_a_model_whose_script_fails(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1,x\n")
    result = lab.run(*steps(lab))
    assert "could not convert string to float: 'x'" in result.message
    assert not lab.store.files("s3://b/scored")


def test_a_model_without_script(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1\n")
    model = lab.archive({"m.json": "{}"}, "s3://b/none/model.tar.gz")
    assert "no inference script" in lab.run(*steps(lab, model=model)).message


def test_a_model_made_from_a_package(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1,2\n")
    container = {
        "Image": IMAGE,
        "ModelDataUrl": lab.model("sum", SUM, files=WEIGHTS),
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py",
                        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }  # fmt: skip
    package = Registry(lab.work / "registry").register(
        {"ModelPackageGroupName": "g", "InferenceSpecification": {"Containers": [container]}}
    )
    make, score = steps(lab)
    make["Arguments"] = {
        "ExecutionRoleArn": ROLE,
        "Containers": [{"ModelPackageName": package["ModelPackageArn"]}],
    }
    result = lab.run(make, score)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/scored/a.csv.out") == "6.0\n"


def test_caching_follows_the_model(lab: Lab) -> None:
    lab.put("s3://b/in/a.csv", "1,2\n")
    make, score = steps(lab)
    score["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P1D"}
    assert lab.states(lab.run(make, score))["Score"] == "Succeeded"
    assert lab.states(lab.run(make, score))["Score"] == "Cached"
    lab.model("sum", SUM, files={"weights.json": '{"factor": 3}'})
    assert lab.states(lab.run(make, score))["Score"] == "Succeeded"
    assert lab.text("s3://b/scored/a.csv.out") == "9.0\n"


class Endless(io.RawIOBase):
    """Lines without end; counts what was read."""

    def __init__(self) -> None:
        self.lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self.lines += 1
        return b"x" * 99 + b"\n"


def test_batches_read_no_further_than_they_must() -> None:
    source = Endless()
    stream: Any = batches(source, split="Line", strategy="MultiRecord", payload=1000)  # type: ignore[arg-type]
    for count in (1, 2, 3):
        assert len(next(stream)) == 10
        assert source.lines == 10 * count + 1


def test_a_record_larger_than_a_request() -> None:
    for split in ("Line", "None"):
        with pytest.raises(RunnerError, match="larger than MaxPayloadInMB"):
            list(batches(io.BytesIO(b"x" * 11), split=split, strategy="MultiRecord", payload=10))


@given(
    st.lists(st.binary(max_size=8).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b""))),
    st.integers(9, 40),
)
def test_batches_keep_every_record_in_order(lines: list[bytes], payload: int) -> None:
    stream = io.BytesIO(b"\n".join(lines))
    found = list(batches(stream, split="Line", strategy="MultiRecord", payload=payload))
    assert [record for batch in found for record in batch] == [line for line in lines if line]
    assert all(sum(map(len, batch)) <= payload for batch in found)


RECORD = {"a": {"b": [1, 2, 3, 4]}, "c": "x", "odd name": 5}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.a.b", [1, 2, 3, 4]),
        ("$.a.b[0]", 1),
        ("$['a']['b'][-1]", 4),
        ("$.a.b[0,-1]", [1, 4]),
        ("$.a.b[1:3]", [2, 3]),
        ("$.a.b[:2]", [1, 2]),
        ("$.a.b[-2:]", [3, 4]),
        ("$['c','odd name']", {"c": "x", "odd name": 5}),
        ("$.['c','odd name']", {"c": "x", "odd name": 5}),
        ("$.a.*", [[1, 2, 3, 4]]),
        ("$.a.b[*]", [1, 2, 3, 4]),
    ],
)
def test_the_documented_filters(path: str, expected: Any) -> None:
    select = compile_path(path)
    assert select is not None
    assert select(RECORD) == expected


def test_the_root_changes_nothing() -> None:
    assert compile_path("$") is None


@pytest.mark.parametrize("path", ["a", "$..a", "$[?(@.x>1)]", "$[1", "$.a.b[0:2:1]", ""])
def test_other_filters_are_refused(path: str) -> None:
    with pytest.raises(RunnerError, match="filter"):
        compile_path(path)


fields = st.lists(
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), min_size=2
)


@given(fields)
def test_csv_comes_back_as_it_was(row: list[str]) -> None:
    assert Csv.read(Csv.write(row)) == row


class TestServe:
    def ask(self, port: int, method: str, path: str, body: str = "", **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), body

    def test_the_contract(self, lab: Lab, tmp_path: Path) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": lab.model("sum", SUM, files=WEIGHTS)}
        registry = Registry(lab.work / "registry")
        registry.register(
            {"ModelPackageGroupName": "g", "InferenceSpecification": {"Containers": [container]}}
        )
        model = find(None, registry=registry, store=lab.store, folder=tmp_path / "ml")
        with server(model, port=0) as running:
            port = running.server_port
            threading.Thread(target=running.serve_forever, daemon=True).start()
            try:
                assert self.ask(port, "GET", "/ping")[0] == 200
                assert self.ask(
                    port, "POST", "/invocations", "1,2\n3,4",
                    Content_Type="text/csv", Accept="text/csv",
                ) == (200, "text/csv", "6.0\n14.0")  # fmt: skip
                status, kind, body = self.ask(
                    port, "POST", "/invocations", "[1, 2]", Content_Type="application/json"
                )
                assert (status, kind, json.loads(body)) == (200, "application/json", {"score": 6})
                status, _, body = self.ask(
                    port, "POST", "/invocations", "x", Content_Type="text/csv", Accept="text/csv"
                )
                assert status == 500
                assert "could not convert" in json.loads(body)["error"]
                assert self.ask(port, "GET", "/other")[0] == 404
            finally:
                running.shutdown()

    def test_the_newest_approved_version_is_served(self, lab: Lab, tmp_path: Path) -> None:
        registry = Registry(lab.work / "registry")
        for factor in (2, 3):
            files = {"weights.json": json.dumps({"factor": factor})}
            container = {"ModelDataUrl": lab.model(f"m{factor}", SUM, files=files)}
            registry.register({
                "ModelPackageGroupName": "g",
                "InferenceSpecification": {"Containers": [container]},
            })  # fmt: skip

        def answer(number: int) -> str:
            folder = tmp_path / str(number)
            model = find("g", registry=registry, store=lab.store, folder=folder)
            return model.respond(b"1,1", "text/csv", "text/csv")[0].decode()

        assert answer(1) == "6.0"
        registry.approve("g/1")
        assert answer(2) == "4.0"

    def test_no_model(self, lab: Lab, tmp_path: Path) -> None:
        registry = Registry(lab.work / "registry")
        with pytest.raises(RunnerError, match="groups: none"):
            find(None, registry=registry, store=lab.store, folder=tmp_path)
