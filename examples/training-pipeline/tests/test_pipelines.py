"""The compiled definition, its deployment and the report of a local run."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines import __main__ as command
from pipelines import recorded, report, symbols, upsert

FOLDER = Path(upsert.__file__).parent
ENVIRONMENT = {
    "PIPELINE_NAME": "demo",
    "PIPELINE_ROLE_ARN": "arn:aws:iam::111122223333:role/jobs",
    "ARTIFACTS_BUCKET": "demo-bucket",
    "ARTIFACTS_KMS_KEY_ARN": "arn:aws:kms:eu-west-1:111122223333:key/1",
    "MODEL_PACKAGE_GROUP": "demo-models",
    "AWS_REGION": "eu-west-1",
    "SAGEMAKER_PROJECT_NAME": "demo",
    "SAGEMAKER_PROJECT_ID": "p-1",
}


class Cloud:
    """S3 and SageMaker, as far as a deployment uses them."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        return {"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return self.objects[Key]

    def put_object(self, **request: Any) -> None:
        self.calls.append("put_object")
        self.objects[request["Key"]] = request

    def list_pipelines(self, *, PipelineNamePrefix: str) -> dict[str, Any]:  # noqa: N803
        names = [name for name in self.pipelines if name.startswith(PipelineNamePrefix)]
        return {"PipelineSummaries": [{"PipelineName": name} for name in names]}

    def create_pipeline(self, **request: Any) -> dict[str, str]:
        self.calls.append("create_pipeline")
        self.pipelines[request["PipelineName"]] = request
        return {"PipelineArn": "arn:demo"}

    def update_pipeline(self, **request: Any) -> dict[str, str]:
        self.calls.append("update_pipeline")
        self.pipelines[request["PipelineName"]] |= request
        return {"PipelineArn": "arn:demo"}


def deploy(cloud: Cloud, **changes: str) -> str:
    return upsert.upsert({**ENVIRONMENT, **changes}, sagemaker=cloud, s3=cloud)


def test_the_committed_definition_is_what_pipeline_py_says() -> None:
    recorded.check(FOLDER)
    assert command.main(["check"]) == 0


@pytest.mark.parametrize("name", recorded.FILES)
def test_a_change_after_compilation_is_refused(tmp_path: Path, name: str) -> None:
    for file in (*recorded.FILES, recorded.RECORD):
        shutil.copyfile(FOLDER / file, tmp_path / file)
    recorded.check(tmp_path)
    with (tmp_path / name).open("a") as stream:
        stream.write("\n")
    with pytest.raises(recorded.StaleDefinitionError, match=f"{name} has changed.*make compile"):
        recorded.check(tmp_path)


def test_a_missing_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(recorded.StaleDefinitionError, match="make compile"):
        recorded.check(tmp_path)


def test_windows_line_ends_are_the_same_program(tmp_path: Path) -> None:
    for file in recorded.FILES:
        content = (FOLDER / file).read_bytes()
        (tmp_path / file).write_bytes(content.replace(b"\n", b"\r\n"))
    shutil.copyfile(FOLDER / recorded.RECORD, tmp_path / recorded.RECORD)
    recorded.check(tmp_path)


def test_the_definitions_depend_on_their_symbols_only() -> None:
    known = {"bucket", "code:pipeline", "model_package_group", "registry", "role"}
    assert symbols.used((FOLDER / recorded.DRIFT).read_text()) == known
    assert symbols.used((FOLDER / recorded.DEFINITION).read_text()) - {"region"} == known


def test_a_deployment_resolves_every_symbol_and_uploads_what_it_names() -> None:
    cloud = Cloud()
    assert deploy(cloud) == "arn:demo"
    request = cloud.pipelines["demo"]
    assert not symbols.used(request["PipelineDefinition"])
    assert request["RoleArn"] == ENVIRONMENT["PIPELINE_ROLE_ARN"]
    assert {"Key": "sagemaker:project-id", "Value": "p-1"} in request["Tags"]
    (code,) = [key for key in cloud.objects if key.startswith("code/")]
    assert f"s3://demo-bucket/{code}" in request["PipelineDefinition"]
    assert "data/sample/flights.parquet" in cloud.objects
    assert all(item["SSEKMSKeyId"].endswith("key/1") for item in cloud.objects.values())
    step = json.loads(request["PipelineDefinition"])["Steps"][0]
    assert "dkr.ecr.eu-west-1" in step["Arguments"]["AppSpecification"]["ImageUri"]


