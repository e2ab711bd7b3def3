"""Operations on executions, and the answers that waiting actions get."""

from __future__ import annotations

from typing import Any

from catalog.localaws.codepipeline.executions import FAILED, IN_PROGRESS, STOPPING, Execution, now
from catalog.localaws.codepipeline.state import Pipeline, PipelineBase, page
from catalog.localaws.codepipeline.views import action_execution, pipeline_state
from catalog.localaws.core.service import Call, ServiceError

_ENDED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


class ExecutionOperations(PipelineBase):
    """StartPipelineExecution and its kin."""

    def start_pipeline_execution(self, call: Call) -> dict[str, Any]:
        """Start an execution; a repeated client request token returns the first one."""
        pipeline = self.pipeline_named(call, call.params["name"])
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
        pipeline = self.pipeline_named(call, call.params["pipelineName"])
        self.engine_of(pipeline, execution, account=call.account, region=call.region).launch(
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
        pipeline = self.pipeline_named(call, call.params["pipelineName"])
        wanted = call.params.get("filter", {}).get("succeededInStage", {}).get("stageName")
        found = [
            execution.summarise()
            for execution in reversed(pipeline.executions)
            if wanted is None
            or (wanted in execution.stages and execution.stages[wanted].status == "Succeeded")
        ]
        return page(found, call, key="pipelineExecutionSummaries")

    def list_action_executions(self, call: Call) -> dict[str, Any]:
        """Return runs of actions, newest first."""
        pipeline = self.pipeline_named(call, call.params["pipelineName"])
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
        return page([action_execution(*pair) for pair in found], call, key="actionExecutionDetails")

    def get_pipeline_state(self, call: Call) -> dict[str, Any]:
        """Return where the pipeline stands."""
        pipeline = self.pipeline_named(call, call.params["name"])
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
        pipeline = self.pipeline_named(call, call.params["pipelineName"])
        _find_action(pipeline, stage=call.params["stageName"], action=call.params["actionName"])
        result = call.params["result"]
        decided = self.approvals.decide(
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
        job = self.jobs.find(call.params["jobId"])
        if job is None:
            raise ServiceError("JobNotFoundException", f"No job {call.params['jobId']}")
        job.succeeded = True
        job.variables = dict(call.params.get("outputVariables", {}))
        job.answered.set()
        return {}

    def put_job_failure_result(self, call: Call) -> dict[str, Any]:
        """Tell that a Lambda action's function has failed."""
        job = self.jobs.find(call.params["jobId"])
        if job is None:
            raise ServiceError("JobNotFoundException", f"No job {call.params['jobId']}")
        job.message = call.params["failureDetails"]["message"]
        job.answered.set()
        return {}

    def _execution(self, call: Call) -> Execution:
        pipeline = self.pipeline_named(call, call.params["pipelineName"])
        wanted = call.params["pipelineExecutionId"]
        for execution in pipeline.executions:
            if execution.id == wanted:
                return execution
        raise ServiceError(
            "PipelineExecutionNotFoundException", f"The pipeline has no execution {wanted}"
        )


def _find_action(pipeline: Pipeline, *, stage: str, action: str) -> None:
    stages = {one["name"]: one for one in pipeline.declaration["stages"]}
    if stage not in stages:
        raise ServiceError("StageNotFoundException", f"The pipeline has no stage {stage}")
    if action not in {one["name"] for one in stages[stage]["actions"]}:
        raise ServiceError("ActionNotFoundException", f"Stage {stage} has no action {action}")
