"""What a job sees: SageMaker's container contract."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from local_runner import Registry, RunnerError
from local_runner.sandbox import literal_paths
from runner_lab import WRITE, Lab, get, join

ISOLATIONS = ["auto", "rewrite"]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_processing_gets_inputs_arguments_and_environment(lab: Lab, isolation: str) -> None:
    lab.put("s3://b/in/a/x.txt", "hello")
    step = lab.processing(
        "Prepare",
        """
        import os, pathlib, sys
        base = pathlib.Path(sys.argv[1])
        text = (base / "data/a/x.txt").read_text() + os.environ["WORD"]
        (pathlib.Path(os.environ["OUT"]) / "y.txt").write_text(text)
        """,
        inputs={"data": "s3://b/in"},
        outputs={"out": "s3://b/out"},
        arguments=["/opt/ml/processing"],
        environment={"WORD": " world", "OUT": "/opt/ml/processing/out"},
    )
    result = lab.run(step, isolation=isolation)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/out/y.txt") == "hello world"


def test_literal_paths_work_in_a_namespace_and_leave_the_host_alone(lab: Lab) -> None:
    before = sorted(path.name for path in Path("/opt").iterdir())
    step = lab.processing(
        "Literal",
        """
        import os, pathlib
        here = pathlib.Path("/opt/ml/processing/out/seen.txt")
        here.write_text(" ".join(sorted(os.listdir("/opt"))))
        """,
        outputs={"out": "s3://b/out"},
    )
    result = lab.run(step)
    if "namespace" in " ".join(result.differences):
        assert result.status == "Failed"
        assert "opens /opt/ml literally (line 3)" in result.message
    else:
        assert result.status == "Succeeded", result.message
        assert lab.text("s3://b/out/seen.txt").split() == sorted({*before, "ml"})
    assert sorted(path.name for path in Path("/opt").iterdir()) == before


def test_literal_paths_are_refused_where_no_namespace_is(lab: Lab) -> None:
    step = lab.processing("Literal", WRITE, outputs={"out": "s3://b/out"})
    result = lab.run(step, isolation="rewrite")
    assert result.status == "Failed"
    assert "processing/code/Literal.py opens /opt/ml literally (line 3)" in result.message
    assert "SM_MODEL_DIR" in result.message


def test_which_literals_count() -> None:
    source = (
        '"""Reads /opt/ml/model."""\nimport os\na = os.environ.get("SM_MODEL_DIR", "/opt/ml/x")\n'
    )
    assert literal_paths(source) == []
    assert literal_paths(source + 'open("/opt/ml/model/m")\n') == [4]
    assert literal_paths('x = os.environ.get("OTHER", "/opt/ml/x")') == [1]
    assert literal_paths('x = "/srv/opt/ml/model"; y = "/opt/mlflow"') == []


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_shell_scripts_run(lab: Lab, isolation: str) -> None:
    lab.script("go.sh", "echo $1 > /opt/ml/processing/out/said.txt\npython -c 'print(1)'\n")
    step = lab.processing(
        "Shell", "", inputs={"sh": "s3://b/scripts/go.sh"}, outputs={"out": "s3://b/out"}
    )
    app = step["Arguments"]["AppSpecification"]
    app["ContainerEntrypoint"] = ["/bin/bash", "/opt/ml/processing/sh/go.sh", "hi"]
    result = lab.run(step, isolation=isolation)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/out/said.txt") == "hi\n"


SHOW = """
    import json, os, pathlib, sys
    model = pathlib.Path(os.environ["SM_MODEL_DIR"])
    config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
    seen = {
        "argv": sys.argv[1:],
        "files": sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"])),
        "hps": json.loads(os.environ["SM_HPS"]),
        "depth": os.environ["SM_HP_MAX_DEPTH"],
        "config": json.loads((config / "hyperparameters.json").read_text()),
        "hosts": json.loads((config / "resourceconfig.json").read_text())["hosts"],
        "aws": [os.environ.get("AWS_PROFILE"), os.environ["AWS_ACCESS_KEY_ID"]],
    }
    (model / "seen.json").write_text(json.dumps(seen))
    pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "plot.txt").write_text("plot")
    print("auc=0.5;\\nauc=0.75;")
