"""From any state of the hub, one publish reaches the desired state; a second has nothing to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.localaws import LocalAws

REGION = "eu-west-1"
BUCKET = f"acme-catalog-{REGION}"
FOREIGN = {"Key": "sagemaker-catalog:catalog", "Value": "another-catalog"}


class Vandal:
    """Does to a hub what people, scripts and half-finished runs do."""

    def __init__(self, hub, make_bundle):
        self.hub, self.make_bundle = hub, make_bundle
        self.client = hub.client(region=REGION)
        self.s3 = hub.client("s3", region=REGION)

    def desired(
        self, *, version="2.0.0", templates=("train", "batch"), principals=("*sagemaker*",)
    ):
        manifest = self.hub.manifest(
            regions=[REGION],
            portfolios={
                "ml": {
                    "name": "ML",
                    "provider": "P",
                    "templates": list(templates),
                    "principals": [f"arn:aws:iam:::role/{p}" for p in principals],
                }
            },
        )
        bundles = (self.make_bundle(version=version), self.make_bundle("batch"))
        return self.hub.desired(*bundles, manifest=manifest)

    # What came before.

    def older_version(self):
        self.hub.publish(self.desired(version="1.0.0"))

    def fewer_templates(self):
        self.hub.publish(self.desired(version="1.0.0", templates=("batch",)))

    def other_principals(self):
        self.hub.publish(self.desired(version="1.0.0", principals=("a*", "b*")))

    # What others did to it.

    def ours(self):
        """Return (portfolio id, product id) pairs of what carries our tags."""
        for portfolio in self.client.list_portfolios()["PortfolioDetails"]:
            tags = self.client.describe_portfolio(Id=portfolio["Id"])["Tags"]
            if {"Key": "sagemaker-catalog:catalog", "Value": "acme"} in tags:
                views = self.client.search_products_as_admin(PortfolioId=portfolio["Id"])
                for view in views["ProductViewDetails"]:
                    yield portfolio["Id"], view["ProductViewSummary"]["ProductId"]

    def rename(self):
        for portfolio, product in self.ours():
            self.client.update_portfolio(Id=portfolio, DisplayName="X", Description="Y")
            self.client.update_product(Id=product, Name="X", Distributor="Y", Description="Z")

    def retag(self):
        for _, product in self.ours():
            self.client.update_product(
                Id=product,
                AddTags=[{"Key": "kind", "Value": "odd"}, {"Key": "theirs", "Value": "kept"}],
                RemoveTags=["sagemaker:studio-visibility"],
            )

    def drop_constraints(self):
        for portfolio, product in self.ours():
            for item in self.client.list_constraints_for_portfolio(
                PortfolioId=portfolio, ProductId=product
            )["ConstraintDetails"]:
                self.client.delete_constraint(Id=item["ConstraintId"])

    def disassociate(self):
        self.drop_constraints()
        for portfolio, product in list(self.ours())[:1]:
            self.client.disassociate_product_from_portfolio(
                PortfolioId=portfolio, ProductId=product
            )

    def edit_versions(self):
        for _, product in self.ours():
            for item in self.client.list_provisioning_artifacts(ProductId=product)[
                "ProvisioningArtifactDetails"
            ]:
                self.client.update_provisioning_artifact(
                    ProductId=product,
                    ProvisioningArtifactId=item["Id"],
                    Description="edited",
                    Guidance="DEPRECATED",
                    Active=False,
                )

    def share_with_an_account(self):
        for portfolio in {p for p, _ in self.ours()}:
            self.client.create_portfolio_share(
                PortfolioId=portfolio, AccountId=self.hub.organization.members["staging"]
            )

    def swap_principals(self):
        for portfolio in {p for p, _ in self.ours()}:
            self.client.associate_principal_with_portfolio(
                PortfolioId=portfolio,
                PrincipalARN="arn:aws:iam:::role/*",
                PrincipalType="IAM_PATTERN",
            )

    def open_the_bucket(self):
        if BUCKET in [b["Name"] for b in self.s3.list_buckets()["Buckets"]]:
            self.s3.delete_bucket_policy(Bucket=BUCKET)
            self.s3.delete_public_access_block(Bucket=BUCKET)
            for item in self.s3.list_object_versions(Bucket=BUCKET).get("Versions", ()):
                self.s3.delete_object(Bucket=BUCKET, Key=item["Key"], VersionId=item["VersionId"])

    def make_the_bucket(self):
        if BUCKET not in [b["Name"] for b in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )

    # What is nobody's business but its owner's.

    def foreign_portfolio(self):
        self.client.create_portfolio(DisplayName="ML", ProviderName="them", Tags=[FOREIGN])

    def foreign_product(self):
        template = json.dumps(
            {"Resources": {"W": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
        )
        self.s3.create_bucket(
            Bucket="their-bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.s3.put_object(Bucket="their-bucket", Key="t.json", Body=template)
        product = self.client.create_product(
            Name="Train",
            Owner="them",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={
                "Name": "2.0.0",
                "Info": {
                    "LoadTemplateFromURL": f"https://their-bucket.s3.{REGION}.amazonaws.com/t.json"
                },
                "Type": "CLOUD_FORMATION_TEMPLATE",
            },
        )["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        for portfolio in {p for p, _ in self.ours()}:
            self.client.associate_product_with_portfolio(PortfolioId=portfolio, ProductId=product)


STEPS = sorted(
    name for name in vars(Vandal) if not name.startswith("_") and name not in ("desired", "ours")
)


def foreign(hub):
    """Return everything in the hub that does not carry our tag."""
    client = hub.client(region=REGION)
    portfolios = [
        client.describe_portfolio(Id=p["Id"]) for p in client.list_portfolios()["PortfolioDetails"]
    ]
    products = [
        client.describe_product_as_admin(Id=v["ProductViewSummary"]["ProductId"])
        for v in client.search_products_as_admin()["ProductViewDetails"]
    ]
    for item in (*portfolios, *products):
        item.pop("ResponseMetadata")
    return [
        item
        for item in (*portfolios, *products)
        if {"Key": "sagemaker-catalog:catalog", "Value": "acme"} not in item["Tags"]
    ]


def essence(observed):
    """Return what users get from an observed region, apart from older versions."""
    names = {p.id: p.name for p in observed.products}
    return {
        "portfolios": [
            (
                p.name,
                p.provider,
                p.description,
                sorted(p.tags.items()),
                sorted(names[i] for i in p.product_ids if i in names),
                sorted((names[c.product_id], c.parameters) for c in p.constraints),
                sorted(p.principals),
                sorted((s.node, s.share_principals, s.share_tag_options) for s in p.shares),
            )
            for p in observed.portfolios
        ],
        "products": sorted(
            (
                p.name,
                p.owner,
                p.description,
                sorted((k, v) for k, v in p.tags.items() if k != "theirs"),
                [(a.name, a.active, a.guidance) for a in p.artifacts if a.name != "1.0.0"],
            )
            for p in observed.products
            if p.name == "Train"
        ),
        "bucket": dict(observed.bucket_settings),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory, make_bundle, make_hub):
    """Return what a publish to an untouched hub gives."""
    with LocalAws() as local:
        hub = make_hub(local, tmp_path_factory.mktemp("reference"))
        desired = Vandal(hub, make_bundle).desired()
        hub.publish(desired)
        return comparable(hub, desired)


def comparable(hub, desired):
    text = json.dumps(essence(hub.observe(desired).regions[REGION]), indent=1)
    return text.replace(hub.organization.ous["data-science"], "OU").replace(
        hub.organization.organization_id, "ORGANIZATION"
    )


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=7, unique=True))
def test_any_start_converges(steps, tmp_path, expected, make_bundle, make_hub):
    with LocalAws() as local:
        hub = make_hub(local, tmp_path)
        vandal = Vandal(hub, make_bundle)
        for step in steps:
            getattr(vandal, step)()
        theirs = foreign(hub)
        desired = vandal.desired()
        hub.publish(desired)
        plan = hub.plan(desired)
        assert plan.empty, [a.id for a in plan.actions]
        assert comparable(hub, desired) == expected
        assert foreign(hub) == theirs
        assert local.bugs == []


@pytest.mark.parametrize("step", STEPS)
def test_every_single_change_is_survived(step, hub, make_bundle):
    vandal = Vandal(hub, make_bundle)
    hub.publish(vandal.desired())
    getattr(vandal, step)()
    theirs = foreign(hub)
    desired = vandal.desired()
    hub.publish(desired)
    assert hub.plan(desired).empty
    assert foreign(hub) == theirs
