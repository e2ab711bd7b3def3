"""The roles stack: one per account, converging from any state, nothing foreign touched."""

import json

import pytest

from catalog.aws import Aws
from catalog.errors import ForeignResource
from catalog.localaws.core.local import LocalAws
from catalog.localaws.organization import build_organization
from catalog.manifest.models import CatalogManifest
from catalog.spokes.accounts import reached_accounts, target_reaches
from catalog.spokes.roles import (
    INLINE_POLICY_LIMIT,
    STACK_NAME,
    StudioRoles,
    roles_template,
)
from catalog.spokes.rollout import apply_roles, observe_roles, plan_roles

REGION = "eu-west-1"
NOBODY_HERE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
TEMPLATE = roles_template(launch_role="LaunchRole")


@pytest.fixture
def local():
    with LocalAws() as aws:
        yield aws


@pytest.fixture
def organization(local):
    return build_organization(
        local, members={"a": "science", "b": "science/nested", "c": "elsewhere"}
    )


@pytest.fixture
def aws(local, organization):
    def factory(credentials, region):
        return local.session_as({k.upper(): v for k, v in credentials.items()}, region=region)

    return Aws(
        session=local.session(account=organization.hub, region=REGION),
        role_for=lambda a: None if a == organization.hub else "OrganizationAccountAccessRole",
        session_factory=factory,
    )


def observed(aws, accounts, template=TEMPLATE):
    return observe_roles(
        aws=aws, accounts=accounts, region=REGION, catalog="acme", template=template
    )


def apply(aws, actions, template=TEMPLATE):
    return apply_roles(aws=aws, actions=actions, region=REGION, catalog="acme", template=template)


def test_the_policy_fits_into_a_role():
    policy = json.loads(TEMPLATE.body)["Resources"]["LaunchRole"]["Properties"]["Policies"][0]
    compact = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
    assert len(compact) <= INLINE_POLICY_LIMIT


def test_only_cloudformation_may_assume_the_studio_launch_role(local, organization, aws):
    account = organization.members["a"]
    studio = StudioRoles(
        launch_role="StudioLaunch", use_policy="StudioUse", bucket_prefix="acme-catalog"
    )
    template = roles_template(launch_role="LaunchRole", studio=studio)
    assert len(template.body) <= 51_200, "CloudFormation's limit of TemplateBody"
    assert apply(aws, plan_roles(observed(aws, [account], template)), template) == {}
    iam = local.session(account=account).client("iam")
    role = iam.get_role(RoleName="StudioLaunch")["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "cloudformation.amazonaws.com"}
    scientist = iam.create_role(
        RoleName="scientist",
        AssumeRolePolicyDocument=NOBODY_HERE.replace("ec2", "sagemaker"),
    )["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="scientist", PolicyArn=f"arn:aws:iam::{account}:policy/StudioUse"
    )
    sts = local.session(account=account, role_arn=scientist, region=REGION).client("sts")
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me")


def test_only_service_catalog_may_assume_the_launch_role():
    trust = json.loads(TEMPLATE.body)["Resources"]["LaunchRole"]["Properties"][
        "AssumeRolePolicyDocument"
    ]
    assert [s["Principal"] for s in trust["Statement"]] == [
        {"Service": "servicecatalog.amazonaws.com"}
    ]


def test_targets_mean_the_active_accounts_below_their_units(local, organization, aws):
    manifest = CatalogManifest.model_validate(
        {
            "catalog": "acme",
            "url": "https://github.com/acme/catalog",
            "organization": organization.organization_id,
            "hub": {"account": organization.hub},
            "regions": [REGION],
            "assets": {"bucket_prefix": "acme-catalog"},
            "portfolios": {
                "ml": {
                    "name": "ML",
                    "provider": "ML",
                    "templates": ["training-pipeline"],
                    "principals": ["arn:aws:iam:::role/Data*"],
                }
            },
            "targets": [{"ou": organization.ous["science"], "portfolios": ["ml"]}],
        }
    )
    expected = sorted([organization.members["a"], organization.members["b"]])
    reaches = target_reaches(aws=aws, manifest=manifest)
    assert list(reached_accounts(reaches)) == expected


def test_roles_reach_every_account_and_a_second_run_changes_nothing(local, organization, aws):
    accounts = (organization.hub, organization.members["a"])
    assert apply(aws, plan_roles(observed(aws, accounts))) == {}
    for account in accounts:
        iam = local.session(account=account).client("iam")
        assert iam.get_role(RoleName="LaunchRole")["Role"]["Path"] == "/"
    mark = local.calls.mark()
    assert plan_roles(observed(aws, accounts)) == ()
    assert local.calls.mutating_since(mark) == []


def test_another_template_is_an_update(local, organization, aws):
    account = organization.members["a"]
    apply(aws, plan_roles(observed(aws, [account])))
    newer = roles_template(launch_role="LaunchRole", permissions_boundary="Boundary")
    actions = plan_roles(observed(aws, [account], newer))
    assert [a.verb for a in actions] == ["update"]
    assert apply(aws, actions, newer) == {}
    policy = (
        local.session(account=account)
        .client("iam")
        .get_role_policy(RoleName="LaunchRole", PolicyName="launch-projects")
    )
    assert "policy/Boundary" in json.dumps(policy["PolicyDocument"])


def test_a_stack_of_that_name_that_is_not_ours_is_refused(local, organization, aws):
    account = organization.members["a"]
    local.session(account=account, region=REGION).client("cloudformation").create_stack(
        StackName=STACK_NAME,
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
    )
    with pytest.raises(ForeignResource, match=STACK_NAME):
        plan_roles(observed(aws, [account]))


def test_a_role_in_the_way_fails_that_account_only_and_a_rerun_finishes(local, organization, aws):
    blocked, free = organization.members["a"], organization.members["b"]
    iam = local.session(account=blocked).client("iam")
    iam.create_role(
        RoleName="LaunchRole",
        AssumeRolePolicyDocument=NOBODY_HERE,
    )
    errors = apply(aws, plan_roles(observed(aws, [blocked, free])))
    assert list(errors) == [blocked]
    assert "LaunchRole" in str(errors[blocked])
    iam.delete_role(RoleName="LaunchRole")
    again = plan_roles(observed(aws, [blocked, free]))
    assert [(a.account, a.verb) for a in again] == [(blocked, "recreate")]
    assert apply(aws, again) == {}


def test_an_account_that_cannot_be_entered_is_reported_beside_the_others(local, organization, aws):
    iam = local.session(account=organization.members["a"]).client("iam")
    iam.update_assume_role_policy(
        RoleName="OrganizationAccountAccessRole",
        PolicyDocument=NOBODY_HERE,
    )
    closed, reached = observed(aws, [organization.members["a"], organization.members["b"]])
    assert closed.state == "unknown"
    assert organization.members["a"] in str(closed.error)
    assert reached.state == "absent"
