"""Retiring a version and destroying a catalog, through the command line."""

from __future__ import annotations

import json

import pytest

from catalog.cli import removal
from catalog.cli.main import run
from catalog.errors import StillInUse

IN_USE = StillInUse.exit_code
EUROPE = "eu-west-1"


@pytest.fixture
def command(hub, monkeypatch):
    """Return the command line, run against the hub with its real manifest on disk."""
    root = hub.tmp_path / "checkout"
    (root / "templates" / "train").mkdir(parents=True)
    (root / "templates" / "train" / "template.yml").write_text(
        "name: train\ntitle: Train\nsummary: Trains.\nversion: 2.0.0\nowner: ML\n"
    )
    hub.manifest()

    def role_for(account: str) -> str | None:
        return None if account == hub.account else "OrganizationAccountAccessRole"

    monkeypatch.setattr(removal, "connect", lambda **_: hub.publisher(role_for=role_for))
    options = ["--root", str(root), "--manifest", str(hub.tmp_path / "catalog.yml")]
    return lambda name, *words: run([name, *options, *words])


def publish_two(hub, make_bundle) -> None:
    for version in ("1.0.0", "2.0.0"):
        hub.publish(hub.desired(make_bundle(version=version)))


def version(hub, name: str, region: str = EUROPE) -> dict:
    client = hub.client(region=region)
    (view,) = client.search_products_as_admin()["ProductViewDetails"]
    product = view["ProductViewSummary"]["ProductId"]
    found = client.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    return {"product": product, **next(a for a in found if a["Name"] == name)}


def launch(hub, name: str) -> str:
    """Launch a version in a member account; return what it is called there."""
    account = hub.organization.members["research"]
    iam = hub.client("iam", account=account)
    iam.create_role(RoleName="sagemaker-user", AssumeRolePolicyDocument=hub.trust)
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="sagemaker-user", PolicyName="all", PolicyDocument=document)
    iam.create_role(RoleName="SageMakerCatalogLaunchRole", AssumeRolePolicyDocument=hub.trust)
    iam.put_role_policy(
        RoleName="SageMakerCatalogLaunchRole", PolicyName="all", PolicyDocument=document
    )
    user = hub.local.session(
        account=account, role_arn=f"arn:aws:iam::{account}:role/sagemaker-user"
    ).client("servicecatalog", region_name=EUROPE)
    wanted = version(hub, name)
    user.provision_product(
        ProductId=wanted["product"],
        ProvisioningArtifactId=wanted["Id"],
        ProvisionedProductName="flights",
        ProvisioningParameters=[
            {"Key": "SageMakerProjectName", "Value": "flights"},
            {"Key": "SageMakerProjectId", "Value": "p-abcdefghijkl"},
        ],
    )
    hub.local.wait(
        lambda: (
            user.describe_provisioned_product(Name="flights")["ProvisionedProductDetail"]["Status"]
            == "AVAILABLE"
        )
    )
    return "flights"


def test_a_version_is_deprecated_then_inactive_and_a_publish_keeps_it_so(hub, make_bundle, command):
    publish_two(hub, make_bundle)
    assert command("retire", "train", "1.0.0", "--yes") == 0
    for region in hub.organization.regions:
        assert version(hub, "1.0.0", region)["Guidance"] == "DEPRECATED"
        assert version(hub, "1.0.0", region)["Active"]
        assert version(hub, "2.0.0", region)["Guidance"] == "DEFAULT"
    latest = hub.desired(make_bundle(version="2.0.0"))
    assert hub.plan(latest).empty
    assert command("retire", "train", "1.0.0", "--yes") == 0
    assert not version(hub, "1.0.0")["Active"]
    assert hub.plan(latest).empty
    # A third time there is nothing left to do, or to confirm.
    assert command("retire", "train", "1.0.0") == 0


def test_a_version_in_use_is_not_retired_unless_forced_and_its_users_are_listed(
    hub, make_bundle, command, capsys
):
    publish_two(hub, make_bundle)
    launch(hub, "1.0.0")
    assert command("retire", "train", "1.0.0", "--inactive", "--yes") == IN_USE
    shown = capsys.readouterr().err
    assert "flights" in shown
    assert hub.organization.members["research"] in shown
    assert version(hub, "1.0.0")["Guidance"] == "DEFAULT"
    assert command("destroy", "--yes") == IN_USE
    assert hub.client().list_portfolios()["PortfolioDetails"]
    assert command("retire", "train", "1.0.0", "--inactive", "--force", "--yes") == 0
    assert not version(hub, "1.0.0")["Active"]


def test_an_account_that_cannot_be_searched_stops_a_retirement(hub, make_bundle, command, capsys):
    publish_two(hub, make_bundle)
    staging = hub.organization.members["staging"]
    hub.client("iam", account=staging).update_assume_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyDocument=hub.trust
    )
    assert command("retire", "train", "1.0.0", "--yes") == IN_USE
    assert staging in capsys.readouterr().err
    assert version(hub, "1.0.0")["Guidance"] == "DEFAULT"


def test_the_version_that_is_published_next_and_unknown_ones_are_refused(
    hub, make_bundle, command, capsys
):
    publish_two(hub, make_bundle)
    assert command("retire", "train", "2.0.0", "--yes") == 10
    assert "newer version" in capsys.readouterr().err
    assert command("retire", "train", "9.9.9", "--yes") == 10
    assert "1.0.0, 2.0.0" in capsys.readouterr().err


def test_destroy_takes_what_the_catalog_owns_and_keeps_buckets_and_strangers(
    hub, make_bundle, command
):
    publish_two(hub, make_bundle)
    client = hub.client(region=EUROPE)
    stranger = client.create_portfolio(
        DisplayName="Theirs", ProviderName="Others", IdempotencyToken="theirs"
    )["PortfolioDetail"]["Id"]
    assert command("destroy", "--yes") == 0
    assert [p["Id"] for p in client.list_portfolios()["PortfolioDetails"]] == [stranger]
    assert client.search_products_as_admin()["ProductViewDetails"] == []
    assert hub.client("s3").list_objects_v2(Bucket=f"acme-catalog-{EUROPE}")["KeyCount"]
    # Again: it converges, and now takes the buckets too.
    assert command("destroy", "--with-buckets", "--yes") == 0
    assert hub.client("s3").list_buckets()["Buckets"] == []
    assert command("destroy", "--with-buckets", "--yes") == 0


def test_destroy_asks_first(hub, make_bundle, command):
    publish_two(hub, make_bundle)
    assert command("destroy") == 33
    assert hub.client().list_portfolios()["PortfolioDetails"]


def test_destroy_spares_the_role_of_a_project_from_an_s3_template(
    hub, make_bundle, command, capsys
):
    publish_two(hub, make_bundle)
    account = hub.organization.members["research"]
    trust = hub.trust.replace("servicecatalog", "cloudformation")
    role = hub.client("iam", account=account).create_role(
        RoleName="SageMakerCatalogStudioLaunchRole", AssumeRolePolicyDocument=trust
    )["Role"]["Arn"]
    body = {"Resources": {"Wait": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
    hub.client("cloudformation", account=account).create_stack(
        StackName="SP-flights-p-1", TemplateBody=json.dumps(body), RoleARN=role
    )
    assert command("destroy", "--yes") == IN_USE
    assert "SP-flights-p-1" in capsys.readouterr().err
    assert hub.client().list_portfolios()["PortfolioDetails"]
