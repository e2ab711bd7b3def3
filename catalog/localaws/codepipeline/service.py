"""The CodePipeline API."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from catalog.localaws.codepipeline.declaration import checked
from catalog.localaws.codepipeline.engine import Engine, Surroundings
from catalog.localaws.codepipeline.executions import (
    FAILED,
    IN_PROGRESS,
    STOPPING,
    Execution,
    now,
)
from catalog.localaws.codepipeline.triggers import polls_codecommit, provider_change_starts
from catalog.localaws.codepipeline.turns import Turns
from catalog.localaws.codepipeline.views import action_execution, pipeline_state
from catalog.localaws.codepipeline.waiting import Approvals, Jobs
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Service, ServiceError, paginate
from catalog.localaws.git.access import require
from catalog.localaws.git.http import Change

if TYPE_CHECKING:
    from catalog.localaws.codeconnections.service import CodeConnections

_PAGE = 100
_ENDED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}
Arns = Callable[[dict[str, Any], str, str], list[str]]


@dataclass(kw_only=True)
class Pipeline:
    """A pipeline, its tags and its executions (oldest first)."""

    arn: str
    declaration: dict[str, Any]
    tags: dict[str, str]
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    executions: list[Execution] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)


@dataclass(kw_only=True)
class PipelineState:
    """What one account has in one region."""

    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


def _arn(name: str, account: str, region: str) -> str:
    return f"arn:aws:codepipeline:{region}:{account}:{name}"


def _named(key: str) -> Arns:
    return lambda params, account, region: [_arn(params[key], account, region)]


def _declared(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [_arn(params["pipeline"]["name"], account, region)]


def _staged(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [_arn(f"{params['pipelineName']}/{params['stageName']}", account, region)]


def _approved(params: dict[str, Any], account: str, region: str) -> list[str]:
    place = f"{params['pipelineName']}/{params['stageName']}/{params['actionName']}"
    return [_arn(place, account, region)]


def _tagged(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["resourceArn"]]


def _passed_role(params: dict[str, Any]) -> list[tuple[str, str]]:
    return [(params["pipeline"]["roleArn"], "codepipeline.amazonaws.com")]


class CodePipeline(Service):
    """Pipelines of all accounts.

    Attributes:
        minute_seconds: how long one minute of an action's timeout lasts, in seconds.
    """

    name = "codepipeline"
    resources: ClassVar[Mapping[str, Arns]] = {
        "CreatePipeline": _declared,
        "UpdatePipeline": _declared,
        "GetPipeline": _named("name"),
        "DeletePipeline": _named("name"),
        "GetPipelineState": _named("name"),
        "StartPipelineExecution": _named("name"),
        "StopPipelineExecution": _named("pipelineName"),
        "GetPipelineExecution": _named("pipelineName"),
        "ListPipelineExecutions": _named("pipelineName"),
        "ListActionExecutions": _named("pipelineName"),
        "RetryStageExecution": _staged,
        "PutApprovalResult": _approved,
        "TagResource": _tagged,
        "UntagResource": _tagged,
        "ListTagsForResource": _tagged,
    }
    passed_roles: ClassVar[Mapping[str, Callable[[dict[str, Any]], list[tuple[str, str]]]]] = {
        "CreatePipeline": _passed_role,
        "UpdatePipeline": _passed_role,
    }

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.minute_seconds = 60.0
        self._approvals = Approvals()
        self._jobs = Jobs()

    def new_state(self, account: str, region: str) -> PipelineState:  # noqa: ARG002 - base
        """Return an account without pipelines."""
        return PipelineState()

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a pipeline, for conditions on `aws:ResourceTag`."""
        if arn.count(":") < 5:
            return None
        _, _, _, region, account, place = arn.split(":", 5)
        state: PipelineState = self.state_of(account, region)
        pipeline = state.pipelines.get(place.partition("/")[0])
        return pipeline.tags if pipeline else None

    # Pipelines

    def create_pipeline(self, call: Call) -> dict[str, Any]:
        """Create a pipeline and, as AWS does, start its first execution."""
        state: PipelineState = self.state(call)
        declaration = checked(call.params["pipeline"], version=1)
        self._check_passing(call, declaration)
        tags = {tag["key"]: tag["value"] for tag in call.params.get("tags", [])}
        name = declaration["name"]
        with state.lock:
            if name in state.pipelines:
                raise ServiceError(
                    "PipelineNameInUseException", f"A pipeline with the name {name} exists already"
                )
            pipeline = Pipeline(
                arn=_arn(name, call.account, call.region), declaration=declaration, tags=tags
            )
            state.pipelines[name] = pipeline
        self.start(
            pipeline,
            account=call.account,
            region=call.region,
            trigger=("CreatePipeline", call.principal.arn),
        )
        return {"pipeline": declaration, "tags": _shown_tags(tags)}

    def update_pipeline(self, call: Call) -> dict[str, Any]:
        """Replace a pipeline; its version goes up by one."""
        pipeline = self._pipeline(call, call.params["pipeline"]["name"])
        declaration = checked(call.params["pipeline"], version=pipeline.declaration["version"] + 1)
        self._check_passing(call, declaration)
        pipeline.declaration, pipeline.updated = declaration, now()
        return {"pipeline": declaration}

    def get_pipeline(self, call: Call) -> dict[str, Any]:
        """Return a pipeline."""
        pipeline = self._pipeline(call, call.params["name"])
        wanted = call.params.get("version", pipeline.declaration["version"])
        if wanted != pipeline.declaration["version"]:
            raise ServiceError(
                "PipelineVersionNotFoundException",
                f"Version {wanted} is not kept by the local AWS: only the latest is",
            )
        return {
            "pipeline": pipeline.declaration,
            "metadata": {
                "pipelineArn": pipeline.arn,
                "created": pipeline.created,
                "updated": pipeline.updated,
            },
        }

    def delete_pipeline(self, call: Call) -> dict[str, Any]:
        """Delete a pipeline and stop what runs; one that is gone already is no error."""
        state: PipelineState = self.state(call)
        with state.lock:
            pipeline = state.pipelines.pop(call.params["name"], None)
        for execution in pipeline.executions if pipeline else []:
            execution.halt.set()
            execution.abandon.set()
        return {}

    def list_pipelines(self, call: Call) -> dict[str, Any]:
        """Return pipelines, a page at a time."""
        state: PipelineState = self.state(call)
        with state.lock:
            found = sorted(state.pipelines.values(), key=lambda one: one.arn)
        items = [
            {
                "name": one.declaration["name"],
                "version": one.declaration["version"],
                "pipelineType": one.declaration["pipelineType"],
                "executionMode": one.declaration["executionMode"],
                "created": one.created,
                "updated": one.updated,
            }
            for one in found
        ]
        return _page(items, call, key="pipelines")

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add or replace tags."""
        tags = self._by_arn(call).tags
        tags.update({tag["key"]: tag["value"] for tag in call.params["tags"]})
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        tags = self._by_arn(call).tags
        for key in call.params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """Return the tags."""
        return {"tags": _shown_tags(self._by_arn(call).tags)}

    # Executions

    def start_pipeline_execution(self, call: Call) -> dict[str, Any]:
        """Start an execution; a repeated client request token returns the first one."""
        pipeline = self._pipeline(call, call.params["name"])
        token = call.params.get("clientRequestToken")
        if token and token in pipeline.tokens:
            return {"pipelineExecutionId": pipeline.tokens[token]}
        execution = self.start(
            pipeline,
            account=call.account,
            region=call.region,
            trigger=("StartPipelineExecution", call.principal.arn),
            variables={v["name"]: v["value"] for v in call.params.get("variables", [])},
            source_overrides={o["actionName"]: o for o in call.params.get("sourceRevisions", [])},
        )
        if token:
            pipeline.tokens[token] = execution.id
        return {"pipelineExecutionId": execution.id}

    def stop_pipeline_execution(self, call: Call) -> dict[str, Any]:
        """Stop an execution: after the running actions, or at once when abandoning."""
        execution = self._execution(call)
        with execution.lock:
            if execution.status in _ENDED:
                raise ServiceError(
                    "PipelineExecutionNotStoppableException",
                    f"The execution {execution.id} is {execution.status}",
                )
            if execution.status == STOPPING and not call.params.get("abandon"):
                raise ServiceError(
                    "DuplicatedStopRequestException",
                    f"The execution {execution.id} is stopping already",
                )
            execution.status = STOPPING
            execution.stop_reason = call.params.get("reason", "")
        execution.halt.set()
        if call.params.get("abandon"):
            execution.abandon.set()
        return {"pipelineExecutionId": execution.id}

    def retry_stage_execution(self, call: Call) -> dict[str, Any]:
        """Run a failed stage again within the same execution."""
        execution = self._execution(call)
        name = call.params["stageName"]
        stage = execution.stages.get(name)
        if stage is None:
            raise ServiceError("StageNotFoundException", f"The execution has no stage {name}")
        with execution.lock:
            if execution.status != FAILED or stage.status != FAILED:
                raise ServiceError(
                    "StageNotRetryableException", f"Stage {name} has not failed: {stage.status}"
                )
            failed = frozenset(
                action["name"]
                for declared in execution.declaration["stages"]
                if declared["name"] == name
                for action in declared["actions"]
                if (last := stage.latest(action["name"])) is None or last.status != "Succeeded"
            )
            execution.status = IN_PROGRESS
            execution.attempt += 1
            execution.finished.clear()
        only = failed if call.params["retryMode"] == "FAILED_ACTIONS" else None
        pipeline = self._pipeline(call, call.params["pipelineName"])
        self._engine(pipeline, execution, account=call.account, region=call.region).launch(
            first=name, only=only
        )
        return {"pipelineExecutionId": execution.id}

    def get_pipeline_execution(self, call: Call) -> dict[str, Any]:
        """Return an execution."""
        execution = self._execution(call)
        with execution.lock:
            return {"pipelineExecution": execution.describe()}

    def list_pipeline_executions(self, call: Call) -> dict[str, Any]:
        """Return executions, newest first."""
        pipeline = self._pipeline(call, call.params["pipelineName"])
        wanted = call.params.get("filter", {}).get("succeededInStage", {}).get("stageName")
        found = [
            execution.summarise()
            for execution in reversed(pipeline.executions)
            if wanted is None
            or (wanted in execution.stages and execution.stages[wanted].status == "Succeeded")
        ]
        return _page(found, call, key="pipelineExecutionSummaries")

    def list_action_executions(self, call: Call) -> dict[str, Any]:
        """Return runs of actions, newest first."""
        pipeline = self._pipeline(call, call.params["pipelineName"])
        given = call.params.get("filter", {})
        wanted = given.get("pipelineExecutionId") or given.get("latestInPipelineExecution", {}).get(
            "pipelineExecutionId"
        )
        found = [
            (execution, record)
            for execution in pipeline.executions
            if wanted in (None, execution.id)
            for stage in execution.stages.values()
            for record in stage.actions
        ]
        found.sort(key=lambda pair: pair[1].start, reverse=True)
        return _page(
            [action_execution(*pair) for pair in found], call, key="actionExecutionDetails"
        )

    def get_pipeline_state(self, call: Call) -> dict[str, Any]:
        """Return where the pipeline stands."""
        pipeline = self._pipeline(call, call.params["name"])
        return {
            "pipelineName": pipeline.declaration["name"],
            "pipelineVersion": pipeline.declaration["version"],
            "stageStates": pipeline_state(pipeline.declaration, pipeline.executions),
            "created": pipeline.created,
            "updated": pipeline.updated,
        }

    # Answers to waiting actions

    def put_approval_result(self, call: Call) -> dict[str, Any]:
        """Approve or reject."""
        pipeline = self._pipeline(call, call.params["pipelineName"])
        _find_action(pipeline, stage=call.params["stageName"], action=call.params["actionName"])
        result = call.params["result"]
        decided = self._approvals.decide(
            call.params["token"],
            status=result["status"],
            summary=result["summary"],
            by=call.principal.arn,
        )
        if not decided:
            raise ServiceError("InvalidApprovalTokenException", "Invalid approval token")
        return {"approvedAt": now()}

    def put_job_success_result(self, call: Call) -> dict[str, Any]:
        """Tell that a Lambda action's function has done its work."""
        job = self._jobs.find(call.params["jobId"])
        if job is None:
            raise ServiceError("JobNotFoundException", f"No job {call.params['jobId']}")
        job.succeeded = True
        job.variables = dict(call.params.get("outputVariables", {}))
        job.answered.set()
        return {}

    def put_job_failure_result(self, call: Call) -> dict[str, Any]:
        """Tell that a Lambda action's function has failed."""
        job = self._jobs.find(call.params["jobId"])
        if job is None:
            raise ServiceError("JobNotFoundException", f"No job {call.params['jobId']}")
        job.message = call.params["failureDetails"]["message"]
        job.answered.set()
        return {}

    # What starts executions besides the API

    def on_event(self, event: dict[str, Any]) -> None:
        """Start pipelines that look for CodeCommit changes by themselves."""
        detail = event["detail"]
        if event["source"] != "aws.codecommit" or detail.get("event") not in {
            "referenceCreated",
            "referenceUpdated",
        }:
            return
        account, region = event["account"], event["region"]
        for pipeline in self._pipelines(account, region):
            if detail["referenceType"] == "branch" and polls_codecommit(
                pipeline.declaration,
                repository=detail["repositoryName"],
                branch=detail["referenceName"],
            ):
                self.start(
                    pipeline,
                    account=account,
                    region=region,
                    trigger=("PollForSourceChanges", detail["referenceName"]),
                )

    def provider_pushed(self, *, provider: str, repository: str, changes: list[Change]) -> None:
        """Start the pipelines that a push to a provider's repository concerns.

        Args:
            provider: the provider type.
            repository: `owner/name`.
            changes: the references that moved.
        """
        connections = cast("CodeConnections", self.aws.service("codeconnections"))
        arns = connections.arns_to(provider)
        for account, region in list(self._states):
            for pipeline in self._pipelines(account, region):
                for change in changes:
                    if provider_change_starts(
                        pipeline.declaration,
                        connections=arns,
                        repository=repository,
                        change=change,
                    ):
                        self.start(
                            pipeline,
                            account=account,
                            region=region,
                            trigger=("WebhookV2", change.reference),
                        )

    def start(
        self,
        pipeline: Pipeline,
        *,
        account: str,
        region: str,
        trigger: tuple[str, str],
        variables: dict[str, str] | None = None,
        source_overrides: dict[str, dict[str, str]] | None = None,
    ) -> Execution:
        """Start an execution.

        Args:
            pipeline: which.
            account: whose.
            region: where.
            trigger: type and detail.
            variables: values of the pipeline's variables.
            source_overrides: action name → source revision.

        Raises:
            ServiceError: a variable that the pipeline lacks, or that has no value.
        """
        declaration = copy.deepcopy(pipeline.declaration)
        execution = Execution(
            pipeline=declaration["name"],
            declaration=declaration,
            trigger_type=trigger[0],
            trigger_detail=trigger[1],
            variables=_variables(declaration, variables or {}, strict=variables is not None),
            source_overrides=source_overrides or {},
        )
        pipeline.executions.append(execution)
        self._engine(pipeline, execution, account=account, region=region).launch()
        return execution

    def _engine(
        self, pipeline: Pipeline, execution: Execution, *, account: str, region: str
    ) -> Engine:
        around = Surroundings(
            aws=self.aws,
            account=account,
            region=region,
            turns=pipeline.turns,
            approvals=self._approvals,
            jobs=self._jobs,
            minute_seconds=self.minute_seconds,
        )
        return Engine(around=around, execution=execution)

    def _pipelines(self, account: str, region: str) -> list[Pipeline]:
        state: PipelineState = self.state_of(account, region)
        with state.lock:
            return list(state.pipelines.values())

    def _pipeline(self, call: Call, name: str) -> Pipeline:
        state: PipelineState = self.state(call)
        found = state.pipelines.get(name)
        if found is None:
            raise ServiceError(
                "PipelineNotFoundException",
                f"Account '{call.account}' does not have a pipeline with name '{name}'",
            )
        return found

    def _by_arn(self, call: Call) -> Pipeline:
        arn = call.params["resourceArn"]
        for pipeline in self._pipelines(call.account, call.region):
            if pipeline.arn == arn:
                return pipeline
        raise ServiceError("ResourceNotFoundException", f"No pipeline {arn}")

    def _execution(self, call: Call) -> Execution:
        pipeline = self._pipeline(call, call.params["pipelineName"])
        wanted = call.params["pipelineExecutionId"]
        for execution in pipeline.executions:
            if execution.id == wanted:
                return execution
        raise ServiceError(
            "PipelineExecutionNotFoundException", f"The pipeline has no execution {wanted}"
        )

    def _check_passing(self, call: Call, declaration: dict[str, Any]) -> None:
        """Check that the role can be assumed and that the caller may pass the connections."""
        for action in declaration["stages"][0]["actions"]:
            connection = action["configuration"].get("ConnectionArn")
            if connection:
                service = connection.split(":")[2]
                require(
                    self.aws,
                    principal=call.principal,
                    action=f"{service}:PassConnection",
                    resource=connection,
                    context={f"{service}:PassedToService": "codepipeline.amazonaws.com"},
                )
        role = declaration["roleArn"]
        try:
            self.aws.assume_as_service(
                role,
                service_principal="codepipeline.amazonaws.com",
                session_name="validation",
                source_arn=_arn(declaration["name"], call.account, call.region),
            )
        except ServiceError as error:
            raise ServiceError(
                "InvalidStructureException",
                f"CodePipeline is not authorized to perform AssumeRole on role {role}",
            ) from error


