"""What Studio lists in a member account, through a portfolio that the hub shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization
from catalog.localaws.sagemaker_projects.studio import organization_templates

TEMPLATE = b"Resources: {T: {Type: 'AWS::SNS::Topic'}}"
REGION = "us-east-1"


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []


@pytest.fixture(scope="module")
def organization(aws: LocalAws) -> Organization:
    return build_organization(aws)


@pytest.fixture(scope="module")
def product(aws: LocalAws, organization: Organization) -> str:
    """A visible product, shared with the whole organisation and with its patterns."""

    def wait(predicate: Callable[[], Any]) -> None:
        assert aws.wait(lambda: bool(predicate()), 10)

    management = aws.session(account=organization.management, region=REGION)
    access = management.client("servicecatalog")
    access.enable_aws_organizations_access()
    wait(lambda: access.get_aws_organizations_access_status()["AccessStatus"] == "ENABLED")
    hub = aws.session(account=organization.hub, region=REGION)
    hub.client("s3").create_bucket(Bucket="hub-templates")
    hub.client("s3").put_object(Bucket="hub-templates", Key="t.yaml", Body=TEMPLATE)
    sc = hub.client("servicecatalog")
    portfolio = sc.create_portfolio(DisplayName="ML", ProviderName="Platform")["PortfolioDetail"]
    detail = sc.create_product(
        Name="Training",
        Owner="Platform",
        ProductType="CLOUD_FORMATION_TEMPLATE",
        Tags=[{"Key": "sagemaker:studio-visibility", "Value": "true"}],
        ProvisioningArtifactParameters={
            "Name": "1.0.0",
            "Info": {
                "LoadTemplateFromURL": "https://hub-templates.s3.us-east-1.amazonaws.com/t.yaml"
            },
        },
    )["ProductViewDetail"]
    made = str(detail["ProductViewSummary"]["ProductId"])
    sc.associate_product_with_portfolio(PortfolioId=portfolio["Id"], ProductId=made)
    sc.associate_principal_with_portfolio(
        PortfolioId=portfolio["Id"],
        PrincipalARN="arn:aws:iam:::role/*sagemaker*",
        PrincipalType="IAM_PATTERN",
    )
    token = sc.create_portfolio_share(
        PortfolioId=portfolio["Id"],
        OrganizationNode={"Type": "ORGANIZATION", "Value": organization.organization_id},
        SharePrincipals=True,
    )["PortfolioShareToken"]
    wait(
        lambda: (
            sc.describe_portfolio_share_status(PortfolioShareToken=token)["Status"] == "COMPLETED"
        )
    )
    return made


def _session(aws: LocalAws, *, account: str, role: str) -> Any:
    iam = aws.session(account=account, region=REGION).client("iam")
    statements = {
        "AssumeRolePolicyDocument": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
        "PolicyDocument": {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"},
    }
    documents = {
        name: json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        for name, statement in statements.items()
    }
    made = iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=documents["AssumeRolePolicyDocument"]
    )
    iam.put_role_policy(
        RoleName=role, PolicyName="inline", PolicyDocument=documents["PolicyDocument"]
    )
    return aws.session(account=account, region=REGION, role_arn=made["Role"]["Arn"])


@pytest.mark.parametrize("switch", ["visible", "lost"])
def test_it_depends_on_whether_tags_reach_the_recipient(
    aws: LocalAws, organization: Organization, product: str, switch: Any
) -> None:
    account = next(iter(organization.members.values()))
    session = _session(aws, account=account, role=f"sagemaker-{switch}")
    aws.switches.imported_product_tags = switch
    found = [t.product_id for t in organization_templates(session)]
    assert found == ([product] if switch == "visible" else [])


def test_a_role_that_no_pattern_matches_sees_nothing(
    aws: LocalAws, organization: Organization, product: str
) -> None:
    aws.switches.imported_product_tags = "visible"
    account = next(iter(organization.members.values()))
    assert organization_templates(_session(aws, account=account, role="analyst")) == []
    elsewhere = aws.session(account="555555555555", region=REGION)
    assert organization_templates(elsewhere) == []
