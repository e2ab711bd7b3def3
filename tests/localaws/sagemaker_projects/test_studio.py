"""What Studio's "Organization templates" lists."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws.sagemaker_projects.studio import organization_templates


def test_products_with_the_tag_that_the_role_may_launch(workshop: Any) -> None:
    assert organization_templates(workshop.session) == []
    product = workshop.product()
    workshop.product(visible=False, name="Hidden")
    found = organization_templates(workshop.session)
    assert [(t.product_id, t.name, t.portfolio, t.version) for t in found] == [
        (product, "Training", "Trainings", "1.0.0")
    ]
    project = workshop.user.create_project(
        ProjectName="Churn",
        ServiceCatalogProvisioningDetails={
            "ProductId": found[0].product_id,
            "ProvisioningArtifactId": found[0].artifact_id,
            "PathId": found[0].path_id,
        },
    )
    assert project["ProjectId"]
    assert workshop.end()["ProjectStatus"] == "CreateCompleted"


def test_the_newest_version_that_may_be_launched(workshop: Any) -> None:
    product = workshop.product()
    version = workshop.version(product, "Resources: {T: {Type: 'AWS::SNS::Topic'}}")
    assert organization_templates(workshop.session)[0].artifact_id == version
    workshop.sc.update_provisioning_artifact(
        ProductId=product, ProvisioningArtifactId=version, Guidance="DEPRECATED"
    )
    assert organization_templates(workshop.session)[0].version == "1.0.0"


def test_a_role_that_may_not_search(workshop: Any) -> None:
    statement = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    arn = workshop.role("sagemaker-blind", "sagemaker.amazonaws.com", [statement])
    session = workshop.aws.session(account=workshop.account, role_arn=arn)
    with pytest.raises(ClientError, match="servicecatalog:SearchProducts"):
        organization_templates(session)
