"""The action types that can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from catalog.localaws.codepipeline.actions import (
    approval,
    build,
    cloudformation,
    deploy_s3,
    invoke,
    sources,
)
from catalog.localaws.codepipeline.actions.base import ActionContext, Outcome

PROVIDERS: Mapping[tuple[str, str], Callable[[ActionContext], Outcome]] = {
    ("Source", "CodeCommit"): sources.codecommit,
    ("Source", "CodeStarSourceConnection"): sources.connection,
    ("Source", "S3"): sources.s3,
    ("Build", "CodeBuild"): build.codebuild,
    ("Test", "CodeBuild"): build.codebuild,
    ("Approval", "Manual"): approval.manual,
    ("Deploy", "CloudFormation"): cloudformation.cloudformation,
    ("Deploy", "S3"): deploy_s3.s3,
    ("Invoke", "Lambda"): invoke.invoke_lambda,
}
