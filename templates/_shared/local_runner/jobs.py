"""Step kinds: what SageMaker would do with the resolved request of a step, done locally."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import JobError
from .registry import Registry
from .sandbox import ML, Sandbox, container_path
from .store import Store, extract, write_tar

Request = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One attempt at one step.

    Attributes:
        name: unique name of the job.
        request: the step's arguments, resolved.
        store: S3.
        registry: the model registry.
        models: models that Model steps of this run made, by name.
        sandbox: makes the sandbox of a job; the argument tells several of one step apart.
        say: prints a line of progress.
        parallel: how many processes the machine is meant to run at once.
    """

    name: str
    request: Request
    store: Store
    registry: Registry
    models: dict[str, Request]
    sandbox: Callable[[str], Sandbox]
    say: Callable[[str], None]
    parallel: int


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One step type.

    Attributes:
        operation: the API operation a step's arguments are a request of.
        name_field: the request's name, which pipelines leave to SageMaker.
        run: does it; returns what the matching Describe call would answer.
        check: refuses, before anything runs, what cannot run here.
        outputs: the S3 URIs the request writes to.
        cacheable: SageMaker's CacheConfig applies.
    """

    operation: str
    name_field: str
    run: Callable[[Job], Request]
    check: Callable[[Request], None] = lambda _: None
    outputs: Callable[[Request], list[Any]] = lambda _: []
    cacheable: bool = True


def timeout(request: Mapping[str, Any]) -> float | None:
    """Seconds a job may take."""
    seconds = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    return float(seconds) if seconds is not None else None


def refuse_unless(value: Any, allowed: set[Any], what: str) -> None:
    """Refuse an option that would change what a job sees and is not done here."""
    if not isinstance(value, dict) and value not in allowed:
        raise JobError(f"{what} {value!r}: not done locally, so the step would see other data")


def _check_command(entrypoint: Any) -> None:
    text = json.dumps(entrypoint)
    if "sagemaker_remote_function" in text:
        raise JobError(
            "an SDK @step job: its function travels pickled and signed, and runs only where the "
            "SDK's own bootstrap can reach S3",
            next_step="Write the step as a script (Processing or Training).",
        )
    if "amazon_sagemaker_scheduler" in text:
        raise JobError("a notebook job: it needs the program of SageMaker's own image")


# --- Processing -----------------------------------------------------------------------------


def check_processing(request: Request) -> None:
    """Refuse a processing job that no process here can stand for."""
    command = request["AppSpecification"].get("ContainerEntrypoint")
    if not command:
        raise JobError(
            "the image's own program (the step has no ContainerEntrypoint) is not on this machine",
            next_step="Give the step a script.",
        )
    _check_command(command)
    for item in request.get("ProcessingInputs", []):
        if item.get("AppManaged") or "S3Input" not in item:
            raise JobError(f"input {item['InputName']!r}: only S3Input is done locally")
        source = item["S3Input"]
        refuse_unless(source.get("S3DataType", "S3Prefix"), {"S3Prefix"}, "S3DataType")
        refuse_unless(source.get("S3InputMode", "File"), {"File"}, "S3InputMode")
        refuse_unless(source.get("S3CompressionType", "None"), {"None"}, "S3CompressionType")
        _check_path(source.get("LocalPath"))
    for item in _processing_outputs(request):
        if "S3Output" not in item:
            raise JobError(f"output {item['OutputName']!r}: only S3Output is done locally")
        _check_path(item["S3Output"].get("LocalPath"))


def _check_path(value: Any) -> None:
    if isinstance(value, str):
        container_path(value)


def _processing_outputs(request: Request) -> list[Request]:
    found: list[Request] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return found


def process(job: Job) -> Request:
    """Run a processing job; its outputs become objects once it has ended well."""
    request, box = job.request, job.sandbox("")
    for item in request.get("ProcessingInputs", []):
        job.store.fetch(item["S3Input"]["S3Uri"], box.path(item["S3Input"]["LocalPath"]))
    outputs = [item["S3Output"] for item in _processing_outputs(request)]
    for output in outputs:
        box.path(output["LocalPath"]).mkdir(parents=True, exist_ok=True)
    _write_json(box.ml / "config", "processingjobconfig", {"ProcessingJobName": job.name} | request)
    _write_json(box.ml / "config", "resourceconfig", _RESOURCES)
    app = request["AppSpecification"]
    box.run(
        [*app["ContainerEntrypoint"], *app.get("ContainerArguments", [])],
        env=request.get("Environment", {}),
        timeout=timeout(request),
    )
    for output in outputs:
        job.store.move(box.path(output["LocalPath"]), output["S3Uri"])
    return {
        **request,
        "ProcessingJobName": job.name,
        "ProcessingJobStatus": "Completed",
        "ProcessingInputs": {i["InputName"]: i for i in request.get("ProcessingInputs", [])},
        "ProcessingOutputConfig": {
            "Outputs": {item["OutputName"]: item for item in _processing_outputs(request)}
        },
    }


_RESOURCES = {
    "current_host": "algo-1",
    "current_instance_type": "local",
    "hosts": ["algo-1"],
    "network_interface_name": "lo",
}


def _write_json(folder: Path, name: str, content: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content, default=str), "utf-8")


# --- Model, RegisterModel, Transform --------------------------------------------------------


def container(job: Job, spec: Mapping[str, Any]) -> Request:
    """The one container of a model: its data and environment.

    Raises:
        JobError: several containers, or none that can run here.
    """
    found = [spec["PrimaryContainer"]] if "PrimaryContainer" in spec else spec.get("Containers", [])
    if len(found) != 1:
        raise JobError(f"a model of {len(found)} containers: a local run serves exactly one")
    single: Request = found[0]
    if "ModelPackageName" in single:
        package = job.registry.describe(single["ModelPackageName"])
        inner = container(job, package["InferenceSpecification"])
        return {
            **inner,
            "Environment": inner.get("Environment", {}) | single.get("Environment", {}),
        }
    return single


def model_uri(spec: Mapping[str, Any]) -> str:
    """Where a container's model data are."""
    source = spec.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = spec.get("ModelDataUrl") or source.get("S3Uri")
    if not uri:
        raise JobError("the model has no ModelDataUrl: an image that carries its model inside")
    return str(uri)


