"""Running an execution: stages in turn, actions by run order, artifacts from one to the next."""

from __future__ import annotations

import functools
import itertools
import threading
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codepipeline.actions import PROVIDERS
from catalog.localaws.codepipeline.actions.base import (
    AbandonedError,
    ActionContext,
    ActionFailureError,
    Outcome,
)
from catalog.localaws.codepipeline.events import PipelineEvents
from catalog.localaws.codepipeline.executions import (
    ABANDONED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    SUCCEEDED,
    SUPERSEDED,
    ActionExecution,
    Execution,
    StageRun,
    now,
)
from catalog.localaws.codepipeline.turns import Turns
from catalog.localaws.codepipeline.variables import resolve
from catalog.localaws.codepipeline.waiting import Approvals, Jobs
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all executions of a pipeline share.

    Attributes:
        turns: which execution may enter a stage.
        minute_seconds: how long one minute of an action's timeout lasts, in seconds.
    """

    aws: LocalAws
    account: str
    region: str
    turns: Turns
    approvals: Approvals
    jobs: Jobs
    minute_seconds: float


class Engine:
    """Runs one execution in the calling thread."""

    def __init__(self, *, around: Surroundings, execution: Execution) -> None:
        self._around = around
        self._execution = execution
        self._events = PipelineEvents(
            aws=around.aws, account=around.account, region=around.region, execution=execution
        )

    def launch(
        self, *, first: str | None = None, only: frozenset[str] | None = None
    ) -> threading.Thread:
        """Run in a thread that the local AWS joins on stop; arguments as for `run`."""
        self._around.turns.arrive(self._execution)
        return self._around.aws.spawn(
            f"pipeline {self._execution.pipeline}",
            functools.partial(self.run, first=first, only=only),
        )

    def run(self, *, first: str | None = None, only: frozenset[str] | None = None) -> None:
        """Run the stages.

        Args:
            first: the stage to begin with; the first one by default.
            only: of that stage, the actions to run again; all by default.
        """
        run = self._execution
        self._events.pipeline("InProgress" if run.attempt == 1 else "Resumed")
        status = FAILED
        try:
            status = self._stages(first=first, only=only)
        finally:
            self._around.turns.leave(run)
            with run.lock:
                run.status = status
                run.updated = now()
            self._events.pipeline(status)
            run.finished.set()

    def _stages(self, *, first: str | None, only: frozenset[str] | None) -> str:
        run = self._execution
        stages: list[dict[str, Any]] = run.declaration["stages"]
        begin = next((i for i, stage in enumerate(stages) if stage["name"] == first), 0)
        for stage in stages[begin:]:
            if not self._around.turns.enter(stage["name"], run):
                return STOPPED if run.halt.is_set() else SUPERSEDED
            ended = self._stage(stage, only=only if stage["name"] == first else None)
            if ended != SUCCEEDED:
                return ended
        return SUCCEEDED

    def _stage(self, stage: dict[str, Any], *, only: frozenset[str] | None) -> str:
        run = self._execution
        name = stage["name"]
        with run.lock:
            record = run.stages.setdefault(name, StageRun(name=name))
            record.status = IN_PROGRESS
        self._events.stage(name, "InProgress" if run.attempt == 1 else "Resumed")
        status = SUCCEEDED
        actions = sorted(stage["actions"], key=lambda one: one["runOrder"])
        for _, group in itertools.groupby(actions, key=lambda one: one["runOrder"]):
            if run.halt.is_set():
                status = STOPPED
                break
            chosen = [one for one in group if only is None or one["name"] in only]
            status = self._together(record, chosen)
            if status != SUCCEEDED:
                break
        if status == SUCCEEDED and run.halt.is_set() and stage is not run.declaration["stages"][-1]:
            self._end_stage(record, SUCCEEDED)
            return STOPPED
        self._end_stage(record, status)
        return status

    def _end_stage(self, record: StageRun, status: str) -> None:
        with self._execution.lock:
            record.status = status
            self._execution.updated = now()
        self._events.stage(record.name, status)

    def _together(self, stage: StageRun, actions: list[dict[str, Any]]) -> str:
        """Run actions of one run order side by side; return how the stage stands."""
        records = [self._begin(stage, action) for action in actions]
        threads = [
            self._around.aws.spawn(f"action {record.name}", functools.partial(self._action, record))
            for record in records[1:]
        ]
        if records:
            self._action(records[0])
        for thread in threads:
            thread.join()
        if any(record.status == FAILED for record in records):
            return FAILED
        if any(record.status == ABANDONED for record in records):
            return STOPPED
        return SUCCEEDED

    def _begin(self, stage: StageRun, action: dict[str, Any]) -> ActionExecution:
        run = self._execution
        record = ActionExecution(
            stage=stage.name,
            declaration=action,
            region=action.get("region", self._around.region),
            inputs={
                item["name"]: run.artifacts[item["name"]]
                for item in action["inputArtifacts"]
                if item["name"] in run.artifacts
            },
        )
        with run.lock:
            stage.actions.append(record)
        return record

    def _action(self, record: ActionExecution) -> None:
        self._events.action(record, "InProgress")
        try:
            outcome = self._outcome(record)
        except ActionFailureError as failure:
            record.error_code, record.error_message = failure.code, failure.message
            record.end(FAILED)
        except AbandonedError:
            record.end(ABANDONED)
        except BaseException as error:
            record.error_code = "InternalError"
            record.error_message = f"the local AWS failed: {error!r}"
            record.end(FAILED)
            raise
        else:
            self._keep(record, outcome)
            record.end(SUCCEEDED)
        finally:
            self._events.action(record, record.status)

    def _outcome(self, record: ActionExecution) -> Outcome:
        declaration = record.declaration
        kind = declaration["actionTypeId"]
        record.configuration = resolve(declaration["configuration"], execution=self._execution)
        context = ActionContext(
            aws=self._around.aws,
            account=self._around.account,
            region=record.region,
            execution=self._execution,
            record=record,
            credentials=self._credentials(declaration.get("roleArn")),
            configuration=record.configuration,
            minute_seconds=self._around.minute_seconds,
            approvals=self._around.approvals,
            jobs=self._around.jobs,
        )
        return PROVIDERS[kind["category"], kind["provider"]](context)

    def _keep(self, record: ActionExecution, outcome: Outcome) -> None:
        run = self._execution
        with run.lock:
            record.outputs = dict(outcome.outputs)
            record.variables = dict(outcome.variables)
            record.external_id = outcome.external_id or record.external_id
            record.external_url = outcome.external_url
            record.summary = outcome.summary
            record.revision = outcome.revision
            record.revision_summary = outcome.summary if outcome.revision else ""
            run.artifacts.update(outcome.outputs)
            namespace = record.declaration.get("namespace")
            if namespace:
                run.namespaces[namespace] = dict(outcome.variables)

    def _credentials(self, action_role: str | None) -> dict[str, str]:
        around, run = self._around, self._execution
        role = run.declaration["roleArn"]
        try:
            own = around.aws.assume_as_service(
                role,
                service_principal="codepipeline.amazonaws.com",
                session_name=run.id,
                source_arn=f"arn:aws:codepipeline:{around.region}:{around.account}:{run.pipeline}",
            )
        except ServiceError as error:
            raise ActionFailureError(
                "PermissionError",
                f"CodePipeline is not authorized to perform AssumeRole on role {role}",
            ) from error
        if action_role is None:
            return own
        sts = around.aws.client_as(
            own, "sts", region=around.region, via="codepipeline.amazonaws.com"
        )
        try:
            given = sts.assume_role(RoleArn=action_role, RoleSessionName=run.id)["Credentials"]
        except ClientError as error:
            raise ActionFailureError(
                "PermissionError", error.response["Error"]["Message"]
            ) from error
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }
