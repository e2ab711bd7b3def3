"""How this project's CodeBuild projects run: image, size, logs."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_logs as logs
from constructs import Construct

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
PYTHON = "3.12"
"""Python of the image that builds run on; the wheel sets cover it."""
KEEP_LOG_DAYS = 90


def environment(
    *, compute_type: str, variables: Mapping[str, str]
) -> codebuild.CfnProject.EnvironmentProperty:
    """Return the environment of a build: never privileged, plain variables, no secrets."""
    return codebuild.CfnProject.EnvironmentProperty(
        type="LINUX_CONTAINER",
        image=IMAGE,
        compute_type=compute_type,
        privileged_mode=False,
        environment_variables=[
            codebuild.CfnProject.EnvironmentVariableProperty(
                name=name, value=value, type="PLAINTEXT"
            )
            for name, value in sorted(variables.items())
        ],
    )


def log_group(scope: Construct, id_: str, *, name: str) -> logs.CfnLogGroup:
    """Declare a log group that forgets after `KEEP_LOG_DAYS` days.

    Args:
        scope: parent construct.
        id_: logical id in the template.
        name: `Fn::Sub` text of the group's name.
    """
    group = logs.CfnLogGroup(
        scope, id_, log_group_name=cdk.Fn.sub(name), retention_in_days=KEEP_LOG_DAYS
    )
    group.override_logical_id(id_)
    group.cfn_options.deletion_policy = cdk.CfnDeletionPolicy.DELETE
    group.cfn_options.update_replace_policy = cdk.CfnDeletionPolicy.DELETE
    return group


def write_to(group: logs.CfnLogGroup) -> codebuild.CfnProject.LogsConfigProperty:
    """Return the logs configuration that writes to `group` only."""
    return codebuild.CfnProject.LogsConfigProperty(
        cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
            status="ENABLED", group_name=group.ref
        )
    )
