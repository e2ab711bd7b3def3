"""Doctor: a healthy organisation has no findings, and every planted defect is found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from catalog.spokes.doctor import Check, diagnose, matches, trusted
from catalog.spokes.examine import examine
from catalog.spokes.facts import Organisation
from catalog.spokes.roles import roles_template
from catalog.spokes.rollout import apply_roles, observe_roles, plan_roles

LAUNCH_ROLE = "SageMakerCatalogLaunchRole"
EXECUTION_ROLE = "AmazonSageMaker-ExecutionRole-1"
PRINCIPAL = "arn:aws:iam:::role/AmazonSageMaker-ExecutionRole-*"
EUROPE, AMERICA = "eu-west-1", "us-east-1"


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Clinic:
    """A published catalog whose accounts are all ready."""

    def __init__(self, hub) -> None:
        self.hub = hub
        data_science = {"ou": hub.organization.ous["data-science"], "portfolios": ["ml"]}
        portfolio = {
            "name": "ML",
            "provider": "Platform",
            "templates": ["train"],
            "principals": [PRINCIPAL],
        }
        self.manifest = hub.manifest(portfolios={"ml": portfolio}, targets=[data_science])
        self.aws = self.publisher()
        self.members = hub.organization.members
        # The stack makes this role; the hub of other tests has a bare one.
        hub.client("iam").delete_role(RoleName=LAUNCH_ROLE)
        self.roles = roles_template(launch_role=LAUNCH_ROLE)
        stacks = observe_roles(
            aws=self.aws,
            accounts=(hub.account, *self.members.values()),
            region=EUROPE,
            catalog="acme",
            template=self.roles,
        )
        failures = apply_roles(
            aws=self.aws,
            actions=plan_roles(stacks),
            region=EUROPE,
            catalog="acme",
            template=self.roles,
        )
        assert failures == {}
        for account in self.members.values():
            self.iam(account).create_role(
                RoleName=EXECUTION_ROLE, AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com")
            )
        self.desired = hub.desired(manifest=self.manifest)
        hub.publish(self.desired)

    def publisher(self):
        def role_for(account: str) -> str | None:
            return None if account == self.hub.account else "OrganizationAccountAccessRole"

        return self.hub.publisher(role_for=role_for)

    def iam(self, account: str):
        return self.hub.client("iam", account=account)

    def facts(self):
        observed = self.hub.observe(self.desired, fast=True)
        return examine(aws=self.aws, manifest=self.manifest, observed=observed, roles=self.roles)

    def portfolio(self, region: str) -> str:
        (found,) = self.hub.client(region=region).list_portfolios()["PortfolioDetails"]
        return found["Id"]

    def found(self) -> set[tuple[str, str, str | None]]:
        return {(f.check, f.account, f.region) for f in diagnose(self.facts()).findings}


@pytest.fixture
def clinic(hub) -> Clinic:
    return Clinic(hub)


def test_a_healthy_organisation_is_ready_everywhere_and_says_for_which_role(clinic):
    before = dict(clinic.aws.mutating_calls())
    diagnosis = diagnose(clinic.facts())
    assert diagnosis.findings == ()
    assert diagnosis.healthy
    assert {(r.account, r.region) for r in diagnosis.readiness} == {
        (account, region) for account in clinic.members.values() for region in (EUROPE, AMERICA)
    }
    for readiness in diagnosis.readiness:
        assert readiness.ready
        assert readiness.roles == (f"arn:aws:iam::{readiness.account}:role/{EXECUTION_ROLE}",)
    assert clinic.aws.mutating_calls() == before


def test_ten_planted_defects_are_all_found(clinic):
    hub = clinic.hub
    research, forecasting, staging = (
        clinic.members[name] for name in ("research", "forecasting", "staging")
    )
    # 1 to 4: roles of the accounts.
    for policy in clinic.iam(research).list_role_policies(RoleName=LAUNCH_ROLE)["PolicyNames"]:
        clinic.iam(research).delete_role_policy(RoleName=LAUNCH_ROLE, PolicyName=policy)
    clinic.iam(research).delete_role(RoleName=LAUNCH_ROLE)
    clinic.iam(forecasting).update_assume_role_policy(
        RoleName=LAUNCH_ROLE, PolicyDocument=trust("lambda.amazonaws.com")
    )
    nothing = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}
    (policy,) = clinic.iam(staging).list_role_policies(RoleName=LAUNCH_ROLE)["PolicyNames"]
    clinic.iam(staging).put_role_policy(
        RoleName=LAUNCH_ROLE,
        PolicyName=policy,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [nothing]}),
    )
    clinic.iam(forecasting).delete_role(RoleName=EXECUTION_ROLE)
    # 5: the share carries no principals.
    hub.client(region=AMERICA).update_portfolio_share(
        PortfolioId=clinic.portfolio(AMERICA),
        OrganizationNode={
            "Type": "ORGANIZATIONAL_UNIT",
            "Value": hub.organization.ous["data-science"],
        },
        SharePrincipals=False,
    )
    # 6 and 7: assets that other accounts cannot read.
    hub.client("s3", region=EUROPE).delete_bucket_policy(Bucket=f"acme-catalog-{EUROPE}")
    key = hub.client("kms", region=AMERICA).create_key()["KeyMetadata"]["Arn"]
    s3 = hub.client("s3", region=AMERICA)
    bucket = f"acme-catalog-{AMERICA}"
    for item in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        s3.put_object(
            Bucket=bucket,
            Key=item["Key"],
            Body=body,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key,
        )
    # 8: Studio does not list the product.
    client = hub.client(region=EUROPE)
    (product,) = client.search_products_as_admin()["ProductViewDetails"]
    client.update_product(
        Id=product["ProductViewSummary"]["ProductId"], RemoveTags=["sagemaker:studio-visibility"]
    )
    # 9: no room for another pattern.
    for number in range(9):
        client.associate_principal_with_portfolio(
            PortfolioId=clinic.portfolio(EUROPE),
            PrincipalARN=f"arn:aws:iam:::role/team-{number}-*",
            PrincipalType="IAM_PATTERN",
        )
    # 10: the only version cannot be launched.
    product_id = product["ProductViewSummary"]["ProductId"]
    (version,) = client.list_provisioning_artifacts(ProductId=product_id)[
        "ProvisioningArtifactDetails"
    ]
    client.update_provisioning_artifact(
        ProductId=product_id, ProvisioningArtifactId=version["Id"], Active=False
    )
    everyone = (research, forecasting, staging)
    assert clinic.found() == {
        (Check.LAUNCH_ROLE, research, None),
        (Check.LAUNCH_ROLE_TRUST, forecasting, None),
        (Check.LAUNCH_ROLE_POLICY, staging, None),
        (Check.PRINCIPAL, forecasting, EUROPE),
        (Check.PRINCIPAL, forecasting, AMERICA),
        (Check.LAUNCH_PATH, research, AMERICA),
        (Check.LAUNCH_PATH, staging, AMERICA),
        *((Check.ASSETS, account, EUROPE) for account in everyone),
        *((Check.ENCRYPTION_KEY, account, AMERICA) for account in everyone),
        *((Check.STUDIO_TAG, account, EUROPE) for account in everyone),
        (Check.QUOTA, hub.account, EUROPE),
        *((Check.LAUNCH_PATH, account, EUROPE) for account in everyone),
    }
    assert all(finding.fix for finding in diagnose(clinic.facts()).findings)


def test_a_hub_without_its_office_an_unreachable_account_and_lost_tags_are_found(clinic):
    hub = clinic.hub
    research, staging = clinic.members["research"], clinic.members["staging"]
    clinic.iam(staging).update_assume_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyDocument=trust("ec2.amazonaws.com")
    )
    hub.local.switches.imported_product_tags = "lost"
    clinic.aws = clinic.publisher()
    found = clinic.found()
    assert (Check.ACCOUNT_REACHABLE, staging, None) in found
    assert (Check.STUDIO_TAG, research, EUROPE) in found
    # With the office go the shares that its holder made.
    management = hub.client("organizations", account=hub.organization.management)
    management.deregister_delegated_administrator(
        AccountId=hub.account, ServicePrincipal="servicecatalog.amazonaws.com"
    )
    found = clinic.found()
    assert (Check.DELEGATED_ADMINISTRATOR, hub.account, None) in found
    assert (Check.SHARE, research, AMERICA) in found


def test_what_is_not_published_yet_is_said_once_per_portfolio_and_place(clinic):
    facts = clinic.facts()
    empty = replace(facts.observed.regions[EUROPE], portfolios=(), products=())
    regions = {**facts.observed.regions, EUROPE: empty}
    diagnosis = diagnose(replace(facts, observed=replace(facts.observed, regions=regions)))
    assert {f.check for f in diagnosis.findings} == {Check.PUBLISHED}
    assert {r.region for r in diagnosis.readiness if r.ready} == {AMERICA}


def test_access_of_service_catalog_to_the_organisation_must_be_on(clinic):
    facts = clinic.facts()
    for access in ("DISABLED", "UNDER_CHANGE", None):
        organisation = Organisation(
            management="", administrators=frozenset([facts.hub]), access=access
        )
        (finding,) = diagnose(replace(facts, organisation=organisation)).findings
        assert finding.check is Check.ORGANISATION_ACCESS


def test_a_pattern_covers_a_role_as_service_catalog_reads_it():
    arn = "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-1"
    assert matches(pattern="arn:aws:iam:::role/*sagemaker*", arn=arn.lower())
    assert matches(pattern="arn:aws:iam:::role/*/AmazonSageMaker-ExecutionRole-??", arn=arn)
    assert matches(pattern=arn, arn=arn)
    assert not matches(pattern="arn:aws:iam:::role/AmazonSageMaker-*", arn=arn)
    assert not matches(pattern="arn:aws:iam:::role/*Role", arn=arn)
    assert not matches(pattern=arn.replace("1111", "9999"), arn=arn)


def test_only_what_is_allowed_is_trusted():
    document = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": ["a.amazonaws.com", "b.amazonaws.com"]}},
            {"Effect": "Allow", "Principal": "*"},
            {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        ]
    }
    assert trusted(document) == {"a.amazonaws.com", "b.amazonaws.com", "*"}
    assert trusted({"Statement": document["Statement"][0]}) == {
        "a.amazonaws.com",
        "b.amazonaws.com",
    }
