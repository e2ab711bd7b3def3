"""The resource types the local CloudFormation knows, one module per AWS service."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.localaws.cloudformation.resources import (
    athena,
    autoscaling,
    awslambda,
    cdk,
    cloudwatch,
    codebuild,
    codecommit,
    codepipeline,
    custom,
    events,
    glue,
    iam,
    kms,
    logs,
    messaging,
    nested,
    ram,
    s3,
    sagemaker,
    sagemaker_hosting,
    scheduler,
    servicecatalog,
    ssm,
    waiting,
)
from catalog.localaws.cloudformation.resources.base import ResourceHandler, collect

_HANDLERS: Mapping[str, ResourceHandler] = collect(
    handler
    for module in (
        athena,
        autoscaling,
        awslambda,
        cdk,
        cloudwatch,
        codebuild,
        codecommit,
        codepipeline,
        custom,
        events,
        glue,
        iam,
        kms,
        logs,
        messaging,
        nested,
        ram,
        s3,
        sagemaker,
        sagemaker_hosting,
        scheduler,
        servicecatalog,
        ssm,
        waiting,
    )
    for handler in module.HANDLERS
)

RESOURCE_TYPES = frozenset(name for name, handler in _HANDLERS.items() if handler.published_schema)


def find_handler(type_name: str) -> ResourceHandler | None:
    """Return the handler of a type, or None for one that is not emulated."""
    if type_name.startswith("Custom::"):
        return _HANDLERS["AWS::CloudFormation::CustomResource"]
    return _HANDLERS.get(type_name)
