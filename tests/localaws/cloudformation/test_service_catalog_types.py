"""AWS::ServiceCatalog types that need a product: as Service Catalog shows them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.cloudformation.conftest import ACCOUNT, Stacks

PRODUCT_TEMPLATE = {
    "Resources": {
        "A": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    }
}


@pytest.fixture
def url(stacks: Stacks) -> str:
    s3 = stacks.session.client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=location)
    s3.put_object(Bucket="templates", Key="one", Body=json.dumps(PRODUCT_TEMPLATE).encode())
    return "https://templates.s3.eu-west-1.amazonaws.com/one"


def product(url: str, *versions: str, **more: Any) -> dict[str, Any]:
    artifacts = [
        {"Name": v, "Description": v, "Info": {"LoadTemplateFromURL": f"{url}?v={v}"}}
        for v in versions
    ]
    properties = {
        "Name": "training",
        "Owner": "platform",
        "ProvisioningArtifactParameters": artifacts,
        **more,
    }
    return {"Type": "AWS::ServiceCatalog::CloudFormationProduct", "Properties": properties}


def resources(url: str, *versions: str) -> dict[str, Any]:
    pair = {"PortfolioId": {"Ref": "Portfolio"}, "ProductId": {"Ref": "Product"}}
    return {
        "Portfolio": {
            "Type": "AWS::ServiceCatalog::Portfolio",
            "Properties": {"DisplayName": "ml", "ProviderName": "platform"},
        },
        "Product": product(url, *versions, Description="d"),
        "Association": {
            "Type": "AWS::ServiceCatalog::PortfolioProductAssociation",
            "Properties": pair,
        },
        "Launch": {
            "Type": "AWS::ServiceCatalog::LaunchRoleConstraint",
            "DependsOn": "Association",
            "Properties": {**pair, "LocalRoleName": "launch", "Description": "as launch"},
        },
    }


def artifacts(stacks: Stacks, product_id: str) -> list[str]:
    client = stacks.session.client("servicecatalog")
    found = client.list_provisioning_artifacts(ProductId=product_id)
    return [detail["Name"] for detail in found["ProvisioningArtifactDetails"]]


def test_a_product_in_a_portfolio_under_a_launch_constraint(stacks: Stacks, url: str) -> None:
    client = stacks.session.client("servicecatalog")
    stacks.session.client("iam").create_role(
        RoleName="launch",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "servicecatalog.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )
    assert stacks.create(resources(url, "1.0.0")) == "CREATE_COMPLETE", stacks.reasons()
    ids = stacks.ids()
    view = client.describe_product_as_admin(Id=ids["Product"])["ProductViewDetail"]
    summary = view["ProductViewSummary"]
    assert (summary["Name"], summary["Owner"], summary["ShortDescription"]) == (
        "training",
        "platform",
        "d",
    )
    assert artifacts(stacks, ids["Product"]) == ["1.0.0"]
    portfolios = client.list_portfolios_for_product(ProductId=ids["Product"])["PortfolioDetails"]
    assert [portfolio["Id"] for portfolio in portfolios] == [ids["Portfolio"]]
    constraint = client.describe_constraint(Id=ids["Launch"])
    assert json.loads(constraint["ConstraintParameters"]) == {"LocalRoleName": "launch"}
    assert constraint["ConstraintDetail"]["Owner"] == ACCOUNT

    assert stacks.update(resources(url, "1.0.0", "1.1.0")) == "UPDATE_COMPLETE"
    assert stacks.ids() == ids
    assert artifacts(stacks, ids["Product"]) == ["1.0.0", "1.1.0"]

    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons(summary["Name"])
    assert client.list_portfolios()["PortfolioDetails"] == []
    assert client.search_products_as_admin()["ProductViewDetails"] == []
