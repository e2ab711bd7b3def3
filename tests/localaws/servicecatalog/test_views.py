"""What users see: only what a portfolio gives their role."""

from __future__ import annotations

from typing import Any

import pytest

PATTERN = "arn:aws:iam:::role/*sagemaker*"


def _names(bench: Any) -> list[str]:
    return [s["Name"] for s in bench.sc.search_products()["ProductViewSummaries"]]


def test_administrators_have_no_path_of_themselves(bench: Any, refused: Any) -> None:
    made = bench.make()
    assert _names(bench) == []
    message = refused(
        "ResourceNotFoundException", bench.sc.list_launch_paths, ProductId=made.product
    )
    assert message == f"No launch paths found for resource: {made.product}"


def test_by_role_arn_with_its_path(bench: Any) -> None:
    made = bench.make()
    user, other = bench.user(path="/team/"), bench.user("other")
    bench.grant(made.portfolio, f"arn:aws:iam::{bench.account}:role/team/sagemaker-user")
    assert (_names(user), _names(other)) == (["Product"], [])


def test_by_pattern_in_the_own_account(bench: Any) -> None:
    made = bench.make()
    user, other = bench.user(path="/team/"), bench.user("other")
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    assert (_names(user), _names(other)) == (["Product"], [])


def test_by_pattern_through_an_organisation_share(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    made = hub.make("Shared")
    hub.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    user = member.user("sagemaker-shared")
    node = organised.organization.organization_id
    organised.share(made.portfolio, "ORGANIZATION", node)
    assert "Shared" not in _names(user)
    update = hub.sc.update_portfolio_share(
        PortfolioId=made.portfolio,
        OrganizationNode={"Type": "ORGANIZATION", "Value": node},
        SharePrincipals=True,
    )
    organised.finished(update["PortfolioShareToken"])
    assert "Shared" in _names(user)


def test_by_a_principal_that_the_recipient_associates(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    made = hub.make("Imported")
    hub.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    hub.sc.create_portfolio_share(PortfolioId=made.portfolio, AccountId=member.account)
    user = member.user("sagemaker-imported")
    member.sc.accept_portfolio_share(PortfolioId=made.portfolio)
    assert "Imported" not in _names(user)
    role = f"arn:aws:iam::{member.account}:role/sagemaker-imported"
    member.grant(made.portfolio, role)
    assert "Imported" in _names(user)
    listed = hub.sc.list_principals_for_portfolio(PortfolioId=made.portfolio)["Principals"]
    assert [p["PrincipalARN"] for p in listed] == [PATTERN]


@pytest.mark.parametrize("switch", ["visible", "lost"])
def test_launch_paths_carry_the_tags(organised: Any, switch: str) -> None:
    hub, member = organised.hub, organised.member
    hub.aws.switches.imported_product_tags = switch
    portfolio = hub.portfolio("Paths", Tags=[{"Key": "owner", "Value": "platform"}])
    product, _ = hub.product(Tags=[{"Key": "sagemaker:studio-visibility", "Value": "true"}])
    hub.put_in(portfolio, product)
    hub.grant(portfolio, PATTERN, "IAM_PATTERN")
    organised.share(
        portfolio, "ORGANIZATION", organised.organization.organization_id, SharePrincipals=True
    )
    user = member.user(f"sagemaker-{switch}")
    path = user.sc.list_launch_paths(ProductId=product)["LaunchPathSummaries"][0]
    tags = {t["Key"] for t in path["Tags"]}
    assert tags == {"owner"} | ({"sagemaker:studio-visibility"} if switch == "visible" else set())
    assert path["Id"].startswith("lpv2-")
    assert path["Name"] == "Paths"


def test_describe_product_shows_active_versions_and_paths(bench: Any, refused: Any) -> None:
    made = bench.make()
    user = bench.user()
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    second = bench.sc.create_provisioning_artifact(
        ProductId=made.product, Parameters=bench.artifact("2")
    )["ProvisioningArtifactDetail"]["Id"]
    bench.wait(lambda: bench.artifact_status(made.product, second) == "AVAILABLE")
    bench.sc.update_provisioning_artifact(
        ProductId=made.product, ProvisioningArtifactId=made.artifact, Active=False
    )
    described = user.sc.describe_product(Id=made.product)
    summary = described["ProductViewSummary"]
    assert summary["Id"].startswith("prodview-")
    assert summary["ProductId"] == made.product
    assert [a["Id"] for a in described["ProvisioningArtifacts"]] == [second]
    assert [p["Name"] for p in described["LaunchPaths"]] == ["Products"]
    assert user.sc.describe_product(Name="Product")["ProductViewSummary"] == summary
    view = user.sc.describe_product_view(Id=summary["Id"])
    assert view["ProductViewSummary"] == summary
    for arguments in ({"Id": "prod-none"}, {"Name": "Nobody"}):
        refused("ResourceNotFoundException", user.sc.describe_product, **arguments)
    refused("InvalidParametersException", user.sc.describe_product)
    refused("ResourceNotFoundException", user.sc.describe_product_view, Id="prodview-none")


def test_search_counts_and_filters(bench: Any) -> None:
    made = bench.make("Training")
    other, _ = bench.product("Batch")
    bench.put_in(made.portfolio, other)
    user = bench.user()
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    page = user.sc.search_products(Filters={"FullTextSearch": ["train"]})
    assert [s["Name"] for s in page["ProductViewSummaries"]] == ["Training"]
    page = user.sc.search_products(PageSize=1, SortBy="Title")
    assert [s["Name"] for s in page["ProductViewSummaries"]] == ["Batch"]
    assert page["ProductViewAggregations"]["Vendor"] == [
        {"Value": "Platform", "ApproximateCount": 2}
    ]
    rest = user.sc.search_products(PageSize=1, SortBy="Title", PageToken=page["NextPageToken"])
    assert [s["Name"] for s in rest["ProductViewSummaries"]] == ["Training"]


def test_provisioning_parameters(bench: Any, refused: Any) -> None:
    made = bench.make()
    bench.role("launch")
    bench.constrain(made, {"LocalRoleName": "launch"})
    option = bench.sc.create_tag_option(Key="team", Value="a")["TagOptionDetail"]["Id"]
    bench.sc.associate_tag_option_with_resource(ResourceId=made.portfolio, TagOptionId=option)
    user = bench.user()
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    ask = user.sc.describe_provisioning_parameters
    by_id = {"ProductId": made.product, "ProvisioningArtifactId": made.artifact}
    answer = ask(**by_id)
    assert [p["ParameterKey"] for p in answer["ProvisioningArtifactParameters"]] == ["Name"]
    assert answer["ConstraintSummaries"] == [
        {"Type": "LAUNCH", "Description": "Launch as local role launch"}
    ]
    assert answer["TagOptions"] == [{"Key": "team", "Values": ["a"]}]
    assert [o["Key"] for o in answer["ProvisioningArtifactOutputs"]] == ["Topic"]
    by_name = ask(ProductName="Product", ProvisioningArtifactName="1", PathName="Products")
    by_name.pop("ResponseMetadata")
    answer.pop("ResponseMetadata")
    assert by_name == answer
    missing = "ResourceNotFoundException"
    message = refused(missing, ask, ProductName="X", ProvisioningArtifactName="1")
    assert message == "Product with name X does not exist or access was denied."
    message = refused(missing, ask, ProductId=made.product, ProvisioningArtifactId="pa-x")
    assert message == "Provisioning artifact pa-x does not exist or access was denied."
    refused(missing, ask, **by_id, PathId="lpv2-none")
    refused("InvalidParametersException", ask, ProductId=made.product)
    refused("InvalidParametersException", ask, ProvisioningArtifactId=made.artifact)


def test_parameters_are_refused_while_the_launch_role_is_missing(bench: Any, refused: Any) -> None:
    bench.aws.switches.launch_role_checked = False
    made = bench.make()
    bench.constrain(made, {"LocalRoleName": "launch"})
    user = bench.user()
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    message = refused(
        "InvalidParametersException",
        user.sc.describe_provisioning_parameters,
        ProductId=made.product,
        ProvisioningArtifactId=made.artifact,
    )
    arn = f"arn:aws:iam::{bench.account}:role/launch"
    assert message == f"Access denied while assuming the role {arn}"
