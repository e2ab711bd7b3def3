"""Projects from Service Catalog products."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest


@pytest.fixture
def product(workshop: Any) -> str:
    return str(workshop.product())


def _details(product: str, **kwargs: Any) -> dict[str, Any]:
    return {"ServiceCatalogProvisioningDetails": {"ProductId": product, **kwargs}}


def test_a_project_from_create_to_completed(workshop: Any, product: str) -> None:
    made = workshop.create(
        **_details(product, ProvisioningParameters=[{"Key": "Suffix", "Value": "x"}]),
        ProjectDescription="About churn",
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    assert made["ProjectId"].startswith("p-")
    assert len(made["ProjectId"]) == len("p-") + 12
    assert made["ProjectArn"] == f"arn:aws:sagemaker:us-east-1:{workshop.account}:project/Churn"
    started = workshop.user.describe_project(ProjectName="Churn")
    assert started["ProjectStatus"] == "CreateInProgress"
    assert started["CreatedBy"]["IamIdentity"]["Arn"].startswith("arn:aws:sts::")
    project = workshop.end()
    assert project["ProjectStatus"] == "CreateCompleted"
    assert project["ProjectDescription"] == "About churn"
    assert project["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"].startswith("pa-")
    assert workshop.topics() == {f"Churn-{made['ProjectId']}-x"}
    provisioned = workshop.sc.describe_provisioned_product(
        Id=project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    )["ProvisionedProductDetail"]
    assert provisioned["Name"] == f"Churn-{made['ProjectId']}"
    stack = workshop.cfn.describe_stacks(StackName=f"SC-{workshop.account}-{provisioned['Id']}")[
        "Stacks"
    ][0]
    tags = {t["Key"]: t["Value"] for t in stack["Tags"]}
    assert tags["sagemaker:project-name"] == "Churn"
    assert tags["sagemaker:project-id"] == made["ProjectId"]
    assert tags["cost"] == "7"


def test_a_failed_launch_says_why(workshop: Any, product: str) -> None:
    workshop.iam.put_role_policy(
        RoleName="launch",
        PolicyName="inline",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*",'
        '"Action":["cloudformation:*","s3:GetObject"]}]}',
    )
    workshop.create(**_details(product))
    project = workshop.end()
    assert project["ProjectStatus"] == "CreateFailed"
    message = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert message.startswith(
        "Provisioning failed with error: Errors from CloudFormation: [{LogicalResourceId : "
    )
    assert "sns:CreateTopic" in message
    assert workshop.topics() == set()


def test_what_service_catalog_refuses_at_once(workshop: Any, product: str, refused: Any) -> None:
    code, create = "ValidationException", workshop.create
    message = refused(code, create, **_details(product, ProvisioningArtifactId="pa-none"))
    assert message == "Provisioning artifact pa-none does not exist or access was denied."
    refused(code, create, **_details("prod-none"))
    message = refused(
        code, create, **_details(product, ProvisioningParameters=[{"Key": "Suffix", "Value": "X"}])
    )
    assert "must match pattern" in message
    workshop.iam.delete_role_policy(RoleName="launch", PolicyName="inline")
    workshop.iam.delete_role(RoleName="launch")
    message = refused(code, create, **_details(product))
    arn = f"arn:aws:iam::{workshop.account}:role/launch"
    assert message == f"Access denied while assuming the role {arn}"
    # Nothing is left of the refused attempts.
    assert workshop.user.list_projects()["ProjectSummaryList"] == []


def test_a_role_without_a_launch_path(workshop: Any, product: str, refused: Any) -> None:
    statement = {"Effect": "Allow", "Action": ["servicecatalog:*", "sagemaker:*"], "Resource": "*"}
    arn = workshop.role("stranger", "sagemaker.amazonaws.com", [statement])
    stranger = workshop.aws.session(account=workshop.account, role_arn=arn).client("sagemaker")
    refused("ValidationException", stranger.create_project, ProjectName="X", **_details(product))


def test_a_role_that_may_not_provision(workshop: Any, product: str, refused: Any) -> None:
    statement = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    arn = workshop.role("sagemaker-limited", "sagemaker.amazonaws.com", [statement])
    limited = workshop.aws.session(account=workshop.account, role_arn=arn).client("sagemaker")
    message = refused(
        "AccessDeniedException", limited.create_project, ProjectName="X", **_details(product)
    )
    assert "servicecatalog:" in message


def test_names(workshop: Any, product: str, refused: Any) -> None:
    code = "ValidationException"
    for name in ("has_underscore", "-dash", "x" * 33):
        refused(code, workshop.create, name=name, **_details(product))
    refused(code, workshop.create)
    refused(code, workshop.user.describe_project, ProjectName="Nobody")
    workshop.create(**_details(product))
    refused(code, workshop.create, **_details(product))
    workshop.end()


def test_update_takes_the_latest_version_and_keeps_parameters(workshop: Any, product: str) -> None:
    made = workshop.create(
        **_details(product, ProvisioningParameters=[{"Key": "Suffix", "Value": "kept"}])
    )
    workshop.end()
    body = """
Parameters:
  SageMakerProjectName: {Type: String}
  SageMakerProjectId: {Type: String}
  Suffix: {Type: String}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub '${SageMakerProjectName}-v2-${Suffix}'}
