"""Every resource type: made with its properties, changed, and gone, as its own service shows it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.resources import RESOURCE_TYPES
from tests.localaws.cloudformation.conftest import Stacks
from tests.localaws.cloudformation.type_cases import CASES, Case

# Tested in modules of their own.
ELSEWHERE = {
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::WaitCondition",
    "AWS::CloudFormation::WaitConditionHandle",
    "AWS::ServiceCatalog::CloudFormationProduct",
    "AWS::ServiceCatalog::LaunchRoleConstraint",
    "AWS::ServiceCatalog::PortfolioProductAssociation",
}


def test_every_type_has_a_case() -> None:
    assert {case.type for case in CASES} | ELSEWHERE == RESOURCE_TYPES


def subset(shown: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {key: shown[key] for key in wanted}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)
def test_type(case: Case, stacks: Stacks) -> None:
    assert stacks.create(case.resources) == "CREATE_COMPLETE", stacks.reasons()
    physical_id = stacks.ids()["It"]
    assert subset(case.read(stacks.session, physical_id), case.shows) == case.shows

    if case.changed is not None:
        assert stacks.update(case.changed_resources) == "UPDATE_COMPLETE", stacks.reasons()
        assert stacks.ids()["It"] == physical_id
        shown = case.read(stacks.session, physical_id)
        assert subset(shown, case.shows_changed) == case.shows_changed

    assert stacks.delete() == "DELETE_COMPLETE"
    if case.survives_as is not None:
        shown = case.read(stacks.session, physical_id)
        assert subset(shown, case.survives_as) == case.survives_as
        return
    try:
        assert case.read(stacks.session, physical_id) is None
    except ClientError:
        return
