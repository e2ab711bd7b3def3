"""Acknowledged findings of cdk-nag: every one carries its reason."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk


def acknowledge(resource: cdk.CfnResource, reasons: Mapping[str, str]) -> None:
    """Acknowledge findings on a resource.

    Args:
        resource: the resource that the findings are on.
        reasons: cdk-nag finding (`AwsSolutions-S1`, `AwsSolutions-IAM5[Resource::*]`) to why it
            is acceptable, in a sentence that a security reviewer can judge.
    """
    for finding, reason in reasons.items():
        cdk.Validations.of(resource).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
