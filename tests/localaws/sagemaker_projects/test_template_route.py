"""Projects from CloudFormation templates in S3."""

from __future__ import annotations

from typing import Any

import pytest


def _provider(workshop: Any, **kwargs: Any) -> dict[str, Any]:
    provider = {"TemplateName": "training", "TemplateURL": workshop.url(), **kwargs}
    return {"TemplateProviders": [{"CfnTemplateProvider": provider}]}


def _role(workshop: Any) -> str:
    return f"arn:aws:iam::{workshop.account}:role/stack"


def _detail(project: Any) -> Any:
    return project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]


def test_a_project_as_the_given_role(workshop: Any) -> None:
    made = workshop.create(
        **_provider(workshop, RoleARN=_role(workshop), Parameters=[{"Key": "Suffix", "Value": "x"}])
    )
    project = workshop.end()
    assert project["ProjectStatus"] == "CreateCompleted", project
    assert "ServiceCatalogProvisioningDetails" not in project
    stack = _detail(project)["StackDetail"]
    assert stack["Name"] == f"SP-Churn-{made['ProjectId']}"
    assert stack["StatusMessage"] == "CREATE_COMPLETE"
    assert workshop.topics() == {f"Churn-{made['ProjectId']}-x"}
    described = workshop.cfn.describe_stacks(StackName=stack["Id"])["Stacks"][0]
    tags = {t["Key"]: t["Value"] for t in described["Tags"]}
    assert tags == {"sagemaker:project-name": "Churn", "sagemaker:project-id": made["ProjectId"]}
    assert described["RoleARN"] == _role(workshop)


def test_without_a_role_the_caller_needs_the_rights(workshop: Any) -> None:
    workshop.create(**_provider(workshop))
    project = workshop.end()
    assert project["ProjectStatus"] == "CreateFailed"
    assert "sns:CreateTopic" in _detail(project)["StackDetail"]["StatusMessage"]
    assert workshop.topics() == set()


def test_a_role_that_the_caller_may_not_pass(workshop: Any) -> None:
    statement = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    other = workshop.role("other", "cloudformation.amazonaws.com", [statement])
    workshop.create(**_provider(workshop, RoleARN=other))
    project = workshop.end()
    assert project["ProjectStatus"] == "CreateFailed"
    assert "iam:PassRole" in _detail(project)["StackDetail"]["StatusMessage"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://example.com/template.yaml", "supported Amazon S3 URL"),
        ("https://no-such-bucket.s3.us-east-1.amazonaws.com/x", "S3 error"),
    ],
)
def test_a_template_that_cannot_be_had(workshop: Any, refused: Any, url: str, says: str) -> None:
    provider = {"TemplateName": "t", "TemplateURL": url}
    message = refused(
        "ValidationException",
        workshop.create,
        TemplateProviders=[{"CfnTemplateProvider": provider}],
    )
    assert says in message
    assert workshop.user.list_projects()["ProjectSummaryList"] == []


def test_exactly_one_route(workshop: Any, refused: Any) -> None:
    refused(
        "ValidationException",
        workshop.create,
        **_provider(workshop),
        ServiceCatalogProvisioningDetails={"ProductId": "prod-x"},
    )
    refused("ValidationException", workshop.create, TemplateProviders=[{}])


def test_update_and_delete(workshop: Any, refused: Any) -> None:
    made = workshop.create(**_provider(workshop, RoleARN=_role(workshop)))
    workshop.end()
    update = {"TemplateName": "training", "TemplateURL": workshop.url(key="new.yaml")}
    workshop.user.update_project(
        ProjectName="Churn",
        TemplateProvidersToUpdate=[
            {
                "CfnTemplateProvider": {
                    **update, "Parameters": [{"Key": "Suffix", "Value": "new"}]
                }
            }
        ],
    )  # fmt: skip
    project = workshop.end()
    assert project["ProjectStatus"] == "UpdateCompleted", project
    assert _detail(project)["TemplateURL"].endswith("new.yaml")
    assert workshop.topics() == {f"Churn-{made['ProjectId']}-new"}
    code = "ValidationException"
    refused(
        code,
        workshop.user.update_project,
        ProjectName="Churn",
        ServiceCatalogProvisioningUpdateDetails={},
    )
    refused(
        code,
        workshop.user.update_project,
        ProjectName="Churn",
        TemplateProvidersToUpdate=[{"CfnTemplateProvider": {**update, "TemplateName": "another"}}],
    )
    assert workshop.end()["ProjectStatus"] == "UpdateCompleted"
    workshop.user.delete_project(ProjectName="Churn")
    assert workshop.end()["ProjectStatus"] == "DeleteCompleted"
    assert workshop.topics() == set()
