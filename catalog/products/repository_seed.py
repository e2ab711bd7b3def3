"""Seeding: a custom resource that fills the new repository, once, when the project is created.

CloudFormation cannot start a build by itself. It invokes a Lambda function for
`Custom::RepositorySeed`; the function starts the seeding build and leaves. When the build ends in
any way (EventBridge reports every end, also of a build that never left the queue) the same
function answers CloudFormation with the build's own words.
"""

from __future__ import annotations

import re
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from catalog.products import names
from catalog.products.artifacts import Artifacts
from catalog.products.build_environment import PYTHON, environment, log_group, write_to
from catalog.products.context import ProductContext
from catalog.products.release import ReleaseValues
from catalog.products.repository import Repository
from catalog.products.roles import (
    PermissionsBoundary,
    ProjectRole,
    Statement,
    own_account,
    use_key,
    write_logs,
)

INLINE_LIMIT = 4096
"""Characters of `Code.ZipFile` (AWS::Lambda::Function Code)."""

QUEUE_MINUTES = 10
BUILD_MINUTES = 15
ANSWER_SECONDS = 60 * (QUEUE_MINUTES + BUILD_MINUTES) + 300
"""When CloudFormation stops waiting: after the longest build, with room for the answer."""

ENDED = ("SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT")
RUNTIME = "python3.14"


def function_source() -> str:
    """Return the seeding function as it travels inline.

    Raises:
        ValueError: when it is longer than CloudFormation takes inline.
    """
    path = Path(__file__).parent / "functions" / "repository_seed.py"
    # Comments are for readers of the repository: inline code is short of room.
    text = re.sub(r"^ *#.*\n|  # noqa.*$", "", path.read_text("utf-8"), flags=re.MULTILINE)
    if len(text) > INLINE_LIMIT:
        raise ValueError(
            f"{path.name} has {len(text)} characters; inline code takes {INLINE_LIMIT}"
        )
    return text


def seed_buildspec() -> str:
    """Return the seeding build's buildspec."""
    return (
        "version: 0.2\n"
        "phases:\n"
        "  install:\n"
        "    runtime-versions:\n"
        f'      python: "{PYTHON}"\n'
        "  build:\n"
        "    commands:\n"
        "      - python3 -m seeding\n"
    )


