"""Whatever goes wrong, a rerun ends in the same state: nothing doubled, lost or foreign touched."""

from __future__ import annotations

import json
import threading

import pytest

from catalog.errors import (
    AccessDeniedError,
    AwsCallFailed,
    CredentialsError,
    PartialFailure,
    UnreachableAccount,
)
from catalog.localaws.core.faults import Fault, Killed
from catalog.publishing import State

# Each kill gets a region of its own: as good as a fresh account, and cheaper.
REGIONS = (
    "eu-west-1",
    "us-east-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "eu-south-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-east-1",
    "me-south-1",
    "me-central-1",
    "af-south-1",
    "il-central-1",
)


def end_state(hub, desired):
    """Return everything users could see, by region, without ids, times and region names."""
    state = {}
    for region, found in hub.observe(desired).regions.items():
        names = {p.id: p.name for p in found.products}
        client = hub.client(region=region)
        seen = {
            "bucket": dict(found.bucket_settings),
            "objects": sorted(found.objects),
            "portfolios": [
                (
                    p.name,
                    p.description,
                    sorted(p.tags.items()),
                    sorted(names[i] for i in p.product_ids),
                    sorted((names[c.product_id], c.parameters) for c in p.constraints),
                    sorted(p.principals),
                    [(s.node, s.share_principals, s.share_tag_options) for s in p.shares],
                )
                for p in sorted(found.portfolios, key=lambda p: p.name)
            ],
            "products": [
                (
                    p.name,
                    sorted(p.tags.items()),
                    sorted((a.name, a.description, a.active, a.guidance) for a in p.artifacts),
                )
                for p in sorted(found.products, key=lambda p: p.name)
            ],
            # Counted apart from what is recognised as ours: duplicates must not hide.
            "portfolio count": len(client.list_portfolios()["PortfolioDetails"]),
            "product count": len(client.search_products_as_admin()["ProductViewDetails"]),
        }
        state[region] = json.dumps(seen).replace(region, "REGION")
    return state


def in_region(hub, region, *bundles):
    return hub.desired(*bundles, manifest=hub.manifest(regions=[region]))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_publish_killed_at_any_call_converges_when_run_again(hub, after):
    clean = in_region(hub, REGIONS[0])
    hub.publish(clean)
    expected = end_state(hub, clean)[REGIONS[0]]
    kills = 0
    for number, region in enumerate(REGIONS[1:], start=1):
        desired = in_region(hub, region)
        rule = hub.local.faults.kill_at(number, after=after)
        try:
            hub.publish(desired)
        except Killed:
            kills += 1
        hub.local.faults.clear()
        hub.publish(desired, aws=hub.publisher())
        assert hub.plan(desired).empty
        assert end_state(hub, desired)[region] == expected, f"killed at call {number}"
        if not rule.hits:
            break  # the publish is over before its call of this number
    # Fewer than calls: a call that AWS refuses has no "after".
    assert kills > 12


def test_lost_responses_double_nothing(hub):
    clean = in_region(hub, REGIONS[0])
    hub.publish(clean)
    expected = end_state(hub, clean)[REGIONS[0]]
    desired = in_region(hub, REGIONS[1])
    # Every operation that changes something loses its first answer.
    hit: set[str] = set()

    def first_time(site):
        fresh = site.operation not in hit
        hit.add(site.operation)
        return fresh

    hub.local.faults.inject(Fault.LOST_RESPONSE, mutating=True, when=first_time, times=None)
    hub.publish(desired, aws=hub.publisher(max_attempts=4))
    assert {"CreatePortfolio", "CreateProduct", "CreateConstraint", "CreateBucket"} <= hit
    hub.local.faults.clear()
    assert end_state(hub, desired)[REGIONS[1]] == expected


