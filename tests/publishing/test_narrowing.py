"""Narrowed plans, and the journal of a run."""

from __future__ import annotations

import json

import pytest

from catalog.errors import CatalogError, InvalidInput
from catalog.publishing import apply_plan, make_plan
from catalog.publishing.journal import Journal
from catalog.publishing.narrowing import Narrowing
from catalog.publishing.observed import Observed, ObservedRegion


def two_templates(hub, make_bundle):
    manifest = hub.manifest()
    wider = manifest.portfolios["ml"].model_copy(update={"templates": ("train", "deploy")})
    manifest = manifest.model_copy(update={"portfolios": {"ml": wider}})
    return hub.desired(make_bundle("train"), make_bundle("deploy"), manifest=manifest)


def empty(desired) -> Observed:
    regions = {name: ObservedRegion(region=name) for name in desired.regions}
    return Observed(account=desired.account, regions=regions)


def test_a_template_brings_what_it_needs_and_nothing_of_the_others(hub, make_bundle):
    desired = two_templates(hub, make_bundle)
    whole = make_plan(desired=desired, observed=empty(desired))
    part = Narrowing(templates=("train",)).plan(whole)
    kept = {action.id for action in part.actions}
    assert all(need in kept for action in part.actions for need in action.needs)
    assert "eu-west-1 product.create train" in kept
    assert "eu-west-1 portfolio.create ml" in kept
    assert not any("deploy" in action_id or "share" in action_id for action_id in kept)
    assert Narrowing().plan(whole) == whole


def test_narrowed_runs_add_up_to_the_whole(hub, make_bundle):
    desired = two_templates(hub, make_bundle)
    for name in ("deploy", "train"):
        only = Narrowing(regions=("eu-west-1",), templates=(name,))
        part = only.desired(desired)
        hub.apply(only.plan(hub.plan(part)), part).raise_for_failure()
    products = hub.client(region="us-east-1").search_products_as_admin()["ProductViewDetails"]
    assert products == []
    left = hub.plan(desired)
    kinds = {a.kind.value for a in left.actions if a.region == "eu-west-1"}
    assert kinds <= {"share.create", "principal.associate"}
    hub.apply(left, desired).raise_for_failure()
    assert hub.plan(desired).empty


def test_what_the_catalog_does_not_publish_is_refused(hub):
    with pytest.raises(InvalidInput) as refused:
        Narrowing(regions=("eu-west-9",), templates=("nothing",)).desired(hub.desired())
    assert len(refused.value.problems) == 2


def test_a_saved_narrowing_is_read_back():
    only = Narrowing(regions=("eu-west-1",), templates=("train",))
    assert Narrowing.from_dict(json.loads(json.dumps(only.to_dict()))) == only
    assert not Narrowing.from_dict({})


def test_the_journal_tells_what_was_planned_begun_and_done(hub, tmp_path):
    path = tmp_path / "run.jsonl"
    desired = hub.desired()
    plan = hub.plan(desired)
    with Journal(path) as journal:
        journal.plan(plan, release="v1.0.0")
        apply_plan(
            plan=plan, aws=hub.aws, contents=desired.contents, progress=journal.step
        ).raise_for_failure()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["event"] == "plan"
    planned = lines[0]["actions"]
    assert {line["action"] for line in lines if line["event"] == "started"} == set(planned)
    assert {line["action"] for line in lines if line["event"] == "done"} == set(planned)
    assert lines[-1]["event"] == "end"
    assert "error" not in lines[-1]
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_a_run_that_fails_ends_its_journal_with_the_reason(tmp_path):
    path = tmp_path / "run.jsonl"
    with pytest.raises(CatalogError), Journal(path):
        raise CatalogError("it broke", next_step="mend it")
    (line,) = (json.loads(text) for text in path.read_text().splitlines())
    assert line["error"] == {"kind": "error", "message": "it broke", "next": "mend it"}
    with pytest.raises(InvalidInput), Journal(tmp_path / "none" / "run.jsonl"):
        pass
