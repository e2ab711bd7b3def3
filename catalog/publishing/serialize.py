"""Plans as JSON: `plan --out FILE`, then `apply FILE`, on the same or another machine.

A plan holds no content and no secret: uploads are named by hash and come from the bundles at hand.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catalog.errors import InvalidInput, Location, Problem, StalePlan
from catalog.publishing.actions import Action, Change, Kind, Plan
from catalog.publishing.observed import Observed

FORMAT = 1


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON-ready values."""
    return {
        "format": FORMAT,
        "catalog": plan.catalog,
        "account": plan.account,
        "regions": list(plan.regions),
        "fingerprint": plan.fingerprint,
        "known": {region: dict(ids) for region, ids in plan.known.items()},
        "notes": list(plan.notes),
        "unreachable": {
            region: {"kind": error.kind, "message": error.message, "next": error.next_step}
            for region, error in plan.unreachable.items()
        },
        "actions": [asdict(action) for action in plan.actions],
    }


def plan_to_json(plan: Plan) -> str:
    """Return a plan as JSON text."""
    return json.dumps(plan_to_dict(plan), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def read_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        InvalidInput: the file is not a plan of this format.
        StalePlan: the plan does not cover a region that could not be read when it was made.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise _not_a_plan(path, f"format {data['format']!r}, this version reads {FORMAT}")
        if data["unreachable"]:
            raise StalePlan(
                f"the plan lacks {', '.join(sorted(data['unreachable']))}, unreachable at the time",
                where=Location(file=str(path)),
                next_step="Make the plan again.",
            )
        return Plan(
            catalog=str(data["catalog"]),
            account=str(data["account"]),
            regions=tuple(data["regions"]),
            fingerprint=str(data["fingerprint"]),
            known={region: dict(ids) for region, ids in data["known"].items()},
            notes=tuple(data["notes"]),
            actions=tuple(_action(item) for item in data["actions"]),
        )
    except OSError as error:
        raise _not_a_plan(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _not_a_plan(path, str(error) or type(error).__name__) from error


def check_fresh(*, saved: Plan, current: Plan, observed: Observed) -> None:
    """Refuse a saved plan unless AWS and the bundles are as they were when it was made.

    Args:
        saved: read from a file.
        current: made just now, from the bundles at hand.
        observed: what `current` was made from.

    Raises:
        StalePlan: something has changed since.
    """
    if saved.account != current.account or saved.catalog != current.catalog:
        what = f"it is for catalog {saved.catalog!r} in account {saved.account}"
    elif observed.fingerprint() != saved.fingerprint:
        what = "AWS has changed since it was made"
    elif _as_json(saved.actions) != _as_json(current.actions):
        what = "the manifest or the templates have changed since it was made"
    else:
        return
    raise StalePlan(f"the plan is stale: {what}", next_step="Make the plan again and review it.")


def _as_json(actions: tuple[Action, ...]) -> list[str]:
    return [json.dumps(asdict(action), sort_keys=True) for action in actions]


def _not_a_plan(path: Path, reason: str) -> InvalidInput:
    where = Location(file=str(path))
    return InvalidInput([Problem(message=f"is not a saved plan: {reason}", where=where)])


def _action(item: dict[str, Any]) -> Action:
    return Action(
        id=str(item["id"]),
        kind=Kind(item["kind"]),
        account=str(item["account"]),
        region=str(item["region"]),
        subject=str(item["subject"]),
        reason=str(item["reason"]),
        changes=tuple(Change(**change) for change in item["changes"]),
        params=dict(item["params"]),
        needs=tuple(item["needs"]),
        lane=item["lane"],
    )
