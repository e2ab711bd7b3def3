"""Whatever somebody changes by hand is shown in the plan and undone by the next publish."""

from __future__ import annotations

import pytest

from catalog.localaws import LocalAws


@pytest.fixture(scope="module")
def published(tmp_path_factory, make_hub):
    """Return a hub with a catalog on it; each test leaves it as it found it."""
    with LocalAws() as local:
        hub = make_hub(local, tmp_path_factory.mktemp("hub"))
        hub.client("iam").create_role(RoleName="OtherRole", AssumeRolePolicyDocument=hub.trust)
        desired = hub.desired()
        hub.publish(desired)
        yield hub, desired
        assert local.bugs == []


def only_portfolio(hub):
    (portfolio,) = hub.client().list_portfolios()["PortfolioDetails"]
    return portfolio["Id"]


def only_product(hub):
    (view,) = hub.client().search_products_as_admin()["ProductViewDetails"]
    return view["ProductViewSummary"]["ProductId"]


def drift_portfolio(client, portfolio, _product):
    client.update_portfolio(Id=portfolio, DisplayName="Other", Description="x", ProviderName="y")


def drift_portfolio_tags(client, portfolio, _product):
    client.update_portfolio(
        Id=portfolio,
        AddTags=[{"Key": "team", "Value": "x"}],
        RemoveTags=["sagemaker-catalog:portfolio"],
    )
    client.update_portfolio(
        Id=portfolio, AddTags=[{"Key": "sagemaker-catalog:portfolio", "Value": "ml"}]
    )


def drift_product(client, _portfolio, product):
    client.update_product(
        Id=product, Name="Other", Owner="x", Description="y", Distributor="z", SupportEmail="a@b.c"
    )


def drift_product_tags(client, _portfolio, product):
    client.update_product(Id=product, RemoveTags=["sagemaker:studio-visibility"])


def drift_artifact(client, _portfolio, product):
    (artifact,) = client.list_provisioning_artifacts(ProductId=product)[
        "ProvisioningArtifactDetails"
    ]
    client.update_provisioning_artifact(
        ProductId=product,
        ProvisioningArtifactId=artifact["Id"],
        Description="edited",
        Active=False,
        Guidance="DEPRECATED",
    )


def drift_constraint(client, portfolio, _product):
    (constraint,) = client.list_constraints_for_portfolio(PortfolioId=portfolio)[
        "ConstraintDetails"
    ]
    client.update_constraint(
        Id=constraint["ConstraintId"], Parameters='{"LocalRoleName": "OtherRole"}'
    )


def drift_constraint_gone(client, portfolio, _product):
    (constraint,) = client.list_constraints_for_portfolio(PortfolioId=portfolio)[
        "ConstraintDetails"
    ]
    client.delete_constraint(Id=constraint["ConstraintId"])


def drift_association(client, portfolio, product):
    drift_constraint_gone(client, portfolio, product)
    client.disassociate_product_from_portfolio(PortfolioId=portfolio, ProductId=product)


def drift_principals(client, portfolio, _product):
    client.disassociate_principal_from_portfolio(
        PortfolioId=portfolio,
        PrincipalARN="arn:aws:iam:::role/*sagemaker*",
        PrincipalType="IAM_PATTERN",
    )
    client.associate_principal_with_portfolio(
        PortfolioId=portfolio, PrincipalARN="arn:aws:iam:::role/*", PrincipalType="IAM_PATTERN"
    )


@pytest.mark.parametrize(
    ("drift", "shown"),
    [
        (drift_portfolio, {"DisplayName", "Description", "ProviderName"}),
        (drift_portfolio_tags, {"tag team"}),
        (
            drift_product,
            {"Name", "Owner", "Description", "Distributor", "SupportEmail"},
        ),
        (drift_product_tags, {"tag sagemaker:studio-visibility"}),
        (drift_artifact, {"description", "active", "guidance"}),
        (drift_constraint, {"parameters"}),
        (drift_constraint_gone, set()),
        (drift_association, set()),
        (drift_principals, set()),
    ],
)
def test_drift_is_shown_and_undone(published, drift, shown):
    hub, desired = published
    before = hub.observe(desired)
    client = hub.client()
    drift(client, only_portfolio(hub), only_product(hub))
    plan = hub.plan(desired)
    assert {a.region for a in plan.actions} == {"eu-west-1"}
    assert {c.attribute for a in plan.actions for c in a.changes} == shown
    hub.publish(desired)
    after = hub.observe(desired)
    assert hub.plan(desired).empty
    assert [p.tags for p in after.regions["eu-west-1"].portfolios] == [
        p.tags for p in before.regions["eu-west-1"].portfolios
    ]
