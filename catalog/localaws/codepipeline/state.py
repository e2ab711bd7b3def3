"""What CodePipeline keeps, and what every group of its operations needs."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.localaws.codepipeline.engine import Engine, Surroundings
from catalog.localaws.codepipeline.executions import Execution, now
from catalog.localaws.codepipeline.turns import Turns
from catalog.localaws.codepipeline.waiting import Approvals, Jobs
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Service, ServiceError, paginate

_PAGE = 100


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


def pipeline_arn(name: str, account: str, region: str) -> str:
    """Return the ARN of a pipeline."""
    return f"arn:aws:codepipeline:{region}:{account}:{name}"


class PipelineBase(Service):
    """State and helpers of the CodePipeline service.

    Attributes:
        minute_seconds: how long one minute of an action's timeout lasts, in seconds.
        approvals: what waits for PutApprovalResult.
        jobs: what waits for a Lambda function's answer.
    """

    name = "codepipeline"

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.minute_seconds = 60.0
        self.approvals = Approvals()
        self.jobs = Jobs()

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
        self.engine_of(pipeline, execution, account=account, region=region).launch()
        return execution

    def engine_of(
        self, pipeline: Pipeline, execution: Execution, *, account: str, region: str
    ) -> Engine:
        """Return what runs an execution."""
        around = Surroundings(
            aws=self.aws,
            account=account,
            region=region,
            turns=pipeline.turns,
            approvals=self.approvals,
            jobs=self.jobs,
            minute_seconds=self.minute_seconds,
        )
        return Engine(around=around, execution=execution)

    def pipelines_of(self, account: str, region: str) -> list[Pipeline]:
        """Return all pipelines of an account in a region."""
        state: PipelineState = self.state_of(account, region)
        with state.lock:
            return list(state.pipelines.values())

    def pipeline_named(self, call: Call, name: str) -> Pipeline:
        """Return a pipeline.

        Raises:
            ServiceError: `PipelineNotFoundException`.
        """
        state: PipelineState = self.state(call)
        found = state.pipelines.get(name)
        if found is None:
            raise ServiceError(
                "PipelineNotFoundException",
                f"Account '{call.account}' does not have a pipeline with name '{name}'",
            )
        return found


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


def page(items: list[dict[str, Any]], call: Call, *, key: str) -> dict[str, Any]:
    """Return one page of a list, as the operation's output.

    Raises:
        ServiceError: `InvalidNextTokenException`.
    """
    page, token = paginate(
        items,
        token=call.params.get("nextToken"),
        size=call.params.get("maxResults"),
        default=_PAGE,
        error=lambda: ServiceError("InvalidNextTokenException", "Invalid next token"),
    )
    return {key: page, **({"nextToken": token} if token else {})}
