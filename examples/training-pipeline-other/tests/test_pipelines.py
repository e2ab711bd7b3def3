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


@pytest.mark.parametrize("name", [recorded.SOURCE, recorded.DEFINITION, recorded.REGISTRIES])
def test_a_change_after_compilation_is_refused(tmp_path: Path, name: str) -> None:
    for file in (recorded.SOURCE, recorded.DEFINITION, recorded.REGISTRIES, recorded.RECORD):
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
    for file in (recorded.SOURCE, recorded.DEFINITION, recorded.REGISTRIES):
        content = (FOLDER / file).read_bytes()
        (tmp_path / file).write_bytes(content.replace(b"\n", b"\r\n"))
    shutil.copyfile(FOLDER / recorded.RECORD, tmp_path / recorded.RECORD)
    recorded.check(tmp_path)


def test_the_definition_depends_on_its_symbols_only() -> None:
    text = (FOLDER / recorded.DEFINITION).read_text()
    assert symbols.used(text) == {
        "bucket",
        "code:pipeline",
        "model_package_group",
        "region",
        "registry",
        "role",
    }


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
    train = json.loads(request["PipelineDefinition"])["Steps"][1]
    assert "dkr.ecr.eu-west-1" in train["Arguments"]["AlgorithmSpecification"]["TrainingImage"]


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

    committed = json.loads((FOLDER / recorded.DEFINITION).read_text())
    assert compiler.compile_definition() == committed


def test_the_report_is_of_the_last_successful_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = {
        "any_metrics": {"auc": {"value": 0.7}},
        "baseline": {"auc": 0.5},
        "skill": {"value": 0.1, "low": 0.05, "high": 0.15, "loss": "loss"},
        "flights": 3,
        "first_day": "2013-11-01",
        "last_day": "2013-12-31",
    }
    run = tmp_path / ".local-pipeline" / "runs" / "1"
    output = tmp_path / ".local-pipeline" / "s3" / "local" / "output"
    for folder in (run, output):
        folder.mkdir(parents=True)
    (output / "evaluation.json").write_text(json.dumps(evaluation))
    (run / "report.html").write_text("<html>")
    described = {"Outputs": {"output": {"S3Output": {"S3Uri": "s3://local/output"}}}}
    step = {"properties": {"ProcessingOutputConfig": described}}
    (run / "run.json").write_text(
        json.dumps(
            {
                "status": "Succeeded",
                "report": str(run / "report.html"),
                "steps": {"Evaluate": step},
            }
        )
    )
    assert report.main(tmp_path) == 0
    assert {path.name for path in (tmp_path / "reports").iterdir()} == {
        "evaluation.json",
        "report.html",
    }
    assert "removes 10.0% of the baseline's loss" in capsys.readouterr().out


def test_without_a_run_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make pipeline"):
        report.collect(tmp_path)