"""
    version = workshop.version(product, body)
    workshop.user.update_project(ProjectName="Churn", ServiceCatalogProvisioningUpdateDetails={})
    project = workshop.end()
    assert project["ProjectStatus"] == "UpdateCompleted", project
    assert project["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"] == version
    assert workshop.topics() == {"Churn-v2-kept"}
    assert project["ProjectId"] == made["ProjectId"]


def test_a_failed_update(workshop: Any, product: str) -> None:
    workshop.create(**_details(product))
    workshop.end()
    broken = "Resources: {T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: 'not a name'}}}"
    workshop.version(product, broken)
    workshop.user.update_project(ProjectName="Churn", ServiceCatalogProvisioningUpdateDetails={})
    project = workshop.end()
    assert project["ProjectStatus"] == "UpdateFailed"
    assert (
        "Errors from CloudFormation"
        in (project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"])
    )


def test_a_description_alone_launches_nothing(workshop: Any, product: str) -> None:
    workshop.create(**_details(product))
    workshop.end()
    workshop.user.update_project(ProjectName="Churn", ProjectDescription="New")
    project = workshop.user.describe_project(ProjectName="Churn")
    assert project["ProjectDescription"] == "New"
    assert project["ProjectStatus"] == "CreateCompleted"


def test_one_thing_at_a_time(workshop: Any, product: str, refused: Any) -> None:
    workshop.create(**_details(product))
    for call, arguments in (
        (workshop.user.delete_project, {}),
        (workshop.user.update_project, {"ProjectDescription": "New"}),
    ):
        refused("ConflictException", call, ProjectName="Churn", **arguments)
    workshop.end()


def test_delete(workshop: Any, product: str, refused: Any) -> None:
    workshop.create(**_details(product))
    workshop.end()
    workshop.user.delete_project(ProjectName="Churn")
    assert workshop.end()["ProjectStatus"] == "DeleteCompleted"
    assert workshop.topics() == set()
    assert workshop.user.list_projects()["ProjectSummaryList"] == []
    # The name is free again.
    workshop.create(**_details(product))
    assert workshop.end()["ProjectStatus"] == "CreateCompleted"


def test_delete_of_a_project_whose_product_was_terminated(workshop: Any, product: str) -> None:
    workshop.create(**_details(product))
    project = workshop.end()
    provisioned = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductId"]
    workshop.sc.terminate_provisioned_product(ProvisionedProductId=provisioned)
    workshop.wait(lambda: workshop.topics() == set())
    assert workshop.aws.settle()
    workshop.user.delete_project(ProjectName="Churn")
    assert workshop.end()["ProjectStatus"] == "DeleteCompleted"


def test_a_delete_that_fails(workshop: Any, product: str) -> None:
    workshop.create(**_details(product))
    workshop.end()
    workshop.iam.delete_role_policy(RoleName="launch", PolicyName="inline")
    workshop.iam.delete_role(RoleName="launch")
    workshop.user.delete_project(ProjectName="Churn")
    assert workshop.end()["ProjectStatus"] == "DeleteFailed"


def test_list_filters_sorts_and_pages(workshop: Any, product: str, refused: Any) -> None:
    for name in ("beta", "alpha", "gamma"):
        workshop.create(name, **_details(product))

    def names(**kwargs: Any) -> list[str]:
        page = workshop.user.list_projects(**kwargs)["ProjectSummaryList"]
        return [p["ProjectName"] for p in page]

    assert names() == ["beta", "alpha", "gamma"]
    assert names(SortBy="Name") == ["alpha", "beta", "gamma"]
    assert names(SortBy="Name", SortOrder="Descending") == ["gamma", "beta", "alpha"]
    assert names(NameContains="a") == ["beta", "alpha", "gamma"]
    assert names(NameContains="et") == ["beta"]
    first = workshop.user.list_projects(SortBy="Name", MaxResults=2)
    rest = workshop.user.list_projects(SortBy="Name", MaxResults=2, NextToken=first["NextToken"])
    assert [p["ProjectName"] for p in rest["ProjectSummaryList"]] == ["gamma"]
    refused("ValidationException", workshop.user.list_projects, NextToken="zz/zz")
    created = workshop.user.describe_project(ProjectName="alpha")["CreationTime"]
    hour = timedelta(hours=1)
    assert names(CreationTimeAfter=created - hour, CreationTimeBefore=created + hour) == names()
    assert names(CreationTimeAfter=created + hour) == []
    assert names(CreationTimeBefore=created - hour) == []


def test_quota(workshop: Any, product: str, refused: Any) -> None:
    workshop.aws.service("sagemaker").project_quota = 1
    workshop.create("one", **_details(product))
    refused("ResourceLimitExceeded", workshop.create, name="two", **_details(product))


def test_tags(workshop: Any, product: str, refused: Any) -> None:
    arn = workshop.create(**_details(product), Tags=[{"Key": "a", "Value": "1"}])["ProjectArn"]
    workshop.user.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    workshop.user.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert workshop.user.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    refused("ValidationException", workshop.user.list_tags, ResourceArn=f"{arn}x")
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
    refused("ValidationException", workshop.user.add_tags, ResourceArn=arn, Tags=many)


def test_tags_of_everything_else(workshop: Any) -> None:
    arn = workshop.sm.create_model_package_group(
        ModelPackageGroupName="g", Tags=[{"Key": "a", "Value": "1"}]
    )["ModelPackageGroupArn"]
    workshop.sm.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    workshop.sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert workshop.sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_aws_own_portfolio_is_a_flag(workshop: Any) -> None:
    sm = workshop.user

    def status() -> str:
        return str(sm.get_sagemaker_servicecatalog_portfolio_status()["Status"])

    assert status() == "Disabled"
    sm.enable_sagemaker_servicecatalog_portfolio()
    assert status() == "Enabled"
    sm.disable_sagemaker_servicecatalog_portfolio()
    assert status() == "Disabled"