"""


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_training_in_script_mode(lab: Lab, isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    lab.put("s3://b/data/a.csv", "1")
    step = lab.training(
        "Train",
        SHOW,
        channels={"train": "s3://b/data"},
        hyperparameters={"max-depth": "3", "loss": '"log"', "lr": "0.1", "word": "plain"},
        metrics={"auc": "auc=([0-9.]+);"},
    )
    result = lab.run(step, isolation=isolation)
    assert result.status == "Succeeded", result.message
    properties = result.steps["Train"].properties
    assert properties["FinalMetricDataList"] == [{"MetricName": "auc", "Value": 0.75}]
    archive = lab.store.path(properties["ModelArtifacts"]["S3ModelArtifacts"])
    with tarfile.open(archive) as opened:
        seen = json.load(opened.extractfile("seen.json"))  # type: ignore[arg-type]
    assert seen["argv"] == [
        "--loss", "log", "--lr", "0.1", "--max-depth", "3", "--word", "plain",
    ]  # fmt: skip
    assert seen["hps"] == {"max-depth": 3, "loss": "log", "lr": 0.1, "word": "plain"}
    assert seen["depth"] == "3"
    assert seen["config"]["loss"] == '"log"'
    assert seen["files"] == ["a.csv"]
    assert seen["hosts"] == ["algo-1"]
    assert seen["aws"] == [None, "local"]
    assert (archive.parent / "output.tar.gz").is_file()


def test_json_quoted_script_and_source(lab: Lab) -> None:
    step = lab.training("Train", "print('fine')")
    for name in ("sagemaker_program", "sagemaker_submit_directory"):
        value = step["Arguments"]["HyperParameters"][name]
        step["Arguments"]["HyperParameters"][name] = json.dumps(value)
    assert lab.run(step).status == "Succeeded"


def test_boto3_in_a_job_reads_and_writes_the_store(lab: Lab) -> None:
    lab.put("s3://b/in/a.txt", "abc")
    lab.put("s3://b/in/deep/b.txt", "x")
    step = lab.processing(
        "Boto",
        """
        import boto3, pathlib
        s3 = boto3.client("s3")
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket="b", Prefix="in/")["Contents"]]
        page = s3.list_objects_v2(Bucket="b", Prefix="in/", Delimiter="/")
        folders = [p["Prefix"] for p in page["CommonPrefixes"]]
        text = s3.get_object(Bucket="b", Key="in/a.txt")["Body"].read().decode()
        s3.put_object(Bucket="b", Key="out/r.txt", Body=f"{text} {keys} {folders}")
        big = pathlib.Path("big")
        big.write_bytes(b"0123456789" * 2_000_000)
        s3.upload_file("big", "b", "out/big")
        s3.download_file("b", "out/big", "back")
        assert pathlib.Path("back").read_bytes() == big.read_bytes()
        try:
            s3.head_object(Bucket="b", Key="none")
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "404"
        s3.delete_object(Bucket="b", Key="in/deep/b.txt")
        """,
    )
    result = lab.run(step)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/out/r.txt") == "abc ['in/a.txt', 'in/deep/b.txt'] ['in/deep/']"
    assert not lab.store.files("s3://b/in/deep")


def test_boto3_in_a_job_finds_the_approved_model_and_nothing_else(lab: Lab) -> None:
    registry = Registry(lab.work / "registry")
    for _ in range(2):
        registry.register({"ModelPackageGroupName": "g", "InferenceSpecification": {"x": 1}})
    registry.approve("g/1")
    step = lab.processing(
        "Resolve",
        """
        import boto3, pathlib
        sm = boto3.client("sagemaker")
        found = sm.list_model_packages(ModelPackageGroupName="g", ModelApprovalStatus="Approved",
                                       SortBy="CreationTime", SortOrder="Descending")
        (package,) = found["ModelPackageSummaryList"]
        every = sm.list_model_packages(ModelPackageGroupName="g")["ModelPackageSummaryList"]
        assert [p["ModelPackageVersion"] for p in every] == [1, 2], every
        sm.describe_model_package(ModelPackageName=package["ModelPackageArn"])
        pathlib.Path("/opt/ml/processing/out/arn").write_text(package["ModelPackageArn"])
        boto3.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[])
        """,
        outputs={"out": "s3://b/out"},
    )
    result = lab.run(step)
    assert result.status == "Failed"
    assert "PutMetricData is not available in a local run" in result.message


def test_timeout_of_the_request(lab: Lab) -> None:
    step = lab.processing("Slow", "import time; time.sleep(60)")
    step["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    result = lab.run(step)
    assert "longer than MaxRuntimeInSeconds (1 s)" in result.message


class TestRefusals:
    """What cannot run here is refused before anything runs, with the reason."""

    def refused(self, lab: Lab, *steps: object) -> str:
        with pytest.raises(RunnerError) as caught:
            lab.run(*steps)
        assert not (lab.work / "runs").exists()
        return str(caught.value)

    def test_relative_container_path(self, lab: Lab) -> None:
        step = lab.processing("P", "", inputs={"data": "s3://b/in"})
        step["Arguments"]["ProcessingInputs"][1]["S3Input"]["LocalPath"] = "input/data"
        text = self.refused(lab, step)
        assert "P (Processing): container path 'input/data' is relative" in text

    @pytest.mark.parametrize("path", ["/data", "/opt/ml/../x"])
    def test_container_path_elsewhere(self, lab: Lab, path: str) -> None:
        step = lab.processing("P", "", outputs={"out": "s3://b/out"})
        outputs = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        outputs[0]["S3Output"]["LocalPath"] = path
        assert "outside /opt/ml" in self.refused(lab, step)

    def test_built_in_algorithm(self, lab: Lab) -> None:
        step = lab.training("T", "")
        step["Arguments"]["HyperParameters"] = {"num_round": "10"}
        assert "no script" in self.refused(lab, step)
        processing = lab.processing("P", "")
        del processing["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
        assert "the image's own program" in self.refused(lab, processing)

    def test_step_decorator(self, lab: Lab) -> None:
        step = lab.training("T", "")
        step["Arguments"]["HyperParameters"] = {}
        step["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = [
            "/bin/bash",
            "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh",
        ]
        assert "an SDK @step job" in self.refused(lab, step)

    def test_options_that_change_what_the_job_sees(self, lab: Lab) -> None:
        step = lab.training("T", "", channels={"train": "s3://b/x"})
        step["Arguments"]["InputDataConfig"][0]["InputMode"] = "Pipe"
        assert "InputMode 'Pipe'" in self.refused(lab, step)

    def test_all_problems_at_once(self, lab: Lab) -> None:
        steps = [lab.training(name, "") for name in ("A", "B")]
        for step in steps:
            step["Arguments"]["HyperParameters"] = {}
        text = self.refused(lab, *steps)
        assert "A (Training)" in text
        assert "B (Training)" in text

    def test_request_that_boto3_would_refuse(self, lab: Lab) -> None:
        step = lab.processing("P", "")
        step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = "one"
        result = lab.run(step)
        assert result.status == "Failed"
        assert "not a valid CreateProcessingJob request" in result.message
        assert "InstanceCount" in result.message


def test_parameters_and_properties_reach_arguments(lab: Lab) -> None:
    first = lab.processing(
        "First",
        WRITE,
        outputs={"out": join("s3://b", get("Execution.PipelineExecutionId"))},
        arguments=[get("Parameters.Word")],
    )
    second = lab.processing(
        "Second",
        "import shutil; shutil.copy('/opt/ml/processing/src/result.txt', '/opt/ml/processing/out')",
        inputs={"src": get("Steps.First.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")},
        outputs={"out": "s3://b/end"},
    )
    parameters = [{"Name": "Word", "Type": "String"}]
    result = lab.run(second, first, parameters=parameters, values={"Word": "hey"})
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/end/result.txt") == "hey"
    assert Path(result.report).is_file()