def _variables(
    declaration: dict[str, Any], given: dict[str, str], *, strict: bool
) -> dict[str, str]:
    declared = {item["name"]: item.get("defaultValue") for item in declaration.get("variables", [])}
    unknown = given.keys() - declared.keys()
    if unknown:
        raise ServiceError(
            "ValidationException", f"The pipeline has no variables {', '.join(sorted(unknown))}"
        )
    values = {name: given.get(name, default) for name, default in declared.items()}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing and strict:
        raise ServiceError("ValidationException", f"Variables without value: {', '.join(missing)}")
    return {name: value for name, value in values.items() if value is not None}


def _find_action(pipeline: Pipeline, *, stage: str, action: str) -> None:
    stages = {one["name"]: one for one in pipeline.declaration["stages"]}
    if stage not in stages:
        raise ServiceError("StageNotFoundException", f"The pipeline has no stage {stage}")
    if action not in {one["name"] for one in stages[stage]["actions"]}:
        raise ServiceError("ActionNotFoundException", f"Stage {stage} has no action {action}")


def _shown_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _page(items: list[dict[str, Any]], call: Call, *, key: str) -> dict[str, Any]:
    page, token = paginate(
        items,
        token=call.params.get("nextToken"),
        size=call.params.get("maxResults"),
        default=_PAGE,
        error=lambda: ServiceError("InvalidNextTokenException", "Invalid next token"),
    )
    return {key: page, **({"nextToken": token} if token else {})}
