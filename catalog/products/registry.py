"""The model package group that the project's pipeline registers models in."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from catalog.products import names
from catalog.products.retention import keep


class ModelRegistry(Construct):
    """A model package group; it outlives the stack, since models in use come from it."""

    def __init__(self, scope: Construct, id_: str, *, policy: Any = None) -> None:
        """Declare the group.

        Args:
            scope: parent construct.
            id_: construct id.
            policy: resource policy, for accounts that models are deployed to.
        """
        super().__init__(scope, id_)
        self.group = sagemaker.CfnModelPackageGroup(
            self,
            "Group",
            model_package_group_name=cdk.Fn.sub(names.MODEL_PACKAGE_GROUP),
            model_package_group_description=cdk.Fn.sub(
                "Models of SageMaker project ${SageMakerProjectName}"
            ),
            model_package_group_policy=policy,
        )
        self.group.override_logical_id("ModelPackageGroup")
        keep(self.group)
