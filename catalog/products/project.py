"""A whole project: repository, seeding, build pipeline, artifacts, model registry, roles."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from catalog.products import names
from catalog.products.artifacts import Artifacts
from catalog.products.build_pipeline import BuildPipeline
from catalog.products.context import ProductContext
from catalog.products.deploy_pipeline import DeployPipeline
from catalog.products.deployment_targets import DeploymentTargets
from catalog.products.registry import ModelRegistry
from catalog.products.release import ReleaseValues
from catalog.products.repository import Repository
from catalog.products.repository_seed import RepositorySeed
from catalog.products.roles import PermissionsBoundary
from catalog.products.sagemaker_pipeline import execution_role


class Project(Construct):
    """What a `product.py` needs for a project with one repository and one SageMaker pipeline."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: ProductContext,
        deploys: str | None = None,
    ) -> None:
        """Declare the project.

        Args:
            scope: the product's stack.
            id_: construct id.
            context: what the product is given.
            deploys: the question whether approved models are deployed, as a parameter name;
                None for a template that deploys nothing.
        """
        super().__init__(scope, id_)
        release = ReleaseValues(self, "Release")
        self.repository = Repository(self, "Repository", form=context.form)
        targets = (
            DeploymentTargets(self, "Targets", form=context.form, deploys=deploys)
            if deploys
            else None
        )
        boundary = PermissionsBoundary(self, "Boundary", form=context.form)
        self.artifacts = Artifacts(
            self,
            "Artifacts",
            key_statements=targets.key_statements() if targets else (),
            bucket_statements=targets.bucket_statements() if targets else (),
        )
        self.registry = ModelRegistry(
            self, "Registry", policy=targets.registry_policy() if targets else None
        )
        self.execution_role = execution_role(self, artifacts=self.artifacts, boundary=boundary)
        self.seed = RepositorySeed(
            self,
            "Seed",
            context=context,
            repository=self.repository,
            artifacts=self.artifacts,
            release=release,
            boundary=boundary,
        )
        self.build_pipeline = BuildPipeline(
            self,
            "BuildPipeline",
            repository=self.repository,
            artifacts=self.artifacts,
            execution_role=self.execution_role,
            boundary=boundary,
            after=self.seed.resource,
        )
        if targets:
            DeployPipeline(
                self,
                "DeployPipeline",
                repository=self.repository,
                artifacts=self.artifacts,
                targets=targets,
                boundary=boundary,
                after=self.seed.resource,
            )
        for key, parameter in (
            ("sagemaker:project-name", "SageMakerProjectName"),
            ("sagemaker:project-id", "SageMakerProjectId"),
        ):
            cdk.Tags.of(self).add(key, cdk.Fn.ref(parameter))
        self._outputs()

    def _outputs(self) -> None:
        outputs = {
            "RepositoryName": ("Where the project's code lives", self.repository.values.name),
            "RepositoryCloneUrl": (
                "git clone this (CodeCommit); for GitHub and GitLab clone the repository itself",
                self.repository.either(
                    self.repository.codecommit.attr_clone_url_http,
                    self.repository.values.repository_id,
                ),
            ),
            "BuildPipeline": (
                "CodePipeline that runs on every push to main",
                self.build_pipeline.pipeline.ref,
            ),
            "SageMakerPipeline": (
                "SageMaker pipeline that the build upserts",
                cdk.Fn.sub(names.SAGEMAKER_PIPELINE),
            ),
            "ArtifactsBucket": ("Data, code and models", self.artifacts.bucket.ref),
            "ModelPackageGroup": (
                "Where the pipeline registers models",
                cdk.Fn.sub(names.MODEL_PACKAGE_GROUP),
            ),
            "ExecutionRoleArn": ("Role of the pipeline and its jobs", self.execution_role.arn),
        }
        for name, (description, value) in outputs.items():
            output = cdk.CfnOutput(self, f"Output{name}", description=description, value=value)
            output.override_logical_id(name)