def unpack_model(store: Store, spec: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Make `folder` what the model's container sees as `/opt/ml`.

    Returns:
        The container's environment.
    """
    env = dict(spec.get("Environment", {}))
    for file in store.fetch(model_uri(spec), folder / "model"):
        if file.name.endswith(".tar.gz"):
            extract(file, folder / "model")
            file.unlink()
    source = env.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if source.startswith("s3://"):
        for archive in store.fetch(source, folder / "source"):
            extract(archive, folder / "code")
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = f"{ML}/code"
    return env


def make_model(job: Job) -> Request:
    """Make a model, for Transform steps of this run."""
    spec = container(job, job.request)
    if not job.store.files(model_uri(spec)):
        raise JobError(f"{model_uri(spec)}: the model's data are not there")
    job.models[job.name] = spec
    return {**job.request, "ModelName": job.name}


def register(job: Job) -> Request:
    """Register a model package in the local registry."""
    spec = container(job, job.request.get("InferenceSpecification", {}))
    if not job.store.files(model_uri(spec)):
        raise JobError(f"{model_uri(spec)}: the model's data are not there; nothing registered")
    package = job.registry.register(job.request)
    job.say(f"registered {package['ModelPackageArn']} ({package['ModelApprovalStatus']})")
    return package


def transform(job: Job) -> Request:
    """Run a batch transform, in a process of this package's own."""
    request, box = job.request, job.sandbox("")
    if request["ModelName"] not in job.models:
        raise JobError(f"model {request['ModelName']!r} is not made by a step of this pipeline")
    spec = job.models[request["ModelName"]]
    env = unpack_model(job.store, spec, box.ml)
    source = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    # Read-only by the runner's own program, so a link is enough; copies would double the data.
    files = [[name, str(file)] for name, file in job.store.files(source)]
    if not files:
        raise JobError(f"{source}: nothing there")
    settings = {
        "files": files,
        "output": str(out := box.folder / "out"),
        "content_type": request["TransformInput"].get("ContentType", "text/csv"),
        "accept": request["TransformOutput"].get("Accept", ""),
        "split": request["TransformInput"].get("SplitType", "None"),
        "assemble": request["TransformOutput"].get("AssembleWith", "None"),
        "strategy": request.get("BatchStrategy", "MultiRecord"),
        "payload": int(request.get("MaxPayloadInMB", 6) or 100) * 2**20,  # 0: without limit
        **{k: request.get("DataProcessing", {}).get(k, v) for k, v in _DATA_PROCESSING.items()},
    }
    _write_json(box.folder, "transform", settings)
    package, _, _ = __name__.rpartition(".")
    root = str(Path(__file__).resolve().parents[package.count(".") + 1])
    program = (
        f"import sys; sys.path.append({root!r}); "
        f"from {package}.transform import main; main(sys.argv[1], sys.argv[2])"
    )
    box.run(
        ["python", "-c", program, str(box.folder / "transform.json"), f"{ML}/model"],
        env={"SAGEMAKER_BATCH": "true", **env},
    )
    job.store.move(out, request["TransformOutput"]["S3OutputPath"])
    return {**request, "TransformJobName": job.name, "TransformJobStatus": "Completed"}


_DATA_PROCESSING = {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}


def check_transform(request: Request) -> None:
    """Refuse a transform that would read its input in another way than SageMaker."""
    source = request["TransformInput"]
    refuse_unless(source.get("SplitType", "None"), {"None", "Line"}, "SplitType")
    refuse_unless(source.get("CompressionType", "None"), {"None"}, "CompressionType")
    kind = source["DataSource"]["S3DataSource"].get("S3DataType", "S3Prefix")
    refuse_unless(kind, {"S3Prefix"}, "S3DataType")


# --- Training (Tuning is in tuning.py) ------------------------------------------------------


def check_training(request: Request) -> None:
    """Refuse a training job that no process here can stand for."""
    algorithm = request.get("AlgorithmSpecification", {})
    static = request.get("HyperParameters") or request.get("StaticHyperParameters") or {}
    channels = request.get("InputDataConfig", [])
    _check_command(algorithm.get("ContainerEntrypoint"))
    if not (
        "sagemaker_program" in static
        or algorithm.get("ContainerEntrypoint")
        or any(channel["ChannelName"] == "sm_drivers" for channel in channels)
    ):
        image = algorithm.get("TrainingImage", algorithm.get("AlgorithmName"))
        raise JobError(
            f"no script: {image} would run the program inside it, which is not on this machine",
            next_step="Use a framework image with a script (hyperparameters sagemaker_program and "
            "sagemaker_submit_directory, or the SDK's SourceCode).",
        )
    refuse_unless(algorithm.get("TrainingInputMode", "File"), {"File", "FastFile"}, "InputMode")
    for channel in channels:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            raise JobError(f"channel {channel['ChannelName']!r}: only S3DataSource is done locally")
        refuse_unless(source.get("S3DataType", "S3Prefix"), {"S3Prefix"}, "S3DataType")
        refuse_unless(channel.get("InputMode", "File"), {"File", "FastFile"}, "InputMode")
        refuse_unless(channel.get("CompressionType", "None"), {"None"}, "CompressionType")


def train(
    job: Job,
    request: Mapping[str, Any],
    hyperparameters: Mapping[str, str],
    name: str,
    box: Sandbox,
) -> tuple[str, str]:
    """Run one training job.

    Returns:
        The S3 URI of its `model.tar.gz` and everything it printed.
    """
    channels = {item["ChannelName"]: item for item in request.get("InputDataConfig", [])}
    data = box.ml / "input" / "data"
    for folder in ("model", "output/data", "input/config"):
        (box.ml / folder).mkdir(parents=True, exist_ok=True)
    for channel, item in channels.items():
        job.store.fetch(item["DataSource"]["S3DataSource"]["S3Uri"], data / channel)
    config = box.ml / "input" / "config"
    inputs = {channel: {"TrainingInputMode": "File"} for channel in channels}
    _write_json(config, "hyperparameters", hyperparameters)
    _write_json(config, "resourceconfig", _RESOURCES)
    _write_json(config, "inputdataconfig", inputs)
    user = {k: decoded(v) for k, v in hyperparameters.items() if not k.startswith("sagemaker_")}
    command, cwd = _training_command(job, request, hyperparameters, user, box)
    env = {**request.get("Environment", {}), **_training_env(user, inputs, name)}
    box.run(command, env={"PYTHONPATH": cwd, **env}, cwd=cwd, timeout=timeout(request))
    target = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/output"
    for folder, archive in (("output/data", "output.tar.gz"), ("model", "model.tar.gz")):
        if members := list(_artifacts(box.ml / folder)):
            write_tar(box.folder / archive, members, level=1)
            job.store.move(box.folder / archive, f"{target}/{archive}")
    return f"{target}/model.tar.gz", box.log.read_text("utf-8", "replace")


def _artifacts(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def decoded(value: str) -> Any:
    """A hyperparameter as its script means it: the SDK quotes them as JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _training_command(
    job: Job,
    request: Mapping[str, Any],
    raw: Mapping[str, str],
    user: Mapping[str, Any],
    box: Sandbox,
) -> tuple[list[str], str]:
    drivers = box.ml / "input" / "data" / "sm_drivers" / "sourcecode.json"
    if "sagemaker_program" in raw:  # script mode, as the framework containers' toolkit does it
        source, cwd = str(decoded(raw.get("sagemaker_submit_directory", ""))), f"{ML}/code"
        if source.startswith("s3://"):
            for archive in job.store.fetch(source, box.folder / "source"):
                extract(archive, box.path(cwd))
        else:
            cwd = container_path(source or cwd)
        words = [w for k, v in sorted(user.items()) for w in (_flag(k), _plain(v))]
        return _script(str(decoded(raw["sagemaker_program"])), words), cwd
    if drivers.is_file():  # the SDK's ModelTrainer; its own driver would pip install first
        code, cwd = json.loads(drivers.read_text("utf-8")), f"{ML}/input/data/code"
        if code.get("command"):
            return ["bash", "-c", code["command"]], cwd
        words = [w for k, v in user.items() for w in (f"--{k}", _as_json(v))]
        return _script(code["entry_script"], words), cwd
    algorithm = request["AlgorithmSpecification"]
    return [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])], ML


def _script(name: str, arguments: list[str]) -> list[str]:
    return ["bash" if name.endswith(".sh") else "python", name, *arguments]


def _flag(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"


def _plain(value: Any) -> str:
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _training_env(user: Mapping[str, Any], inputs: Mapping[str, Any], name: str) -> dict[str, str]:
    env = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_OUTPUT_DATA_DIR": f"{ML}/output/data",
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_DATA_DIR": f"{ML}/input/data",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_CHANNELS": json.dumps(sorted(inputs)),
        "SM_INPUT_DATA_CONFIG": json.dumps(inputs),
        "SM_RESOURCE_CONFIG": json.dumps(_RESOURCES),
        "SM_HPS": json.dumps(user),
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
        "TRAINING_JOB_NAME": name,
    }
    for channel in inputs:
        env[f"SM_CHANNEL_{channel.upper()}"] = f"{ML}/input/data/{channel}"
    for key, value in user.items():  # the toolkit keeps hyphens, the SDK's driver does not
        for written in {key.upper(), key.upper().replace("-", "_")}:
            env[f"SM_HP_{written}"] = _as_json(value)
    return env


def final_metrics(definitions: list[Mapping[str, str]], log: str) -> dict[str, float]:
    """The last value of each metric that its regular expression finds in a log."""
    values = {}
    for item in definitions:
        if found := re.findall(item["Regex"], log):
            last = found[-1][0] if isinstance(found[-1], tuple) else found[-1]
            try:
                values[item["Name"]] = float(last)
            except ValueError:
                raise JobError(
                    f"metric {item['Name']!r}: {last!r} is not a number (regex {item['Regex']!r})"
                ) from None
    return values


def train_step(job: Job) -> Request:
    """Run a training job."""
    request = job.request
    uri, log = train(job, request, request.get("HyperParameters", {}), job.name, job.sandbox(""))
    metrics = final_metrics(request["AlgorithmSpecification"].get("MetricDefinitions", []), log)
    return {
        **request,
        "TrainingJobName": job.name,
        "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": uri},
        "FinalMetricDataList": [{"MetricName": k, "Value": v} for k, v in metrics.items()],
    }
