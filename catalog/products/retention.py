"""Resources that hold a team's work outlive the stack, except when creating it fails."""

from __future__ import annotations

import aws_cdk as cdk


def keep(resource: cdk.CfnResource) -> None:
    """Retain `resource` on stack deletion and replacement; remove it when the launch fails.

    `RetainExceptOnCreate` is what makes a failed launch repeatable: nothing with a fixed physical
    name is left behind.
    """
    resource.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
    resource.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.RETAIN
