"""The plan tells which quotas it comes close to. Pure: no AWS."""

from __future__ import annotations

from catalog.publishing.actions import Action, Kind
from catalog.publishing.forecast import forecast, outcome
from catalog.publishing.observed import (
    ObservedArtifact,
    ObservedPortfolio,
    ObservedProduct,
    ObservedRegion,
)


def region(*, versions: int = 1, products: int = 1, patterns: int = 1) -> ObservedRegion:
    artifacts = tuple(ObservedArtifact(id=f"pa-{n}", name=f"1.{n}.0") for n in range(versions))
    portfolio = ObservedPortfolio(
        id="port-1",
        name="ML",
        product_ids=frozenset(f"prod-{n}" for n in range(products)),
        principals=frozenset((f"arn:aws:iam:::role/{n}*", "IAM_PATTERN") for n in range(patterns)),
    )
    return ObservedRegion(
        region="eu-west-1",
        portfolios=(portfolio,),
        products=(ObservedProduct(id="prod-0", name="Train", artifacts=artifacts),),
    )


def action(kind: Kind, **params) -> Action:
    return Action(
        id=f"{kind} {params}",
        kind=kind,
        account="111122223333",
        region="eu-west-1",
        subject="",
        reason="",
        params=params,
    )


NEW_VERSION = action(Kind.ARTIFACT_CREATE, product="@product:train", version="2.0.0", url="u")
KNOWN = {"@product:train": "prod-0", "@portfolio:ml": "port-1"}


def notes(seen: ObservedRegion, *actions: Action) -> list[str]:
    return list(forecast(seen=seen, actions=actions, known=KNOWN))


def test_far_from_every_quota_there_is_nothing_to_say():
    assert notes(region(versions=88), NEW_VERSION) == []


def test_the_note_counts_what_the_plan_will_add():
    assert notes(region(versions=89), NEW_VERSION) == [
        'eu-west-1: versions of "Train" will be 90; AWS allows 100'
    ]
    (note,) = notes(region(versions=100), NEW_VERSION)
    assert "would be 101" in note
    assert "the last 1 will be refused" in note


def test_products_and_patterns_of_a_portfolio_are_counted_with_what_goes_and_comes():
    offer = action(Kind.ASSOCIATION_CREATE, portfolio="@portfolio:ml", product="@product:new")
    withdraw = action(Kind.ASSOCIATION_DELETE, portfolio="port-1", product="prod-1")
    assert len(notes(region(products=134), offer)) == 1
    assert notes(region(products=134), offer, withdraw) == []
    allow = action(
        Kind.PRINCIPAL_ASSOCIATE,
        portfolio="@portfolio:ml",
        principal="arn:aws:iam:::role/new*",
        type="IAM_PATTERN",
    )
    (note,) = notes(region(patterns=8), allow)
    assert note == 'eu-west-1: principal patterns of portfolio "ML" will be 9; AWS allows 10'


def test_what_the_plan_makes_is_counted_before_it_has_an_id():
    seen = ObservedRegion(region="eu-west-1")
    made = outcome(
        seen=seen,
        actions=[
            action(
                Kind.PRODUCT_CREATE,
                ref="@product:train",
                attributes={"Name": "Train"},
                version="1.0.0",
            ),
            action(Kind.PORTFOLIO_CREATE, ref="@portfolio:ml", attributes={"DisplayName": "ML"}),
            action(Kind.ASSOCIATION_CREATE, portfolio="@portfolio:ml", product="@product:train"),
        ],
        known={},
    )
    assert [p.name for p in made.portfolios] == ["ML"]
    assert made.portfolios[0].product_ids == {"@product:train"}
    assert [a.name for a in made.products[0].artifacts] == ["1.0.0"]


def test_a_real_plan_carries_the_forecast(hub, make_bundle):
    hub.publish(hub.desired())
    patterns = [f"arn:aws:iam:::role/{n}-sagemaker*" for n in range(9)]
    manifest = hub.manifest()
    wider = manifest.portfolios["ml"].model_copy(update={"principals": tuple(patterns)})
    manifest = manifest.model_copy(update={"portfolios": {"ml": wider}})
    plan = hub.plan(hub.desired(make_bundle(), manifest=manifest))
    assert [n for n in plan.notes if "principal patterns" in n] == [
        f'{name}: principal patterns of portfolio "ML" will be 9; AWS allows 10'
        for name in hub.organization.regions
    ]
