"""Desired minus observed is the plan; apply runs it."""

from catalog.publishing.actions import Action, Change, Kind, Plan
from catalog.publishing.apply import ApplyReport, Progress, State, apply_plan
from catalog.publishing.context import Patience
from catalog.publishing.desired import DesiredState, desired_state
from catalog.publishing.observe import observe
from catalog.publishing.observed import Observed
from catalog.publishing.plan import PlanOptions, make_plan
from catalog.publishing.release import artifact_name, read_release
from catalog.publishing.serialize import check_fresh, plan_to_dict, plan_to_json, read_plan

__all__ = [
    "Action",
    "ApplyReport",
    "Change",
    "DesiredState",
    "Kind",
    "Observed",
    "Patience",
    "Plan",
    "PlanOptions",
    "Progress",
    "State",
    "apply_plan",
    "artifact_name",
    "check_fresh",
    "desired_state",
    "make_plan",
    "observe",
    "plan_to_dict",
    "plan_to_json",
    "read_plan",
    "read_release",
]
