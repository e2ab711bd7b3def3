"""On every push to main: run the repository's buildspec, which tests and upserts its pipeline."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from constructs import Construct

from catalog.products import names
from catalog.products.artifacts import Artifacts
from catalog.products.build_environment import environment, log_group, write_to
from catalog.products.repository import BRANCH, USES_CODECOMMIT, Repository
from catalog.products.roles import (
    PermissionsBoundary,
    ProjectRole,
    Statement,
    own_account,
    use_key,
    write_logs,
)

SOURCE_ARTIFACT = "Source"
BUILD_MINUTES = 60


class BuildPipeline(Construct):
    """CodePipeline V2: source, then one build that runs the repository's `buildspec.yml`.

    The build sees `SAGEMAKER_PROJECT_NAME`, `SAGEMAKER_PROJECT_ID`, `PIPELINE_NAME`,
    `PIPELINE_ROLE_ARN`, `ARTIFACTS_BUCKET`, `ARTIFACTS_KMS_KEY_ARN` and `MODEL_PACKAGE_GROUP`;
    CodeBuild itself sets `AWS_REGION`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository: Repository,
        artifacts: Artifacts,
        execution_role: ProjectRole,
        boundary: PermissionsBoundary,
        after: cdk.CfnResource,
    ) -> None:
        """Declare the pipeline.

        Args:
            scope: parent construct.
            id_: construct id.
            repository: what is built.
            artifacts: where code and artifacts go.
            execution_role: the role that the SageMaker pipeline runs as.
            boundary: the project's permissions boundary.
            after: what must exist first: a pipeline starts as soon as it is created, so the
                repository has to be seeded by then.
        """
        super().__init__(scope, id_)
        self._artifacts = artifacts
        build = self._build(execution_role, boundary)
        role = self._pipeline_role(repository, boundary)
        self.pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=cdk.Fn.sub(names.BUILD_PIPELINE),
            pipeline_type="V2",
            execution_mode="QUEUED",
            role_arn=role.arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=artifacts.bucket.ref,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                    type="KMS", id=artifacts.key.attr_arn
                ),
            ),
            stages=[
                {"name": "Source", "actions": [source_action(repository, starts=True)]},
                {"name": "Build", "actions": [_run(build)]},
            ],
        )
        self.pipeline.override_logical_id("BuildPipeline")
        for needed in (after, artifacts.policy):
            self.pipeline.add_resource_dependency(needed)
        self._start_on_push(repository, boundary)

    def _build(
        self, execution_role: ProjectRole, boundary: PermissionsBoundary
    ) -> codebuild.CfnProject:
        pipeline = names.regional_arn("sagemaker", f"pipeline/{names.SAGEMAKER_PIPELINE}")
        role = ProjectRole(
            self,
            "BuildRole",
            name=names.BUILD_ROLE,
            description="Tests the repository and upserts its SageMaker pipeline",
            service="codebuild.amazonaws.com",
            trust_condition=own_account(),
            boundary=boundary,
            statements=[
                write_logs(names.BUILD_LOGS),
                Statement(
                    sid="ReadSource",
                    actions=["s3:GetObject", "s3:GetObjectVersion"],
                    resources=[names.bucket_arn(names.PIPELINE_ARTIFACTS)],
                    wildcards="CodePipeline cuts its name to 20 characters and makes up the rest.",
                ),
                Statement(
                    sid="UploadCodeAndData",
                    actions=["s3:GetObject", "s3:PutObject"],
                    resources=[names.bucket_arn("code/*"), names.bucket_arn("data/*")],
                    wildcards="Code archives are named by their content hash, data by the"
                    " repository.",
                ),
                Statement(
                    sid="SeeWhatIsUploaded",
                    actions=["s3:ListBucket"],
                    resources=[names.bucket_arn()],
                    condition={"StringLike": {"s3:prefix": ["code/*", "data/*"]}},
                ),
                use_key(self._artifacts.key.attr_arn),
                Statement(
                    sid="UpsertPipeline",
                    actions=[
                        "sagemaker:AddTags",
                        "sagemaker:CreatePipeline",
                        "sagemaker:DescribePipeline",
                        "sagemaker:ListTags",
                        "sagemaker:UpdatePipeline",
                    ],
                    resources=[pipeline],
                ),
                Statement(
                    sid="FindPipeline",
                    actions=["sagemaker:ListPipelines"],
                    resources=["*"],
                    wildcards="ListPipelines takes no resource; it shows names only.",
                ),
                Statement(
                    sid="PassExecutionRole",
                    actions=["iam:PassRole"],
                    resources=[execution_role.arn],
                    condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                ),
            ],
        )
        logs = log_group(self, "BuildLogs", name=names.BUILD_LOGS)
        build = codebuild.CfnProject(
            self,
            "Build",
            name=cdk.Fn.sub(names.BUILD),
            description=cdk.Fn.sub("Tests ${SageMakerProjectName} and upserts its pipeline"),
            service_role=role.arn,
            encryption_key=self._artifacts.key.attr_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE"),
            environment=environment(
                compute_type="BUILD_GENERAL1_MEDIUM",
                variables={
                    "SAGEMAKER_PROJECT_NAME": cdk.Fn.ref("SageMakerProjectName"),
                    "SAGEMAKER_PROJECT_ID": cdk.Fn.ref("SageMakerProjectId"),
                    "PIPELINE_NAME": cdk.Fn.sub(names.SAGEMAKER_PIPELINE),
                    "PIPELINE_ROLE_ARN": execution_role.arn,
                    "ARTIFACTS_BUCKET": self._artifacts.bucket.ref,
                    "ARTIFACTS_KMS_KEY_ARN": self._artifacts.key.attr_arn,
                    "MODEL_PACKAGE_GROUP": cdk.Fn.sub(names.MODEL_PACKAGE_GROUP),
                },
            ),
            logs_config=write_to(logs),
            timeout_in_minutes=BUILD_MINUTES,
        )
        build.override_logical_id("Build")
        return build

    def _pipeline_role(self, repository: Repository, boundary: PermissionsBoundary) -> ProjectRole:
        return ProjectRole(
            self,
            "BuildPipelineRole",
            name=names.BUILD_PIPELINE_ROLE,
            description="Fetches the source and starts the build",
            service="codepipeline.amazonaws.com",
            trust_condition=own_account(),
            boundary=boundary,
            statements=[
                Statement(
                    sid="KeepArtifacts",
                    actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                    resources=[names.bucket_arn(names.PIPELINE_ARTIFACTS)],
                    wildcards="CodePipeline cuts its name to 20 characters and makes up the rest.",
                ),
                Statement(
                    sid="FindBucket",
                    actions=["s3:GetBucketLocation", "s3:GetBucketVersioning"],
                    resources=[names.bucket_arn()],
                ),
                use_key(self._artifacts.key.attr_arn),
                Statement(
                    sid="RunBuild",
                    actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
                    resources=[names.regional_arn("codebuild", f"project/{names.BUILD}")],
                ),
                *repository.allow(
                    codecommit_actions=[
                        "codecommit:CancelUploadArchive",
                        "codecommit:GetBranch",
                        "codecommit:GetCommit",
                        "codecommit:GetRepository",
                        "codecommit:GetUploadArchiveStatus",
                        "codecommit:UploadArchive",
                    ]
                ),
            ],
        )

    def _start_on_push(self, repository: Repository, boundary: PermissionsBoundary) -> None:
        # Connections start the pipeline themselves (DetectChanges); CodeCommit needs a rule.
        arn = cdk.Fn.sub(names.regional_arn("codepipeline", names.BUILD_PIPELINE))
        role = ProjectRole(
            self,
            "PushRole",
            name=names.PUSH_ROLE,
            description="Starts the build pipeline on a push",
            service="events.amazonaws.com",
            trust_condition=own_account(),
            boundary=boundary,
            statements=[
                Statement(
                    sid="StartPipeline",
                    actions=["codepipeline:StartPipelineExecution"],
                    resources=[names.regional_arn("codepipeline", names.BUILD_PIPELINE)],
                )
            ],
        )
        rule = events.CfnRule(
            self,
            "PushRule",
            name=cdk.Fn.sub(names.PUSH_RULE),
            description=f"A push to {BRANCH} starts the build pipeline",
            event_pattern={
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Repository State Change"],
                "resources": [repository.arn],
                "detail": {
                    "event": ["referenceCreated", "referenceUpdated"],
                    "referenceType": ["branch"],
                    "referenceName": [BRANCH],
                },
            },
            targets=[events.CfnRule.TargetProperty(id="BuildPipeline", arn=arn, role_arn=role.arn)],
        )
        rule.override_logical_id("PushStartsBuild")
        rule.cfn_options.condition = repository.codecommit.cfn_options.condition
        role.role.cfn_options.condition = repository.codecommit.cfn_options.condition
        rule.add_resource_dependency(self.pipeline)


