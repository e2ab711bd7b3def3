"""The events CodePipeline sends, as "Monitoring CodePipeline events" in its user guide shows."""

from __future__ import annotations

from typing import Any

from catalog.localaws.codepipeline.executions import ActionExecution, Execution
from catalog.localaws.core.local import LocalAws

_KINDS = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopped": "STOPPED",
    "Stopping": "STOPPING",
    "Superseded": "SUPERSEDED",
    "Abandoned": "ABANDONED",
    "Resumed": "RESUMED",
}


class PipelineEvents:
    """Sends the events of one execution.

    Args:
        aws: where.
        account: whose pipeline.
        region: where the pipeline is.
        execution: the execution.
    """

    def __init__(self, *, aws: LocalAws, account: str, region: str, execution: Execution) -> None:
        self._aws = aws
        self._account = account
        self._region = region
        self._execution = execution

    def pipeline(self, state: str) -> None:
        """Send "CodePipeline Pipeline Execution State Change"."""
        run = self._execution
        detail = {
            "start-time": f"{run.start:%Y-%m-%dT%H:%M:%S}.{run.start.microsecond // 1000:03}Z",
            "execution-trigger": {
                "trigger-type": run.trigger_type,
                "trigger-detail": run.trigger_detail,
            },
            "pipeline-execution-attempt": float(run.attempt),
        }
        self._send("CodePipeline Pipeline Execution State Change", state, detail)

    def stage(self, name: str, state: str) -> None:
        """Send "CodePipeline Stage Execution State Change"."""
        self._send("CodePipeline Stage Execution State Change", state, {"stage": name})

    def action(self, record: ActionExecution, state: str) -> None:
        """Send "CodePipeline Action Execution State Change"."""
        kind = record.declaration["actionTypeId"]
        detail: dict[str, Any] = {
            "stage": record.stage,
            "action": record.name,
            "action-execution-id": record.id,
            "region": record.region,
            "type": {key: kind[key] for key in ("owner", "category", "provider", "version")},
        }
        if record.external_id or record.error_code:
            detail["execution-result"] = {
                "external-execution-id": record.external_id,
                "external-execution-summary": record.error_message or record.summary,
                "external-execution-url": record.external_url,
            }
            if record.error_code:
                detail["execution-result"]["error-code"] = record.error_code
        self._send("CodePipeline Action Execution State Change", state, detail)

    def _send(self, detail_type: str, state: str, detail: dict[str, Any]) -> None:
        run = self._execution
        self._aws.emit(
            account=self._account,
            region=self._region,
            source="aws.codepipeline",
            detail_type=detail_type,
            detail={
                "pipeline": run.pipeline,
                "version": float(run.declaration["version"]),
                "execution-id": run.id,
                "state": _KINDS[state],
                **detail,
            },
            resources=[f"arn:aws:codepipeline:{self._region}:{self._account}:{run.pipeline}"],
        )
