"""Running one build, phase by phase.

The transitions are those of AWS's "Build phase transitions": a failed INSTALL or PRE_BUILD ends the
build, a failed BUILD still runs POST_BUILD and UPLOAD_ARTIFACTS, `on-failure` overrides both.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.artifacts import Uploader
from catalog.localaws.codebuild.builds import (
    FAULT,
    STOPPED,
    SUCCEEDED,
    TIMED_OUT,
    Build,
    PhaseRecord,
)
from catalog.localaws.codebuild.buildspec import (
    PHASES,
    Buildspec,
    BuildspecError,
    Phase,
    parse_buildspec,
)
from catalog.localaws.codebuild.clone import Cloner
from catalog.localaws.codebuild.delivery import deliver
from catalog.localaws.codebuild.environment import base_environment
from catalog.localaws.codebuild.events import emit_phase_change, emit_state_change
from catalog.localaws.codebuild.failures import PhaseError, refusal
from catalog.localaws.codebuild.log import BuildLog
from catalog.localaws.codebuild.settings import BuildSettings
from catalog.localaws.codebuild.shell import CommandTimeoutError, Shell
from catalog.localaws.codebuild.sources import SourceDownloader
from catalog.localaws.codebuild.variables import build_variables, resolve_variables
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError


class BuildRunner:
    """Runs one build in the calling thread.

    Args:
        aws: where the build runs.
        build: its record, which the runner fills.
        settings: shared by all builds.
    """

    def __init__(self, *, aws: LocalAws, build: Build, settings: BuildSettings) -> None:
        self._aws = aws
        self._build = build
        self._settings = settings
        self._outcome = SUCCEEDED
        self._credentials: dict[str, str] = {}
        self._log = BuildLog(build=build, client=None)
        self._spec = Buildspec()
        self._shell: Shell | None = None
        self._deadline = 0.0

    def run(self) -> None:
        """Run the build to its end; a fault of the local AWS itself ends it as FAULT."""
        build = self._build
        try:
            started = self._all(
                ("SUBMITTED", self._submit),
                ("QUEUED", self._queue),
            )
            if started:
                self._started()
        except BaseException:
            self._outcome = FAULT
            self._end_phase(build.phases[-1], status=FAULT, code="INTERNAL_ERROR", message="")
            raise
        finally:
            if self._shell:
                self._shell.close()
            self._complete()

    def stop(self) -> None:
        """End the build as StopBuild does; returns before the build has ended."""
        self._build.stop_requested.set()
        shell = self._shell
        if shell:
            shell.kill()

    def _started(self) -> None:
        minutes = self._build.project["timeoutInMinutes"]
        self._deadline = time.monotonic() + minutes * self._settings.minute_seconds
        ready = self._all(("PROVISIONING", self._provision), ("DOWNLOAD_SOURCE", self._download))
        if ready and self._commands():
            self._phase("UPLOAD_ARTIFACTS", self._upload)
        self._phase("FINALIZING", self._finalize)

    # Phases

    def _all(self, *steps: tuple[str, Callable[[], None]]) -> bool:
        return all(self._phase(name, step) for name, step in steps)

    def _phase(self, name: str, step: Callable[[], None]) -> bool:
        """Run one phase and record how it ended; tell whether it succeeded."""
        record = PhaseRecord(type=name, start=datetime.now(UTC))
        with self._build.lock:
            self._build.phases.append(record)
        if name == "SUBMITTED":
            emit_state_change(self._aws, self._build)
        try:
            if self._build.stop_requested.is_set() and name != "FINALIZING":
                raise PhaseError("", "", status=STOPPED)  # noqa: TRY301 - one place records ends
            step()
        except PhaseError as failure:
            stopped = self._build.stop_requested.is_set()
            status = STOPPED if stopped else failure.status
            code, message = ("", "") if stopped else (failure.code, failure.message)
            if self._outcome == SUCCEEDED or status in {STOPPED, TIMED_OUT}:
                self._outcome = status
            self._end_phase(record, status=status, code=code, message=message)
            return False
        self._end_phase(record, status=SUCCEEDED)
        return True

    def _end_phase(
        self, record: PhaseRecord, *, status: str, code: str = "", message: str = ""
    ) -> None:
        with self._build.lock:
            record.status, record.code, record.message = status, code, message
            record.end = datetime.now(UTC)
        self._log.say(f"Phase complete: {record.type} State: {status}")
        self._log.say(f"Phase context status code: {code} Message: {message}")
        emit_phase_change(self._aws, self._build, record)

    def _complete(self) -> None:
        build = self._build
        with build.lock:
            now = datetime.now(UTC)
            build.phases.append(PhaseRecord(type="COMPLETED", start=now, end=now, status=SUCCEEDED))
            build.status = self._outcome
            build.end = now
        emit_phase_change(self._aws, build, build.phases[-1])
        emit_state_change(self._aws, build)
        build.finished.set()

    def _submit(self) -> None:
        build = self._build
        role = build.project["serviceRole"]
        try:
            self._credentials = self._aws.assume_as_service(
                role,
                service_principal="codebuild.amazonaws.com",
                session_name=f"AWSCodeBuild-{build.uuid}",
                source_arn=build.project["arn"],
            )
        except ServiceError as error:
            raise PhaseError(
                "ACCESS_DENIED",
                f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}: {error}",
            ) from error
        client = self._client("logs") if build.logs_to_cloudwatch else None
        self._log = BuildLog(build=build, client=client)
        self._log.open()

    def _queue(self) -> None:
        if not self._settings.never_start:
            return
        minutes = self._build.project["queuedTimeoutInMinutes"]
        if not self._build.stop_requested.wait(minutes * self._settings.minute_seconds):
            raise PhaseError(
                "BUILD_TIMED_OUT", "Build has timed out while it was queued.", status=TIMED_OUT
            )
        raise PhaseError("", "", status=STOPPED)

    def _provision(self) -> None:
        build = self._build
        for folder in ("src", "home", "tmp", "session"):
            (build.folder / folder).mkdir(parents=True, exist_ok=True)
        image = build.project["environment"]["image"]
        self._log.say("Running on the local AWS: commands run as processes of this machine")
        self._log.say(f"Image {image} is not used; host Python and tools stand in for it")

    def _download(self) -> None:
        build = self._build
        cloner = Cloner(aws=self._aws, build=build, credentials=self._credentials)
        downloader = SourceDownloader(s3=self._client("s3"), clone=cloner.clone)
        if build.pipeline:
            self._download_pipeline(downloader)
        else:
            self._download_project(downloader)
        self._spec = self._read_buildspec()
        self._prepare_shell()

    def _download_pipeline(self, downloader: SourceDownloader) -> None:
        pipeline = self._build.pipeline
        assert pipeline is not None  # noqa: S101 - the caller checked
        for name, place in pipeline.inputs.items():
            into = self._source_folder("" if name == pipeline.primary else name)
            label = "primary source" if name == pipeline.primary else f"source {name}"
            downloader.download_object(place=place, version="", into=into, label=label)

    def _download_project(self, downloader: SourceDownloader) -> None:
        build = self._build
        versions = {
            item["sourceIdentifier"]: item["sourceVersion"]
            for item in build.project.get("secondarySourceVersions", [])
        }
        build.resolved_source_version = downloader.download(
            source=build.project["source"],
            version=build.source_version,
            into=self._source_folder(""),
            label="primary source",
        )
        for source in build.project.get("secondarySources", []):
            name = source["sourceIdentifier"]
            downloader.download(
                source=source,
                version=versions.get(name, ""),
                into=self._source_folder(name),
                label=f"source {name}",
            )

    def _source_folder(self, identifier: str) -> Path:
        return self._build.folder / "src" / (f"s_{identifier}" if identifier else "src")

    def _read_buildspec(self) -> Buildspec:
        try:
            return parse_buildspec(self._buildspec_text())
        except BuildspecError as error:
            raise PhaseError("YAML_FILE_ERROR", str(error)) from error

    def _buildspec_text(self) -> str:
        given: str = self._build.project["source"].get("buildspec", "")
        if "\n" in given or given.lstrip().startswith("{"):
            return given
        if given.startswith("arn:aws:s3:::"):
            bucket, _, key = given.removeprefix("arn:aws:s3:::").partition("/")
            try:
                body = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"]
                return str(body.read().decode())
            except ClientError as error:
                raise PhaseError("CLIENT_ERROR", f"{refusal(error)} for {given}") from error
        file = self._source_folder("") / (given or "buildspec.yml")
        self._log.say(f"YAML location is {file}")
        if not file.is_file():
            raise BuildspecError("YAML file does not exist")
        return file.read_text(encoding="utf-8")

    def _prepare_shell(self) -> None:
        build, spec = self._build, self._spec
        for section in spec.without_effect:
            self._log.say(f"WARNING: buildspec section {section} has no effect on the local AWS")
        environment = base_environment(
            credentials=self._credentials,
            account=build.account,
            region=build.region,
            endpoint_url=self._aws.endpoint_url,
            home=build.folder / "home",
            temporary=build.folder / "tmp",
            git_credential_helper=spec.git_credential_helper,
        )
        self._log.say("Processing environment variables")
        environment |= build_variables(build, source_folder=self._source_folder)
        environment |= resolve_variables(
            spec=spec,
            given=build.project["environment"].get("environmentVariables", []),
            ssm=self._client("ssm"),
        )
        self._shell = Shell(
            program=spec.shell,
            environment=environment,
            directory=self._source_folder(""),
            folder=build.folder / "session",
            log=build.log_file,
        )

    def _commands(self) -> bool:
        """Run the four command phases; tell whether artifacts are to be uploaded."""
        for name in PHASES:
            phase = self._spec.phases.get(name, Phase())
            if self._phase(name.upper(), functools.partial(self._run_phase, name, phase)):
                continue
            if self._outcome in {STOPPED, TIMED_OUT}:
                return False
            goes_on = phase.on_failure == "CONTINUE" or (name == "build" and not phase.on_failure)
            if not goes_on:
                return False
            self._execute("export CODEBUILD_BUILD_SUCCEEDING=0")
        return True

    def _run_phase(self, name: str, phase: Phase) -> None:
        self._log.say(f"Entering phase {name.upper()}")
        for runtime, version in phase.runtime_versions.items():
            self._log.say(f"runtime-versions {runtime}: {version} accepted; the host's is used")
        try:
            self._run_commands(phase.commands)
        finally:
            if not self._build.stop_requested.is_set():
                self._run_commands(phase.finally_commands)
            self._log.flush()

    def _run_commands(self, commands: tuple[str, ...]) -> None:
        for command in commands:
            self._log.say(f"Running command {command}")
            status = self._execute(command)
            if status:
                self._log.say(f"Command did not exit successfully {command} exit status {status}")
                raise PhaseError(
                    "COMMAND_EXECUTION_ERROR",
                    f"Error while executing command: {command}. Reason: exit status {status}",
                )

    def _execute(self, command: str) -> int:
        assert self._shell is not None  # noqa: S101 - made in DOWNLOAD_SOURCE
        try:
            return self._shell.run(command, deadline=self._deadline)
        except CommandTimeoutError as error:
            raise PhaseError(
                "BUILD_TIMED_OUT", "Build has timed out. ", status=TIMED_OUT
            ) from error

    def _upload(self) -> None:
        self._build.exported = [
            {"name": name, "value": self._value(name)} for name in self._spec.exported
        ]
        self._build.artifacts |= deliver(
            self._spec,
            build=self._build,
            uploader=Uploader(s3=self._client("s3")),
            source_folder=self._source_folder,
        )

    def _value(self, name: str) -> str:
        out = self._build.folder / "session" / "value"
        self._execute(f"printf %s \"${{{name}-}}\" >'{out}'")
        return out.read_text(encoding="utf-8")

    def _finalize(self) -> None:
        self._log.flush()

    def _client(self, service: str) -> Any:
        return self._aws.client_as(self._credentials, service, region=self._build.region)