class RepositorySeed(Construct):
    """The seeding build, the function that starts it and answers, and the custom resource."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: ProductContext,
        repository: Repository,
        artifacts: Artifacts,
        release: ReleaseValues,
        boundary: PermissionsBoundary,
    ) -> None:
        super().__init__(scope, id_)
        self._artifacts = artifacts
        build_role = self._build_role(context, repository, release, boundary)
        build = self._build(context, repository, release, build_role)
        function = self._function(build, boundary)
        rule, permission = self._rule(build, function)

        self.resource = cdk.CfnResource(
            self,
            "Resource",
            type="Custom::RepositorySeed",
            properties={
                "ServiceToken": function.attr_arn,
                "ServiceTimeout": ANSWER_SECONDS,
                "Answers": {
                    "project_name": cdk.Fn.ref("SageMakerProjectName"),
                    **{
                        str(parameter.question): cdk.Fn.ref(parameter.name)
                        for parameter in context.answers()
                    },
                },
            },
        )
        self.resource.override_logical_id("RepositorySeed")
        for needed in (rule, permission, build, artifacts.policy):
            self.resource.add_resource_dependency(needed)

    def _build_role(
        self,
        context: ProductContext,
        repository: Repository,
        release: ReleaseValues,
        boundary: PermissionsBoundary,
    ) -> ProjectRole:
        assets = f"arn:${{AWS::Partition}}:s3:::{release.assets_bucket_text}"
        return ProjectRole(
            self,
            "SeedBuildRole",
            name=names.SEED_BUILD_ROLE,
            description="Renders the template and pushes it to the new repository",
            service="codebuild.amazonaws.com",
            trust_condition=own_account(),
            boundary=boundary,
            statements=[
                write_logs(names.SEED_BUILD_LOGS),
                Statement(
                    sid="ReadSeed",
                    actions=["s3:GetObject", "s3:GetObjectVersion"],
                    resources=[f"{assets}/{context.seed_key}"],
                    variables=release.variables,
                ),
                Statement(
                    sid="ReadWheels",
                    actions=["s3:GetObject"],
                    resources=[f"{assets}/{release.wheels_prefix_text}/*"],
                    variables=release.variables,
                    wildcards="Which wheel set fits is known once the build image's Python runs;"
                    " the sets are public packages, pinned by hash.",
                ),
                Statement(
                    sid="FindAssets",
                    actions=["s3:GetBucketLocation"],
                    resources=[assets],
                    variables=release.variables,
                ),
                Statement(
                    sid="ReadAnswers",
                    actions=["s3:GetObject"],
                    resources=[names.bucket_arn("seeding/*/answers.json")],
                    wildcards="CloudFormation chooses the request id; only the answers can be"
                    " read, never the response URL beside them.",
                ),
                Statement(
                    sid="WriteReason",
                    actions=["s3:PutObject"],
                    resources=[names.bucket_arn("seeding/*/reason.txt")],
                    wildcards="CloudFormation chooses the request id.",
                ),
                use_key(self._artifacts.key.attr_arn),
                *repository.allow(codecommit_actions=["codecommit:GitPull", "codecommit:GitPush"]),
            ],
        )

    def _build(
        self,
        context: ProductContext,
        repository: Repository,
        release: ReleaseValues,
        role: ProjectRole,
    ) -> codebuild.CfnProject:
        logs = log_group(self, "SeedBuildLogs", name=names.SEED_BUILD_LOGS)
        build = codebuild.CfnProject(
            self,
            "Build",
            name=cdk.Fn.sub(names.SEED_BUILD),
            description=cdk.Fn.sub("Fills the repository of ${SageMakerProjectName}, once"),
            service_role=role.arn,
            encryption_key=self._artifacts.key.attr_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            source=codebuild.CfnProject.SourceProperty(
                type="S3",
                location=release.sub(f"{release.assets_bucket_text}/{context.seed_key}"),
                build_spec=seed_buildspec(),
            ),
            environment=environment(
                compute_type="BUILD_GENERAL1_SMALL",
                variables={
                    "SEED_TEMPLATE": context.template,
                    "SEED_RELEASE_TAG": release.tag,
                    "SEED_CATALOG_URL": release.catalog_url,
                    "SEED_ASSETS_BUCKET": release.sub(release.assets_bucket_text),
                    "SEED_WHEELS_PREFIX": release.wheels_prefix,
                    "SEED_PROJECT_BUCKET": self._artifacts.bucket.ref,
                    "SEED_REPOSITORY_PROVIDER": repository.values.provider,
                    "SEED_REPOSITORY": repository.values.name,
                    "SEED_CONNECTION_ARN": repository.values.connection_arn,
                    "SEED_CODECOMMIT_URL": repository.either(
                        repository.codecommit.attr_clone_url_http, ""
                    ),
                },
            ),
            logs_config=write_to(logs),
            queued_timeout_in_minutes=QUEUE_MINUTES,
            timeout_in_minutes=BUILD_MINUTES,
        )
        build.override_logical_id("SeedBuild")
        return build

    def _function(
        self, build: codebuild.CfnProject, boundary: PermissionsBoundary
    ) -> lambda_.CfnFunction:
        role = ProjectRole(
            self,
            "SeedFunctionRole",
            name=names.SEED_FUNCTION_ROLE,
            description="Starts the seeding build and answers CloudFormation",
            service="lambda.amazonaws.com",
            boundary=boundary,
            statements=[
                write_logs(names.SEED_FUNCTION_LOGS),
                Statement(
                    sid="RunSeedBuild",
                    actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
                    resources=[names.regional_arn("codebuild", f"project/{names.SEED_BUILD}")],
                ),
                Statement(
                    sid="KeepRequests",
                    actions=[
                        "s3:DeleteObject",
                        "s3:DeleteObjectVersion",
                        "s3:GetObject",
                        "s3:PutObject",
                    ],
                    resources=[names.bucket_arn("seeding/*")],
                    wildcards="CloudFormation chooses the request id; nothing else is kept under"
                    " this prefix.",
                ),
                Statement(
                    sid="ListRequests",
                    actions=["s3:ListBucket", "s3:ListBucketVersions"],
                    resources=[names.bucket_arn()],
                    condition={"StringLike": {"s3:prefix": "seeding/*"}},
                ),
                use_key(self._artifacts.key.attr_arn),
            ],
        )
        logs = log_group(self, "SeedFunctionLogs", name=names.SEED_FUNCTION_LOGS)
        function = lambda_.CfnFunction(
            self,
            "Function",
            function_name=cdk.Fn.sub(names.SEED_FUNCTION),
            description=cdk.Fn.sub("Seeds the repository of ${SageMakerProjectName}, once"),
            runtime=RUNTIME,
            handler="index.handler",
            code=lambda_.CfnFunction.CodeProperty(zip_file=function_source()),
            role=role.arn,
            timeout=120,
            memory_size=256,
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=logs.ref),
            environment=lambda_.CfnFunction.EnvironmentProperty(
                variables={"PROJECT": build.ref, "BUCKET": self._artifacts.bucket.ref}
            ),
        )
        function.override_logical_id("SeedFunction")
        return function

    def _rule(
        self, build: codebuild.CfnProject, function: lambda_.CfnFunction
    ) -> tuple[events.CfnRule, lambda_.CfnPermission]:
        rule = events.CfnRule(
            self,
            "Rule",
            name=cdk.Fn.sub(names.SEED_RULE),
            description="Every end of the seeding build",
            event_pattern={
                "source": ["aws.codebuild"],
                "detail-type": ["CodeBuild Build State Change"],
                "detail": {"build-status": list(ENDED), "project-name": [build.ref]},
            },
            targets=[events.CfnRule.TargetProperty(id="SeedFunction", arn=function.attr_arn)],
        )
        rule.override_logical_id("SeedEnded")
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.ref,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        permission.override_logical_id("SeedEndedMayInvoke")
        return rule, permission