def source_action(repository: Repository, *, starts: bool) -> Any:
    """Return the action that fetches the repository.

    Args:
        repository: CodeCommit or behind a connection.
        starts: whether a push starts the pipeline, where the connection sees to that.
    """
    return cdk.Fn.condition_if(
        USES_CODECOMMIT, _codecommit(repository), _connection(repository, starts=starts)
    )


def _codecommit(repository: Repository) -> dict[str, Any]:
    return {
        "Name": "Source",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeCommit",
            "Version": "1",
        },
        "Configuration": {
            "RepositoryName": repository.codecommit.attr_name,
            "BranchName": BRANCH,
            "PollForSourceChanges": False,
        },
        "OutputArtifacts": [{"Name": SOURCE_ARTIFACT}],
    }


def _connection(repository: Repository, *, starts: bool) -> dict[str, Any]:
    return {
        "Name": "Source",
        "ActionTypeId": {
            "Category": "Source",
            "Owner": "AWS",
            "Provider": "CodeStarSourceConnection",
            "Version": "1",
        },
        "Configuration": {
            "ConnectionArn": repository.values.connection_arn,
            "FullRepositoryId": repository.values.repository_id,
            "BranchName": BRANCH,
            "DetectChanges": starts,
        },
        "OutputArtifacts": [{"Name": SOURCE_ARTIFACT}],
    }


def _run(build: codebuild.CfnProject) -> dict[str, Any]:
    return {
        "name": "Build",
        "actionTypeId": {
            "category": "Build",
            "owner": "AWS",
            "provider": "CodeBuild",
            "version": "1",
        },
        "configuration": {"ProjectName": build.ref},
        "inputArtifacts": [{"name": SOURCE_ARTIFACT}],
    }
