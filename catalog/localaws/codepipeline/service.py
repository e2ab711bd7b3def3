"""The CodePipeline service: its API, and what starts pipelines besides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from catalog.localaws.codepipeline.pipelines import PipelineOperations
from catalog.localaws.codepipeline.runs import ExecutionOperations
from catalog.localaws.codepipeline.state import pipeline_arn
from catalog.localaws.codepipeline.triggers import polls_codecommit, provider_change_starts
from catalog.localaws.git.http import Change

if TYPE_CHECKING:
    from catalog.localaws.codeconnections.service import CodeConnections

Arns = Callable[[dict[str, Any], str, str], list[str]]


def _named(key: str) -> Arns:
    return lambda params, account, region: [pipeline_arn(params[key], account, region)]


def _declared(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [pipeline_arn(params["pipeline"]["name"], account, region)]


def _staged(params: dict[str, Any], account: str, region: str) -> list[str]:
    return [pipeline_arn(f"{params['pipelineName']}/{params['stageName']}", account, region)]


def _approved(params: dict[str, Any], account: str, region: str) -> list[str]:
    place = f"{params['pipelineName']}/{params['stageName']}/{params['actionName']}"
    return [pipeline_arn(place, account, region)]


def _tagged(params: dict[str, Any], account: str, region: str) -> list[str]:  # noqa: ARG001
    return [params["resourceArn"]]


def _passed_role(params: dict[str, Any]) -> list[tuple[str, str]]:
    return [(params["pipeline"]["roleArn"], "codepipeline.amazonaws.com")]


class CodePipeline(PipelineOperations, ExecutionOperations):
    """Pipelines of all accounts."""

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

    def on_event(self, event: dict[str, Any]) -> None:
        """Start pipelines that look for CodeCommit changes by themselves."""
        detail = event["detail"]
        if event["source"] != "aws.codecommit" or detail.get("event") not in {
            "referenceCreated",
            "referenceUpdated",
        }:
            return
        account, region = event["account"], event["region"]
        for pipeline in self.pipelines_of(account, region):
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
            for pipeline in self.pipelines_of(account, region):
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
