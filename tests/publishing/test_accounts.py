"""Portfolios shared with single accounts, and targets that overlap."""

from __future__ import annotations

import json

import pytest

from catalog.localaws.core.faults import Killed
from catalog.localaws.sagemaker_projects.studio import organization_templates, s3_templates
from catalog.manifest import Reach
from catalog.spokes.accounts import reached_accounts, target_reaches

REGION = "eu-west-1"


class Accounts:
    """A hub that shares with member accounts."""

    def __init__(self, hub):
        self.hub = hub
        self.members = hub.organization.members
        self.ous = hub.organization.ous
        hub.aws = hub.publisher(
            role_for=lambda a: None if a == hub.account else "OrganizationAccountAccessRole"
        )

    def target(self, *names, **more):
        accounts = {"accounts": [self.members[n] for n in names]} if names else {}
        return {"portfolios": ["ml"], "distribution": "account", **accounts, **more}

    def desired(self, *targets, **options):
        manifest = self.hub.manifest(regions=[REGION], targets=list(targets))
        reaches = target_reaches(aws=self.hub.aws, manifest=manifest)
        return self.hub.desired(manifest=manifest, reaches=reaches, **options)

    def shares(self):
        client = self.hub.client(region=REGION)
        (portfolio,) = client.list_portfolios()["PortfolioDetails"]
        return {
            share["PrincipalId"]
            for kind in ("ACCOUNT", "ORGANIZATION", "ORGANIZATIONAL_UNIT")
            for share in client.describe_portfolio_shares(PortfolioId=portfolio["Id"], Type=kind)[
                "PortfolioShareDetails"
            ]
        }

    def scientist(self, name):
        """Return a session of an execution role that the portfolio's pattern matches."""
        account = self.members[name]
        iam = self.hub.client("iam", account=account)
        role = iam.create_role(RoleName="sagemaker-user", AssumeRolePolicyDocument=self.hub.trust)
        allow = {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}
        iam.put_role_policy(
            RoleName="sagemaker-user",
            PolicyName="use",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
        )
        return self.hub.local.session(account=account, role_arn=role["Role"]["Arn"])

    def offered(self, session):
        return [t.name for t in organization_templates(session, region=REGION)]


@pytest.fixture
def accounts(hub):
    return Accounts(hub)


def test_an_account_gets_the_portfolio_accepted_and_with_its_principals(accounts):
    session = accounts.scientist("research")
    desired = accounts.desired(accounts.target("research", "forecasting"))
    plan = accounts.hub.publish(desired)
    assert accounts.offered(session) == ["Train"]
    assert accounts.shares() == {accounts.members["research"], accounts.members["forecasting"]}
    spoke = [a.kind.value for a in plan.actions if a.account == accounts.members["research"]]
    assert spoke == ["share.accept", "principal.associate"]
    mark = accounts.hub.local.calls.mark()
    assert accounts.hub.publish(desired).empty
    assert accounts.hub.local.calls.mutating_since(mark) == []


def test_drift_in_an_account_is_undone(accounts):
    session = accounts.scientist("research")
    desired = accounts.desired(accounts.target("research"))
    accounts.hub.publish(desired)
    client = accounts.hub.client(account=accounts.members["research"], region=REGION)
    (portfolio,) = client.list_accepted_portfolio_shares()["PortfolioDetails"]
    client.associate_principal_with_portfolio(
        PortfolioId=portfolio["Id"],
        PrincipalARN="arn:aws:iam:::role/*",
        PrincipalType="IAM_PATTERN",
    )
    plan = accounts.hub.publish(desired)
    assert [a.kind.value for a in plan.actions] == ["principal.disassociate"]
    client.reject_portfolio_share(PortfolioId=portfolio["Id"])
    assert accounts.offered(session) == []
    plan = accounts.hub.publish(desired)
    assert [a.kind.value for a in plan.actions] == ["share.accept", "principal.associate"]
    assert accounts.offered(session) == ["Train"]
    assert accounts.hub.plan(desired).empty


