"""On every approval of a model: deploy it to dev, to staging, test it, ask, deploy it to prod.

The pipeline deploys the templates that the repository commits (`infra/templates/`), with the model
package that its first step chooses (`infra/release.buildspec.yml`), and calls the endpoint of
staging (`infra/smoke.buildspec.yml`).
"""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from constructs import Construct

from catalog.products import deployment_roles, names
from catalog.products.artifacts import Artifacts
from catalog.products.build_environment import environment, log_group, write_to
from catalog.products.build_pipeline import SOURCE_ARTIFACT, source_action
from catalog.products.deployment_targets import ENVIRONMENTS, OTHERS, STAGING, DeploymentTargets
from catalog.products.repository import Repository
from catalog.products.roles import (
    PermissionsBoundary,
    ProjectRole,
    Statement,
    own_account,
    use_key,
    write_logs,
)

NEWEST = "newest-approved"
BUILD_MINUTES = 30


class DeployPipeline(Construct):
    """CodePipeline V2, the rule that starts it, and its roles; none of it without `DEPLOYS`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        repository: Repository,
        artifacts: Artifacts,
        targets: DeploymentTargets,
        boundary: PermissionsBoundary,
        after: cdk.CfnResource,
    ) -> None:
        """Declare the pipeline.

        Args:
            scope: parent construct.
            id_: construct id.
            repository: where the templates come from.
            artifacts: where models and artifacts are.
            targets: where the environments lie.
            boundary: the project's permissions boundary.
            after: what must exist first: the seeded repository.
        """
        super().__init__(scope, id_)
        self._artifacts = artifacts
        self._targets = targets
        self._boundary = boundary
        self.endpoint_role = self._endpoint_role()
        self.stacks_role = self._stacks_role()
        release, smoke = self._release(), self._smoke()
        role = self._pipeline_role(repository)
        self.pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=cdk.Fn.sub(names.DEPLOY_PIPELINE),
            pipeline_type="V2",
            # A newer approval takes the place of one that waits.
            execution_mode="SUPERSEDED",
            role_arn=role.arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=artifacts.bucket.ref,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                    type="KMS", id=artifacts.key.attr_arn
                ),
            ),
            variables=[
                codepipeline.CfnPipeline.VariableDeclarationProperty(
                    name="ModelPackage",
                    default_value=NEWEST,
                    description=f"{NEWEST}, or the number of an approved version (to go back)",
                )
            ],
            stages=[
                {"name": "Source", "actions": [source_action(repository, starts=False)]},
                {"name": "Release", "actions": [_release_action(release)]},
                {"name": "Dev", "actions": [self._deploy_action("dev")]},
                {
                    "name": "Staging",
                    "actions": [self._deploy_action("staging"), _smoke_action(smoke)],
                },
                {"name": "Approval", "actions": [_approval()]},
                {"name": "Prod", "actions": [self._deploy_action("prod")]},
            ],
        )
        self.pipeline.override_logical_id("DeployPipeline")
        for needed in (after, artifacts.policy):
            self.pipeline.add_resource_dependency(needed)
        self._start_on_approval()
        for child in self.node.find_all():
            if isinstance(child, cdk.CfnResource):
                child.cfn_options.condition = targets.condition

    def _role(
        self, id_: str, *, name: str, description: str, service: str, statements: list[Statement]
    ) -> ProjectRole:
        return ProjectRole(
            self,
            id_,
            name=name,
            description=description,
            service=service,
            trust_condition=own_account(),
            boundary=self._boundary,
            statements=statements,
        )

    def _endpoint_role(self) -> ProjectRole:
        return self._role(
            "EndpointRole",
            name=names.ENDPOINT_ROLE,
            description="Runs the deployed models",
            service="sagemaker.amazonaws.com",
            statements=deployment_roles.serve_models(
                key_arn=self._artifacts.key.attr_arn,
                models=names.bucket_arn("models/*"),
                captured=names.bucket_arn("capture/*"),
            ),
        )

    def _stacks_role(self) -> ProjectRole:
        group = names.MODEL_PACKAGE_GROUP
        return self._role(
            "StacksRole",
            name=names.STACKS_ROLE,
            description="Makes and updates the endpoints, for CloudFormation",
            service="cloudformation.amazonaws.com",
            statements=deployment_roles.make_endpoints(
                key_arn=self._artifacts.key.attr_arn,
                endpoint_role=self.endpoint_role.arn,
                model_packages=names.regional_arn("sagemaker", f"model-package/{group}/*"),
            ),
        )

    def _release(self) -> codebuild.CfnProject:
        group = names.MODEL_PACKAGE_GROUP
        role = self._role(
            "ReleaseRole",
            name=names.RELEASE_ROLE,
            description="Chooses the model package to deploy",
            service="codebuild.amazonaws.com",
            statements=[
                write_logs(names.RELEASE_LOGS),
                *self._read_source(),
                Statement(
                    sid="FindModels",
                    actions=["sagemaker:ListModelPackages"],
                    resources=[names.regional_arn("sagemaker", f"model-package-group/{group}")],
                ),
                Statement(
                    sid="StopWithoutModel",
                    actions=["codepipeline:StopPipelineExecution"],
                    resources=[names.regional_arn("codepipeline", names.DEPLOY_PIPELINE)],
                ),
            ],
        )
        return self._build(
            "ReleaseBuild",
            name=names.RELEASE_BUILD,
            logs=log_group(self, "ReleaseLogs", name=names.RELEASE_LOGS),
            description="Chooses the model package that is deployed",
            role=role,
            buildspec="infra/release.buildspec.yml",
            variables={
                "MODEL_PACKAGE_GROUP": cdk.Fn.sub(group),
                "DEPLOY_PIPELINE": cdk.Fn.sub(names.DEPLOY_PIPELINE),
            },
        )

    def _smoke(self) -> codebuild.CfnProject:
        role = self._role(
            "SmokeRole",
            name=names.SMOKE_ROLE,
            description="Calls the endpoint of staging",
            service="codebuild.amazonaws.com",
            statements=[
                write_logs(names.SMOKE_LOGS),
                *self._read_source(),
                deployment_roles.call_endpoint("staging"),
                Statement(
                    sid="CallElsewhere",
                    actions=["sts:AssumeRole"],
                    resources=[STAGING.role(names.TESTER_ROLE)],
                    only_if=STAGING.condition,
                ),
            ],
        )
        return self._build(
            "SmokeBuild",
            name=names.SMOKE_BUILD,
            logs=log_group(self, "SmokeLogs", name=names.SMOKE_LOGS),
            description="Calls the endpoint of staging and checks its answers",
            role=role,
            buildspec="infra/smoke.buildspec.yml",
            variables={"ENDPOINT_NAME": cdk.Fn.sub(names.endpoint("staging"))},
        )

    def _read_source(self) -> list[Statement]:
        return [
            Statement(
                sid="ReadSource",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[names.bucket_arn(names.PIPELINE_ARTIFACTS)],
                wildcards="CodePipeline cuts its name to 20 characters and makes up the rest.",
            ),
            use_key(self._artifacts.key.attr_arn),
        ]

    def _build(
        self,
        id_: str,
        *,
        name: str,
        logs: Any,
        description: str,
        role: ProjectRole,
        buildspec: str,
        variables: dict[str, str],
    ) -> codebuild.CfnProject:
        build = codebuild.CfnProject(
            self,
            id_,
            name=cdk.Fn.sub(name),
            description=description,
            service_role=role.arn,
            encryption_key=self._artifacts.key.attr_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=buildspec),
            environment=environment(compute_type="BUILD_GENERAL1_SMALL", variables=variables),
            logs_config=write_to(logs),
            timeout_in_minutes=BUILD_MINUTES,
        )
        build.override_logical_id(id_)
        return build

    def _pipeline_role(self, repository: Repository) -> ProjectRole:
        builds = [names.RELEASE_BUILD, names.SMOKE_BUILD]
        return self._role(
            "DeployPipelineRole",
            name=names.DEPLOY_PIPELINE_ROLE,
            description="Runs the steps of the deployment pipeline",
            service="codepipeline.amazonaws.com",
            statements=[
                *deployment_roles.run_stacks(
                    bucket_objects=names.bucket_arn(names.PIPELINE_ARTIFACTS),
                    stacks_role=self.stacks_role.arn,
                    environments=ENVIRONMENTS,
                ),
                Statement(
                    sid="KeepArtifacts",
                    actions=["s3:PutObject"],
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
                    sid="RunBuilds",
                    actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
                    resources=[
                        names.regional_arn("codebuild", f"project/{build}") for build in builds
                    ],
                ),
                *(
                    Statement(
                        sid=f"Deploy{other.environment.title()}Elsewhere",
                        actions=["sts:AssumeRole"],
                        resources=[other.role(names.DEPLOYER_ROLE)],
                        only_if=other.condition,
                    )
                    for other in OTHERS.values()
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

    def _deploy_action(self, target: str) -> dict[str, Any]:
        other = OTHERS.get(target)

        def role(name: str, own: str) -> str:
            if other is None:
                return own
            chosen = cdk.Fn.condition_if(other.condition, other.role(name), own)
            return str(chosen.to_string())

        stacks = role(names.STACKS_ROLE, self.stacks_role.arn)
        endpoint = role(names.ENDPOINT_ROLE, self.endpoint_role.arn)
        parameters = {
            "EndpointName": names.endpoint(target),
            "ModelPackageArn": "#{Release.MODEL_PACKAGE_ARN}",
            "ModelPackageVersion": "#{Release.MODEL_PACKAGE_VERSION}",
            "ExecutionRoleArn": "${EndpointRoleArn}",
            "KmsKeyArn": "${ArtifactsKey.Arn}",
            "ArtifactsBucket": names.ARTIFACTS_BUCKET,
        }
        action: dict[str, Any] = {
            "name": "Deploy",
            "actionTypeId": _kind("Deploy", "CloudFormation"),
            "runOrder": 1,
            "configuration": {
                # A stack that never came up is replaced; nobody depends on it. In prod a person
                # decides: the same mode would delete an endpoint whose rollback failed.
                "ActionMode": "CREATE_UPDATE" if target == "prod" else "REPLACE_ON_FAILURE",
                "StackName": cdk.Fn.sub(names.endpoint(target)),
                "TemplatePath": f"{SOURCE_ARTIFACT}::infra/templates/{target}.json",
                "RoleArn": stacks,
                "ParameterOverrides": cdk.Fn.sub(
                    json.dumps(parameters, separators=(",", ":")), {"EndpointRoleArn": endpoint}
                ),
            },
            "inputArtifacts": [{"name": SOURCE_ARTIFACT}],
        }
        if other:
            action["roleArn"] = cdk.Fn.condition_if(
                other.condition, other.role(names.DEPLOYER_ROLE), cdk.Aws.NO_VALUE
            ).to_string()
        return action

    def _start_on_approval(self) -> None:
        role = self._role(
            "ApprovedRole",
            name=names.APPROVED_ROLE,
            description="Starts the deployment pipeline when a model is approved",
            service="events.amazonaws.com",
            statements=[
                Statement(
                    sid="StartPipeline",
                    actions=["codepipeline:StartPipelineExecution"],
                    resources=[names.regional_arn("codepipeline", names.DEPLOY_PIPELINE)],
                )
            ],
        )
        rule = events.CfnRule(
            self,
            "ApprovedRule",
            name=cdk.Fn.sub(names.APPROVED_RULE),
            description="An approved model starts the deployment pipeline",
            # docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [cdk.Fn.sub(names.MODEL_PACKAGE_GROUP)],
                    "ModelApprovalStatus": ["Approved"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="DeployPipeline",
                    arn=cdk.Fn.sub(names.regional_arn("codepipeline", names.DEPLOY_PIPELINE)),
                    role_arn=role.arn,
                )
            ],
        )
        rule.override_logical_id("ApprovalStartsDeployment")
        rule.add_resource_dependency(self.pipeline)


def _kind(category: str, provider: str) -> dict[str, str]:
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def _release_action(build: codebuild.CfnProject) -> dict[str, Any]:
    variables = {
        "MODEL_PACKAGE": "#{variables.ModelPackage}",
        "PIPELINE_EXECUTION_ID": "#{codepipeline.PipelineExecutionId}",
    }
    return {
        "name": "Choose",
        "namespace": "Release",
        "actionTypeId": _kind("Build", "CodeBuild"),
        "configuration": {
            "ProjectName": build.ref,
            "EnvironmentVariables": json.dumps(
                [{"name": name, "value": value} for name, value in variables.items()]
            ),
        },
        "inputArtifacts": [{"name": SOURCE_ARTIFACT}],
    }


def _smoke_action(build: codebuild.CfnProject) -> dict[str, Any]:
    tester = '[{"name":"TESTER_ROLE_ARN","value":"${Tester}"}]'
    return {
        "name": "Test",
        "actionTypeId": _kind("Test", "CodeBuild"),
        "runOrder": 2,
        "configuration": {
            "ProjectName": build.ref,
            "EnvironmentVariables": cdk.Fn.condition_if(
                STAGING.condition,
                cdk.Fn.sub(tester, {"Tester": STAGING.role(names.TESTER_ROLE)}),
                cdk.Aws.NO_VALUE,
            ),
        },
        "inputArtifacts": [{"name": SOURCE_ARTIFACT}],
    }


def _approval() -> dict[str, Any]:
    return {
        "name": "ApproveProd",
        "actionTypeId": _kind("Approval", "Manual"),
        "configuration": {
            "CustomData": "Version #{Release.MODEL_PACKAGE_VERSION} runs in staging and has passed"
            " its test. Deploy it to prod?"
        },
    }