def test_two_publishers_at_once_end_in_one_state(hub, make_bundle):
    clean = in_region(hub, REGIONS[0], make_bundle())
    hub.publish(clean)
    expected = end_state(hub, clean)[REGIONS[0]]
    desired = in_region(hub, REGIONS[1], make_bundle())
    plans = [hub.plan(desired, aws=hub.publisher()) for _ in range(2)]
    reports = {}

    def apply(number):
        reports[number] = hub.apply(plans[number], desired, aws=hub.publisher())

    threads = [threading.Thread(target=apply, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.errors for r in reports.values()] == [{}, {}]
    assert hub.plan(desired).empty
    assert end_state(hub, desired)[REGIONS[1]] == expected


def test_an_id_that_a_replayed_token_brings_back_from_the_dead_is_not_believed(hub):
    desired = in_region(hub, REGIONS[0])
    hub.publish(desired)
    expected = end_state(hub, desired)
    client = hub.client(region=REGIONS[0])
    withdrawn = hub.desired(
        manifest=hub.manifest(
            regions=list(REGIONS[:2]),
            targets=[
                {
                    "ou": hub.organization.ous["data-science"],
                    "portfolios": ["ml"],
                    "regions": [REGIONS[1]],
                }
            ],
        )
    )
    hub.publish(withdrawn)
    assert client.list_portfolios()["PortfolioDetails"] == []
    hub.publish(desired)
    assert end_state(hub, desired) == expected


def publisher_without(hub, *denied, **conditions):
    """Return a publisher whose role may do everything but `denied`."""
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": list(denied), "Resource": "*", **conditions},
    ]
    role = "Publisher"
    iam = hub.client("iam")
    iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=hub.trust,
    )
    iam.put_role_policy(
        RoleName=role,
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    return hub.publisher(role_arn=f"arn:aws:iam::{hub.account}:role/{role}")


def test_a_missing_permission_is_named_and_the_rest_is_done(hub):
    desired = hub.desired()
    publisher = publisher_without(hub, "servicecatalog:CreateConstraint")
    plan = hub.plan(desired, aws=publisher)
    report = hub.apply(plan, desired, aws=publisher)
    errors = list(report.errors.values())
    assert [type(e) for e in errors] == [AccessDeniedError] * 2
    assert {(e.where.account, e.where.region) for e in errors} == {
        (hub.account, "eu-west-1"),
        (hub.account, "us-east-1"),
    }
    assert all("servicecatalog:CreateConstraint is not allowed" in e.message for e in errors)
    states = {a.kind.value: report.states[a.id] for a in plan.actions}
    assert states["constraint.create"] == State.FAILED
    assert states["share.create"] == State.BLOCKED
    assert states["principal.associate"] == State.DONE
    with pytest.raises(PartialFailure) as caught:
        report.raise_for_failure()
    assert caught.value.exit_code != 0
    assert f"{hub.account}/eu-west-1: 8 done, 1 failed, 1 not done" in str(caught.value)
    assert "Allow servicecatalog:CreateConstraint" in caught.value.next_step
    hub.publish(desired)
    assert hub.plan(desired).empty


def test_a_region_that_does_not_answer_leaves_the_others_complete(hub):
    desired = hub.desired()
    hub.local.faults.inject(Fault.CONNECTION_REFUSED, region="us-east-1", times=None)
    publisher = hub.publisher(max_attempts=1)
    plan = hub.plan(desired, aws=publisher)
    assert {type(e) for e in plan.unreachable.values()} == {UnreachableAccount}
    report = hub.apply(plan, desired, aws=publisher)
    with pytest.raises(PartialFailure, match=rf"{hub.account}/us-east-1: 0 done"):
        report.raise_for_failure()
    hub.local.faults.clear()
    plan = hub.publish(desired)
    assert {a.region for a in plan.actions} == {"us-east-1"}
    assert hub.plan(desired).empty


def test_credentials_that_expire_half_way_are_named_and_a_rerun_finishes(hub):
    desired = hub.desired()
    hub.local.faults.inject(
        Fault.EXPIRED_CREDENTIALS, operation="CreateProduct", mutating=True, times=None
    )
    plan = hub.plan(desired)
    report = hub.apply(plan, desired)
    assert {type(e) for e in report.errors.values()} == {CredentialsError}
    assert all("expired" in str(e) and e.where.region for e in report.errors.values())
    hub.local.faults.clear()
    hub.publish(desired)
    assert hub.plan(desired).empty


def test_throttling_and_server_errors_are_ridden_out(hub):
    desired = hub.desired()
    for fault in (Fault.THROTTLED, Fault.SERVER_ERROR, Fault.UNAVAILABLE):
        hub.local.faults.inject(fault, mutating=True, times=2)
        hub.local.faults.inject(fault, mutating=False, times=2)
    hub.publish(desired, aws=hub.publisher(max_attempts=8))
    assert hub.plan(desired).empty


def test_accounts_that_a_share_did_not_reach_are_named(hub):
    desired = in_region(hub, REGIONS[0])
    service = hub.local.service("servicecatalog")
    staging = hub.organization.members["staging"]
    service.share_errors[staging] = "Throttling"
    plan = hub.plan(desired)
    report = hub.apply(plan, desired)
    (error,) = report.errors.values()
    assert isinstance(error, AwsCallFailed)
    assert staging in error.message
    # The share is gone, so that the next run makes it again.
    service.share_errors.clear()
    plan = hub.publish(desired)
    assert [a.kind.value for a in plan.actions] == ["share.create"]
    assert hub.plan(desired).empty


def test_a_share_that_fails_once_is_made_again(hub):
    desired = in_region(hub, REGIONS[0])
    service = hub.local.service("servicecatalog")
    service.share_errors[hub.organization.members["staging"]] = "Throttling"
    plan = hub.plan(desired)

    def heal():
        hub.local.wait(
            lambda: any(c.operation == "DeletePortfolioShare" for c in hub.local.calls.since())
        )
        service.share_errors.clear()

    healer = threading.Thread(target=heal)
    healer.start()
    report = hub.apply(plan, desired)
    healer.join()
    report.raise_for_failure()
    assert hub.plan(desired).empty


def test_a_bucket_name_that_another_account_holds_is_named(hub):
    member = hub.organization.members["research"]
    hub.client("s3", account=member, region="us-east-1").create_bucket(
        Bucket="acme-catalog-us-east-1"
    )
    desired = in_region(hub, "us-east-1")
    plan = hub.plan(desired)
    assert plan.unreachable or plan.actions
    report = hub.apply(plan, desired)
    errors = [*report.unreachable.values(), *report.errors.values()]
    assert errors
    assert "acme-catalog-us-east-1" in str(errors[0]) or "not allowed" in str(errors[0])


def test_an_account_whose_role_cannot_be_assumed_is_named(hub):
    publisher = hub.publisher(role_for=lambda _account: "NoSuchRole")
    desired = hub.desired()
    plan = hub.plan(desired, aws=publisher)
    assert set(plan.unreachable) == {"eu-west-1", "us-east-1"}
    error = plan.unreachable["eu-west-1"]
    assert isinstance(error, UnreachableAccount)
    assert f"arn:aws:iam::{hub.account}:role/NoSuchRole" in error.message
    assert str(error.where) == f"{hub.account}/eu-west-1"


def test_credentials_of_another_account_are_refused_before_anything_happens(hub):
    desired = hub.desired(manifest=hub.manifest(hub={"account": "999999999999"}))
    plan = hub.plan(desired)
    assert all("no role is configured" in str(e) for e in plan.unreachable.values())
    assert hub.aws.mutating_calls() == {}