@pytest.mark.parametrize("first", ["organization", "account"])
def test_a_change_of_distribution_converges_and_says_what_it_means(accounts, first):
    session = accounts.scientist("research")
    ways = {
        "organization": {"ou": accounts.ous["data-science"], "portfolios": ["ml"]},
        "account": accounts.target("research"),
    }
    accounts.hub.publish(accounts.desired(ways.pop(first)))
    before = organization_templates(session, region=REGION)
    (second,) = ways.values()
    desired = accounts.desired(second)
    plan = accounts.hub.publish(desired)
    kinds = [a.kind.value for a in plan.actions]
    assert kinds[-1] == "share.delete", "what goes does so last"
    assert any("Product and version ids stay" in note for note in plan.notes)
    after = organization_templates(session, region=REGION)
    assert [(t.product_id, t.artifact_id) for t in after] == [
        (t.product_id, t.artifact_id) for t in before
    ]
    assert accounts.hub.plan(desired).empty


def test_the_widest_share_wins_and_the_plan_says_so(accounts):
    nested = accounts.ous["data-science/pre-production"]
    desired = accounts.desired(
        {"ou": nested, "portfolios": ["ml"]},
        {"ou": accounts.ous["data-science"], "portfolios": ["ml"]},
        accounts.target("research"),
    )
    plan = accounts.hub.publish(desired)
    assert accounts.shares() == {accounts.ous["data-science"]}
    assert any(nested in note and "none of its own" in note for note in plan.notes)
    assert any(accounts.members["research"] in note for note in plan.notes)
    assert accounts.hub.plan(desired).empty


def test_exclusions_and_closed_accounts_are_left_out_and_new_ones_join(accounts):
    organization = accounts.hub.organization
    target = accounts.target(
        ou=accounts.ous["data-science"],
        exclude={
            "accounts": [accounts.members["forecasting"]],
            "ous": [accounts.ous["data-science/pre-production"]],
        },
    )
    accounts.hub.publish(accounts.desired(target))
    assert accounts.shares() == {accounts.members["research"]}
    client = accounts.hub.client("organizations", account=organization.management)
    client.move_account(
        AccountId=accounts.members["staging"],
        SourceParentId=accounts.ous["data-science/pre-production"],
        DestinationParentId=accounts.ous["data-science"],
    )
    client.close_account(AccountId=accounts.members["research"])
    accounts.hub.publish(accounts.desired(target))
    assert accounts.shares() == {accounts.members["staging"]}


def test_an_organization_target_asks_nothing_of_its_accounts(accounts):
    manifest = accounts.hub.manifest()
    reaches = target_reaches(aws=accounts.hub.aws, manifest=manifest)
    assert set(reached_accounts(reaches)) == set(accounts.members.values())
    publisher = accounts.hub.publisher()
    accounts.hub.publish(accounts.hub.desired(manifest=manifest, reaches=reaches), aws=publisher)
    assert {account for account, *_ in publisher.calls} == {accounts.hub.account}


def test_an_account_that_appears_twice_is_shared_with_once(accounts):
    research = accounts.members["research"]
    manifest = accounts.hub.manifest(
        regions=[REGION],
        targets=[accounts.target("research"), accounts.target(ou=accounts.ous["data-science"])],
    )
    both = Reach(accounts=frozenset([research]))
    desired = accounts.hub.desired(manifest=manifest, reaches=[both, both])
    (portfolio,) = desired.regions[REGION].portfolios
    assert [share.node for share in portfolio.shares] == [research]


@pytest.mark.parametrize("after", [False, True])
def test_a_publish_that_dies_again_and_again_ends_where_one_run_would(accounts, after):
    """Every run begins what the last one left, whichever call that died with."""
    arn = accounts.hub.client(
        "sagemaker", account=accounts.members["research"], region=REGION
    ).create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": "arn:aws:iam::111111111111:role/x"},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
    )["DomainArn"]
    session = accounts.scientist("research")
    desired = accounts.desired(
        accounts.target("research", "forecasting"),
        accounts.target("research", distribution="studio-s3"),
    )
    deaths = 0
    while True:
        accounts.hub.local.faults.clear()
        # Without an effect of its own, each run must get one call further than the last.
        number = 1 if after else deaths + 1
        rule = accounts.hub.local.faults.kill_at(number, after=after)
        try:
            accounts.hub.publish(desired)
        except Killed:
            deaths += 1
        if not rule.hits:
            break
    assert deaths > 4
    assert accounts.hub.plan(desired).empty
    assert accounts.offered(session) == ["Train"]
    assert accounts.shares() == {accounts.members["research"], accounts.members["forecasting"]}
    (template,) = s3_templates(
        accounts.hub.local.session(account=accounts.members["research"]),
        domain_arn=arn,
        region=REGION,
    )
    assert template.name.startswith("train_")
