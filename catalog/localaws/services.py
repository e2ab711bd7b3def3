"""The emulated services, one line each; what they do not define is moto's."""

from __future__ import annotations

from catalog.localaws.awslambda.service import Lambda
from catalog.localaws.cloudformation.service import CloudFormation
from catalog.localaws.codebuild.service import CodeBuild
from catalog.localaws.codecommit.service import CodeCommit
from catalog.localaws.codeconnections.service import CodeConnections, CodeStarConnections
from catalog.localaws.codepipeline.service import CodePipeline
from catalog.localaws.core.service import Service
from catalog.localaws.events.service import Events
from catalog.localaws.iam.service import Iam
from catalog.localaws.organizations.service import Organizations
from catalog.localaws.sagemaker_projects.service import SageMaker
from catalog.localaws.servicecatalog.service import ServiceCatalog
from catalog.localaws.sts.service import Sts

SERVICES: tuple[type[Service], ...] = (
    Organizations,
    Iam,
    Sts,
    CodeBuild,
    CodeCommit,
    CodeConnections,
    CodeStarConnections,
    CodePipeline,
    SageMaker,
    ServiceCatalog,
    CloudFormation,
    Lambda,
    Events,
    # Append your class above this line, one per line.
)