def test_the_drift_pipeline_is_deployed_where_it_has_a_name() -> None:
    cloud = Cloud()
    deploy(cloud, DRIFT_PIPELINE_NAME="demo-drift")
    assert cloud.pipelines.keys() == {"demo", "demo-drift"}
    steps = json.loads(cloud.pipelines["demo-drift"]["PipelineDefinition"])["Steps"]
    assert [step["Name"] for step in steps] == ["FindModel", "Drift"]


def test_a_second_deployment_uploads_nothing_and_updates() -> None:
    cloud = Cloud()
    deploy(cloud)
    cloud.calls.clear()
    deploy(cloud)
    assert cloud.calls == ["update_pipeline"]


def test_a_pipeline_with_a_longer_name_is_another_one() -> None:
    cloud = Cloud()
    deploy(cloud, PIPELINE_NAME="demo-longer")
    deploy(cloud)
    assert cloud.pipelines.keys() == {"demo", "demo-longer"}


def test_missing_variables_are_all_named() -> None:
    with pytest.raises(upsert.UpsertError, match=r"PIPELINE_ROLE_ARN.*ARTIFACTS_BUCKET"):
        deploy(Cloud(), PIPELINE_ROLE_ARN="", ARTIFACTS_BUCKET="")


def test_a_region_without_the_image_is_named() -> None:
    with pytest.raises(upsert.UpsertError, match="does not exist in moon-1"):
        deploy(Cloud(), AWS_REGION="moon-1")


def test_upsert_on_the_command_line_needs_its_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in upsert.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert command.main(["upsert"]) == 1
    assert "PIPELINE_NAME" in capsys.readouterr().err


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["deploy"]) == 2
    assert "check|compile|upsert" in capsys.readouterr().err


@pytest.mark.skipif(not importlib.util.find_spec("sagemaker"), reason="needs the aws extra")
def test_compiling_again_changes_nothing() -> None:
    from pipelines import compile as compiler

    for file, definition in compiler.compile_definitions().items():
        assert json.loads((FOLDER / file).read_text()) == definition


EVALUATION = {
    "any_metrics": {"auc": {"value": 0.7}},
    "baseline": {"auc": 0.5},
    "skill": {"value": 0.1, "low": 0.05, "high": 0.15, "loss": "loss"},
    "gain": {"value": 0.02, "low": -0.01, "high": 0.05, "over": "baseline"},
    "flights": 3,
    "first_day": "2013-11-01",
    "last_day": "2013-12-31",
}


def ran(root: Path, number: int, *, step: str, status: str = "Succeeded", **files: object) -> None:
    """Leave behind what a local run does."""
    work = root / ".local-pipeline"
    run, output = work / "runs" / str(number), work / "s3" / "local" / str(number)
    for folder in (run, output):
        folder.mkdir(parents=True)
    for name, content in files.items():
        (output / f"{name}.json").write_text(json.dumps(content))
    (run / "report.html").write_text("<html>")
    described = {"Outputs": {"output": {"S3Output": {"S3Uri": f"s3://local/{number}"}}}}
    done = {step: {"properties": {"ProcessingOutputConfig": described}}}
    document = {"status": status, "report": str(run / "report.html"), "steps": done}
    (run / "run.json").write_text(json.dumps(document))


def test_the_report_is_of_the_last_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran(tmp_path, 1, step="Evaluate", evaluation=EVALUATION)
    assert report.main([], tmp_path) == 0
    reports = tmp_path / "reports"
    assert {path.name for path in reports.iterdir()} == {"evaluation.json", "report.html"}
    printed = capsys.readouterr().out
    assert "removes 10.0% of the baseline's loss" in printed
    assert "No model is approved yet" in printed


def test_the_report_names_the_champion() -> None:
    gain = {"value": 0.02, "low": -0.01, "high": 0.05, "over": "group/3"}
    text = report.summary({**EVALUATION, "gain": gain})
    assert "removes 2.0% of what the champion group/3 loses (95 %: -1.0% to 5.0%)" in text


def test_a_drift_report_and_the_pipelines_do_not_replace_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(tmp_path, 1, step="Evaluate", evaluation=EVALUATION)
    ran(tmp_path, 2, step="Drift", drift={"summary": "temp drifted"})
    assert report.main(["drift"], tmp_path) == 0
    assert report.main([], tmp_path) == 0
    assert "temp drifted" in capsys.readouterr().out
    assert (tmp_path / "reports" / "drift" / "drift.json").is_file()
    assert (tmp_path / "reports" / "evaluation.json").is_file()


def test_without_a_successful_run_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make pipeline"):
        report.main([], tmp_path)
    ran(tmp_path, 1, step="Drift", status="Failed")
    with pytest.raises(SystemExit, match="make drift"):
        report.main(["drift"], tmp_path)
