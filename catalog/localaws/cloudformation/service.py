"""The emulated CloudFormation: all groups of operations in one service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from catalog.localaws.cloudformation.base_service import (
    passed_role,
    stack_arns,
    stack_set_arns,
)
from catalog.localaws.cloudformation.change_sets import ChangeSetOperations
from catalog.localaws.cloudformation.reading import ReadingOperations
from catalog.localaws.cloudformation.responses import PREFIX
from catalog.localaws.cloudformation.stack_set_reading import StackSetReading

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_BY_STACK = (
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListStackResources",
    "UpdateStack",
    "UpdateTerminationProtection",
)

_BY_STACK_SET = (
    "CreateStackInstances",
    "CreateStackSet",
    "DeleteStackInstances",
    "DeleteStackSet",
    "DescribeStackInstance",
    "DescribeStackSet",
    "DescribeStackSetOperation",
    "ListStackInstances",
    "ListStackSetOperationResults",
    "ListStackSetOperations",
    "StopStackSetOperation",
    "UpdateStackInstances",
    "UpdateStackSet",
)
_WITH_ROLE = (
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteStack",
    "UpdateStack",
)


class CloudFormation(ChangeSetOperations, ReadingOperations, StackSetReading):
    """AWS CloudFormation."""

    # Stack events carry stack statuses that botocore's enum of resource statuses lacks.
    extra_enum_values: ClassVar[Mapping[str, frozenset[str]]] = {
        "ResourceStatus": frozenset(
            {
                "REVIEW_IN_PROGRESS",
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            }
        )
    }

    resources: ClassVar[Mapping[str, Callable[[dict[str, Any], str, str], list[str]]]] = {
        **dict.fromkeys(_BY_STACK, stack_arns),
        **dict.fromkeys(_BY_STACK_SET, stack_set_arns),
    }
    passed_roles: ClassVar[Mapping[str, Callable[[dict[str, Any]], list[tuple[str, str]]]]] = (
        dict.fromkeys(_WITH_ROLE, passed_role)
    )

    def http_routes(self) -> dict[str, WSGIApplication]:
        """Return where custom resources and wait handles answer."""
        return {PREFIX: self.responses.application}
