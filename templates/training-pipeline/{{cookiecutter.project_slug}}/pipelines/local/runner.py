"""Runs a pipeline definition: steps in order, independent ones side by side."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import secrets
import shutil
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from . import endpoint, report
from .cache import Cache
from .definition import SCHEMA, Scope, parameter_values, substitute
from .errors import JobError, RunnerError
from .graph import Node, build
from .jobs import Job, Request
from .kinds import KINDS
from .progress import Progress
from .registry import Registry
from .result import DONE, RunResult, StepResult
from .sandbox import ROOM, Processes, Sandbox, namespaces_work, write_tools
from .store import Store, pack
from .validate import available, validate

WORK = Path(".local-pipeline")
ROLE = "arn:aws:iam::000000000000:role/local"
# Waiting minutes for capacity that a laptop has or has not serves nobody.
RETRY_WAIT_MAX = 1.0
_OPEN = frozenset({"Pending", "Running"})


def run(  # noqa: PLR0913  # the whole surface, keyword-only
    definition: Path | str | Mapping[str, Any],
    *,
    parameters: Mapping[str, Any] | None = None,
    work: Path = WORK,
    bucket: str = "local",
    role: str = ROLE,
    model_package_group: str = "local",
    code: Mapping[str, Sequence[Path]] | None = None,
    mounts: Mapping[str, Path] | None = None,
    python: str = sys.executable,
    use_cache: bool = True,
    skip_unsupported: bool = False,
    isolation: str = "auto",
    max_parallel: int | None = None,
    keep: bool = False,
    stream: TextIO | None = None,
) -> RunResult:
    """Run a pipeline definition on this machine.

    Args:
        definition: the definition, or the JSON file it is in.
        parameters: values of pipeline parameters.
        work: folder of the store, the registry, the cache and the runs.
        bucket: what `${bucket}` stands for.
        role: what `${role}` stands for.
        model_package_group: what `${model_package_group}` stands for.
        code: source sets by NAME; `${code:NAME}` becomes the URI of the packed set.
        mounts: S3 prefixes that are folders of this machine.
        python: interpreter that jobs run with.
        use_cache: let steps with CacheConfig reuse results.
        skip_unsupported: leave out steps of types this runner does not know.
        isolation: `namespace`, `rewrite` (of `/opt/ml` in what jobs are given) or `auto`.
        max_parallel: processes at once; the number of CPUs when None.
        keep: keep the sandboxes of steps that succeeded.
        stream: where progress goes; standard error when None.

    Returns:
        The result; a failed step is a result, not an exception.

    Raises:
        RunnerError: the definition or the parameters are wrong; nothing has run.
    """
    document = definition if isinstance(definition, Mapping) else _read(Path(definition))
    if document.get("Version") != SCHEMA:
        raise RunnerError(f"schema {document.get('Version')!r}: this runner knows {SCHEMA}")
    work = work.resolve()
    store = Store(work / "s3", mounts=mounts)
    symbols = {"bucket": bucket, "role": role, "model_package_group": model_package_group}
    for name, paths in (code or {}).items():
        symbols[f"code:{name}"] = upload(paths, store, bucket=bucket)
    document = substitute(document, symbols)
    namespace = isolation != "rewrite" and namespaces_work(work / "probe")
    if isolation == "namespace" and not namespace:
        raise RunnerError("this system allows no private mount namespace (unshare failed)")
    engine = _Engine(
        document,
        values=parameter_values(document, parameters or {}),
        work=work,
        store=store,
        cache=Cache(work / "cache", store, python=python) if use_cache else None,
        python=python,
        namespace=namespace,
        skip_unsupported=skip_unsupported,
        parallel=max_parallel or os.cpu_count() or 1,
        keep=keep,
        progress=Progress(stream or sys.stderr),
    )
    return engine.run()


def upload(paths: Sequence[Path], store: Store, *, bucket: str) -> str:
    """Pack a source set into the store under its content hash; returns its URI."""
    archive = store.root / ".tmp" / f"{secrets.token_hex(8)}.tar.gz"
    uri = f"s3://{bucket}/code/{pack(paths, archive)}/sourcedir.tar.gz"
    store.move(archive, uri)
    return uri


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise RunnerError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise RunnerError(f"{file}: not JSON ({error})") from None
    return content


class _Engine:
    def __init__(  # noqa: PLR0913
        self, document: Mapping[str, Any], *, values: dict[str, Any], work: Path, store: Store,
        cache: Cache | None, python: str, namespace: bool, skip_unsupported: bool, parallel: int,
        keep: bool, progress: Progress,
    ) -> None:  # fmt: skip
        self.run_id = secrets.token_hex(6)
        self.folder = work / "runs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{self.run_id}"
        self.store, self.cache, self.progress = store, cache, progress
        self.tools = work / "tools"
        self.registry = Registry(work / "registry")
        self.python, self.namespace, self.keep = python, namespace, keep
        self.parallel, self.processes = parallel, Processes()
        self.environment: Mapping[str, str] = {}
        self.models: dict[str, Request] = {}
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/local"
        self.scope = Scope(
            parameters=values,
            execution={
                "PipelineName": "local",
                "PipelineArn": arn,
                "PipelineExecutionId": self.run_id,
                "PipelineExecutionArn": f"{arn}/execution/{self.run_id}",
                "StartDateTime": now,
                "CurrentDateTime": now,
            },
            read=store.read,
        )
        self.nodes = build(document, self.scope)
        self.result = RunResult(
            run_id=self.run_id,
            parameters=values,
            folder=self.folder,
            report=self.folder / "report.html",
            steps={
                name: StepResult(name=name, type=node.type, folder=self.folder / name)
                for name, node in self.nodes.items()
            },
        )
        self.result.differences = self._differences()
        self._check(skip=skip_unsupported)

    # --- before -----------------------------------------------------------------------------

    def _check(self, *, skip: bool) -> None:
        problems = []
        for node in self.nodes.values():
            for item in node.step.get("PropertyFiles", []):
                name = (node.name, item["PropertyFileName"])
                self.scope.property_files[name] = item["OutputName"], item["FilePath"]
            if node.type in KINDS:
                try:
                    KINDS[node.type].check(_literals(node.step["Arguments"], self.scope))
                except JobError as error:
                    problems.append(f"{node.name} ({node.type}): {error}")
                except KeyError as error:
                    problems.append(f"{node.name} ({node.type}): {error} is missing")
            elif node.type not in {"Condition", "Fail"}:
                if skip:
                    self.result.steps[node.name].state = "Skipped"
                    self.result.steps[node.name].message = "left out: --skip-unsupported"
                    continue
                problems.append(
                    f"{node.name}: steps of type {node.type} have no local counterpart\n"
                    "Next: --skip-unsupported leaves them, and what uses their results, out."
                )
        if problems:
            raise RunnerError("This pipeline cannot run here:\n" + "\n".join(problems))

    def _differences(self) -> list[str]:
        types = {node.type for node in self.nodes.values()}
        lines = [
            f"Jobs run with {self.python} and this machine's libraries, not in the image.",
            "pip installs nothing: requirements.txt is left out.",
            "No IAM, network isolation, encryption, instance types or several instances.",
        ]
        if not self.namespace:
            lines.append("/opt/ml is rewritten in what jobs are given; no mount namespace here.")
        if "Tuning" in types:
            lines.append("Tuning searches at random (or the grid), without early stopping.")
        if any("RetryPolicies" in node.step for node in self.nodes.values()):
            lines.append(f"Retries wait at most {RETRY_WAIT_MAX:.0f} s.")
        if not available():
            lines.append("Requests are not validated: botocore is not installed.")
        for node in self.nodes.values():
            lines += [
                f"{node.name} reads what {writer} writes, and only the data say so: SageMaker "
                "would start both at once. Add DependsOn."
                for writer in sorted(node.implied)
            ]
        return lines

    # --- during -----------------------------------------------------------------------------

    def run(self) -> RunResult:
        self.folder.mkdir(parents=True)
        write_tools(self.tools)
        for line in self.result.differences:
            self.progress.line(f"differs from SageMaker: {line}")
        running: dict[Future[None], Node] = {}
        with (
            endpoint.serve(self.store, self.registry) as self.environment,
            ThreadPoolExecutor(self.parallel) as pool,
        ):
            try:
                while True:
                    for node in self._startable():
                        running[pool.submit(self._step, node)] = node
                    if not running:
                        break
                    finished, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in finished:
                        running.pop(future)
                        future.result()
                    steps = [self.result.steps[node.name] for node in running.values()]
                    self.progress.tick((step.name, step.started) for step in steps)
            except KeyboardInterrupt:
                self.result.status = "Stopped"
                names = ", ".join(node.name for node in running.values())
                self.result.message = f"stopped by Ctrl-C in {names}"
                self.progress.line(f"stopping {names}")
            finally:
                if running:
                    self.processes.stop()
        return self._finish()

    def _startable(self) -> list[Node]:
        found: list[Node] = []
        steps = self.result.steps
        if self.result.status != "Running":
            return found
        changed = True
        while changed:
            changed = False
            for node in self.nodes.values():
                step = steps[node.name]
                if step.state != "Pending" or any(steps[n].state in _OPEN for n in node.needs):
                    continue
                reason = self._obstacle(node)
                step.state, step.message = ("NotExecuted", reason) if reason else ("Running", "")
                changed = bool(reason) or changed
                if not reason:
                    found.append(node)
        return found

    def _obstacle(self, node: Node) -> str:
        if node.gate:
            name, branch = node.gate
            outcome = self.scope.properties.get(name, {}).get("Outcome")
            if outcome is not branch:
                return f"{name} is {str(outcome).lower()}"
        absent = [n for n in node.references if self.result.steps[n].state not in DONE]
        return f"needs {', '.join(sorted(absent))}, which did not run" if absent else ""

    def _step(self, node: Node) -> None:
        step = self.result.steps[node.name]
        step.started = self.progress.elapsed
        self.progress.line(f"{node.name} ({node.type}) started")
        try:
            step.properties, state = self._execute(node, step)
            self.scope.properties[node.name] = step.properties
            step.state = state  # last: from here on, others may start that read the properties
        except RunnerError as error:
            self._failed(node, step, error)
        except OSError as error:
            self._failed(node, step, _disk(error))
        except Exception as error:  # noqa: BLE001  # a malformed request, or a mistake in here
            step.folder.mkdir(parents=True, exist_ok=True)
            (step.folder / "error.txt").write_text(traceback.format_exc(), "utf-8")
            where = f"traceback: {step.folder / 'error.txt'}"
            self._failed(node, step, JobError(f"{type(error).__name__}: {error}; {where}"))
        finally:
            step.seconds = self.progress.elapsed - step.started
        outcome = step.message if step.state == "Failed" else step.state.lower()
        self.progress.line(f"{node.name} {outcome} ({step.seconds:.1f}s)")

    def _failed(self, node: Node, step: StepResult, error: Exception) -> None:
        stopped = self.processes.stopping
        step.state = "Stopped" if stopped else "Failed"
        step.message = f"failed: {error}"
        boxes = sorted(step.folder.glob("**/rerun.sh"), key=lambda path: path.stat().st_mtime)
        if boxes and not stopped and node.type in KINDS:
            log = boxes[-1].parent / "log.txt"
            tail = log.read_text("utf-8", "replace").splitlines()[-15:] if log.exists() else []
            step.message += "".join(f"\n    | {line}" for line in tail)
            step.message += f"\n  log: {log}\n  again, by itself: sh {boxes[-1]}"
        if self.result.status == "Running" and not stopped:
            self.result.status = "Failed"
            self.result.message = f"step {node.name} {step.message}"

    def _execute(self, node: Node, step: StepResult) -> tuple[Request, str]:
        if self.processes.stopping:
            raise JobError("stopped before it started", kind="Stopped")
        arguments = node.step.get("Arguments", {})
        if node.type == "Condition":
            verdicts = [self.scope.holds(item) for item in arguments["Conditions"]]
            outcome = all(verdict for verdict, _ in verdicts)
            step.notes.append(f"{' and '.join(words for _, words in verdicts)}: {outcome}")
            self.progress.line(f"{node.name}: {step.notes[0]}")
            return {"Outcome": outcome}, "Succeeded"
        if node.type == "Fail":
            raise JobError(str(self.scope.evaluate(arguments)["ErrorMessage"]))
        kind, request = KINDS[node.type], self.scope.evaluate(arguments)
        validate(kind, request)
        kind.check(request)
        setting = node.step.get("CacheConfig", {})
        key = ""
        if kind.cacheable and self.cache and setting.get("Enabled"):
            key = self.cache.key(node.type, request, self.models.get(request.get("ModelName", "")))
            expires = setting.get("ExpireAfter")
            if found := self.cache.get(key, node.type, request, expires=expires):
                return found, "Cached"
        properties = self._attempts(node, request, step)
        if key and self.cache:
            self.cache.put(key, node.type, request, properties)
        if not self.keep:
            _sweep(step.folder)
        return properties, "Succeeded"

    def _attempts(self, node: Node, request: Request, step: StepResult) -> Request:
        policies = node.step.get("RetryPolicies", [])
        left = [int(policy.get("MaxAttempts", 20)) for policy in policies]
        for attempt in range(1, 2 + sum(left)):
            try:
                return KINDS[node.type].run(self._job(node, request, step, attempt))
            except JobError as error:
                matching = (
                    i for i, policy in enumerate(policies)
                    if left[i] > 0 and error.kind in policy["ExceptionType"]
                )  # fmt: skip
                chosen = next(matching, None)
                if chosen is None or self.processes.stopping:
                    raise
                policy, left[chosen] = policies[chosen], left[chosen] - 1
                pause = policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** (
                    attempt - 1
                )
                self._note(step, f"attempt {attempt} failed ({error.kind}): {error}; trying again")
                time.sleep(min(pause, RETRY_WAIT_MAX))
        raise AssertionError("unreachable: the last attempt raises")

    def _job(self, node: Node, request: Request, step: StepResult, attempt: int) -> Job:
        again = f"-{attempt}" if attempt > 1 else ""

        def sandbox(part: str) -> Sandbox:
            return Sandbox(
                folder=step.folder / f"attempt{again or '-1'}" / part,
                python=self.python,
                namespace=self.namespace,
                processes=self.processes,
                environment=self.environment,
                tools=self.tools,
            )

        return Job(
            name=f"{node.name}-{self.run_id}{again}",
            request=request,
            store=self.store,
            registry=self.registry,
            models=self.models,
            sandbox=sandbox,
            say=functools.partial(self._note, step),
            parallel=self.parallel,
        )

    def _note(self, step: StepResult, text: str) -> None:
        step.notes.append(text)
        self.progress.line(f"{step.name}: {text}")

    # --- after ------------------------------------------------------------------------------

    def _finish(self) -> RunResult:
        result = self.result
        if result.status == "Running":
            result.status = "Succeeded"
        for step in result.steps.values():
            if step.state == "Pending":
                step.state = "NotStarted"
        result.seconds = self.progress.elapsed
        try:
            result.save()
            report.write(result, self.store)
            with contextlib.suppress(OSError):  # a convenience; not every file system has links
                latest = self.folder.parent / "latest"
                latest.unlink(missing_ok=True)
                latest.symlink_to(self.folder.name)
        except OSError as error:
            result.message = result.message or str(_disk(error))
            result.status = "Failed" if result.status == "Succeeded" else result.status
        return result


def _literals(value: Any, scope: Scope) -> Any:
    """The request as far as it is known before any step has run; the rest stays an expression."""
    literal = scope.literal(value)
    if literal is not None:
        return literal
    if isinstance(value, list):
        return [_literals(item, scope) for item in value]
    if isinstance(value, dict):
        return {key: _literals(item, scope) for key, item in value.items()}
    return value


def _sweep(folder: Path) -> None:
    """Leave only the logs of a step that has ended well."""
    for name in ("opt", "view", "source", "out"):
        for part in folder.glob(f"**/{name}"):
            shutil.rmtree(part, ignore_errors=True)
    for file in folder.glob("**/rerun.sh"):
        file.unlink()


def _disk(error: OSError) -> JobError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return JobError(
            f"the disk is full ({error.filename or 'no space left'}); nothing half-written is kept",
            next_step=ROOM,
            kind="DiskFull",
        )
    return JobError(f"{error.strerror}: {error.filename}")
