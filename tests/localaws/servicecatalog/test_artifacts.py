"""Provisioning artifacts and the templates they are made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


def _create(bench: Any, product: str, name: str = "2") -> Any:
    return bench.sc.create_provisioning_artifact(ProductId=product, Parameters=bench.artifact(name))


def test_an_artifact_is_creating_then_available(bench: Any) -> None:
    product, _ = bench.product()
    made = _create(bench, product)
    artifact = made["ProvisioningArtifactDetail"]["Id"]
    assert made["Status"] == "CREATING"
    assert list(made["Info"]) == ["LoadTemplateFromURL"]
    bench.wait(lambda: bench.artifact_status(product, artifact) == "AVAILABLE")
    described = bench.sc.describe_provisioning_artifact(
        ProductId=product,
        ProvisioningArtifactId=artifact,
        IncludeProvisioningArtifactParameters=True,
    )
    assert described["Info"] == {"TemplateUrl": made["Info"]["LoadTemplateFromURL"]}
    assert described["ProvisioningArtifactDetail"]["Guidance"] == "DEFAULT"
    parameter = described["ProvisioningArtifactParameters"][0]
    assert parameter["ParameterKey"] == "Name"
    assert parameter["DefaultValue"] == "topic"
    assert parameter["ParameterConstraints"]["AllowedPattern"] == "[a-z]+"


def test_creation_may_fail(bench: Any) -> None:
    bench.service.failing_artifacts.add("broken")
    product, _ = bench.product()
    artifact = _create(bench, product, "broken")["ProvisioningArtifactDetail"]["Id"]
    bench.wait(lambda: bench.artifact_status(product, artifact) == "FAILED")


def test_of_two_created_at_once_only_the_first_stays(bench: Any, refused: Any) -> None:
    product, _ = bench.product()
    bench.aws.faults.transition_seconds = 0.3
    kept = _create(bench, product)["ProvisioningArtifactDetail"]["Id"]
    lost = _create(bench, product, "3")["ProvisioningArtifactDetail"]["Id"]
    assert bench.artifact_status(product, lost) == "CREATING"

    def names() -> list[str]:
        found = bench.sc.list_provisioning_artifacts(ProductId=product)
        return [a["Name"] for a in found["ProvisioningArtifactDetails"]]

    bench.wait(lambda: names() == ["1", "2"])
    refused(
        "ResourceNotFoundException",
        bench.sc.describe_provisioning_artifact,
        ProductId=product,
        ProvisioningArtifactId=lost,
    )
    bench.wait(lambda: bench.artifact_status(product, kept) == "AVAILABLE")


def test_concurrent_creation_can_be_switched_to_keep_both(bench: Any) -> None:
    bench.aws.switches.concurrent_artifacts = "kept"
    product, _ = bench.product()
    bench.aws.faults.transition_seconds = 0.1
    artifacts = [_create(bench, product, n)["ProvisioningArtifactDetail"]["Id"] for n in "23"]
    for artifact in artifacts:
        bench.wait(lambda a=artifact: bench.artifact_status(product, a) == "AVAILABLE")


def test_list_shows_activity_and_guidance_on_one_page(bench: Any) -> None:
    product, first = bench.product()
    bench.sc.update_provisioning_artifact(
        ProductId=product, ProvisioningArtifactId=first, Active=False, Guidance="DEPRECATED"
    )
    listed = bench.sc.list_provisioning_artifacts(ProductId=product)
    assert "NextPageToken" not in listed
    assert [(a["Active"], a["Guidance"]) for a in listed["ProvisioningArtifactDetails"]] == [
        (False, "DEPRECATED")
    ]


def test_update_changes_texts_and_never_the_template(bench: Any) -> None:
    product, artifact = bench.product()
    names = {"ProductId": product, "ProvisioningArtifactId": artifact}
    before = bench.sc.describe_provisioning_artifact(**names)["Info"]
    answer = bench.sc.update_provisioning_artifact(**names, Name="n", Description="d")
    assert answer["ProvisioningArtifactDetail"]["Name"] == "n"
    assert answer["ProvisioningArtifactDetail"]["Description"] == "d"
    assert answer["Info"] == before


def test_two_versions_of_one_name_are_ambiguous(bench: Any, refused: Any) -> None:
    product, _ = bench.product(version="v1")
    by_name = {"ProductName": "Product", "ProvisioningArtifactName": "v1"}
    assert bench.sc.describe_provisioning_artifact(**by_name)["Status"] == "AVAILABLE"
    _create(bench, product, "v1")
    message = refused(
        "InvalidParametersException", bench.sc.describe_provisioning_artifact, **by_name
    )
    assert message == "Multiple Provisioning Artifact with name v1 found."


def test_the_last_version_cannot_be_deleted(bench: Any, refused: Any) -> None:
    product, first = bench.product()
    delete = bench.sc.delete_provisioning_artifact
    refused("ResourceInUseException", delete, ProductId=product, ProvisioningArtifactId=first)
    _create(bench, product)
    delete(ProductId=product, ProvisioningArtifactId=first)
    refused("ResourceNotFoundException", delete, ProductId=product, ProvisioningArtifactId=first)


@pytest.mark.parametrize(
    "operation",
    [
        "create_provisioning_artifact",
        "describe_provisioning_artifact",
        "update_provisioning_artifact",
        "delete_provisioning_artifact",
        "list_provisioning_artifacts",
    ],
)
def test_unknown_product(bench: Any, refused: Any, operation: str) -> None:
    arguments: dict[str, Any] = {"ProductId": "prod-none"}
    if operation.startswith("create"):
        arguments["Parameters"] = bench.artifact()
    elif not operation.startswith("list"):
        arguments["ProvisioningArtifactId"] = "pa-none"
    refused("ResourceNotFoundException", getattr(bench.sc, operation), **arguments)


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"Nonsense": "x"}, "either"),
        ({"LoadTemplateFromURL": "https://example.com/x.yaml"}, "supported Amazon S3 URL"),
        ({"LoadTemplateFromURL": "s3://bucket/key"}, "supported Amazon S3 URL"),
        ({"LoadTemplateFromURL": "https://no-such.s3.amazonaws.com/x"}, "S3 error"),
        (
            {"LoadTemplateFromURL": "https://b.s3.amazonaws.com/x", "ImportFromPhysicalId": "a"},
            "either",
        ),
    ],
)
def test_a_template_that_cannot_be_had(
    bench: Any, refused: Any, info: dict[str, str], says: str
) -> None:
    product, _ = bench.product()
    message = refused(
        "InvalidParametersException",
        bench.sc.create_provisioning_artifact,
        ProductId=product,
        Parameters={"Name": "2", "Info": info},
    )
    assert says in message


@pytest.mark.parametrize(
    "body",
    [
        "",
        "just text",
        "{]",
        "Resources: {}",
        "Parameters: {P: {Type: Nonsense}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}",
    ],
)
def test_a_template_that_is_none(bench: Any, refused: Any, body: str) -> None:
    product, _ = bench.product()
    message = refused(
        "InvalidParametersException",
        bench.sc.create_provisioning_artifact,
        ProductId=product,
        Parameters=bench.artifact("2", template=body),
    )
    assert message.startswith("Invalid templateBody.")


def test_the_template_is_read_with_the_callers_rights_and_copied(bench: Any, refused: Any) -> None:
    product, artifact = bench.product()
    parameters = bench.artifact("2")
    allowed = {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}
    blind = bench.at(
        role_arn=bench.role("no-s3", service="sagemaker.amazonaws.com", statements=[allowed])
    )
    message = refused(
        "InvalidParametersException",
        blind.sc.create_provisioning_artifact,
        ProductId=product,
        Parameters=parameters,
    )
    assert "S3 error" in message
    bench.session.client("s3").delete_object(
        Bucket=f"templates-{bench.account}-us-east-1", Key="product.yaml"
    )
    described = bench.sc.describe_provisioning_artifact(
        ProductId=product,
        ProvisioningArtifactId=artifact,
        IncludeProvisioningArtifactParameters=True,
    )
    assert described["ProvisioningArtifactParameters"]


@pytest.mark.parametrize(
    "form",
    [
        "https://{bucket}.s3.us-east-1.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "https://s3.amazonaws.com/{bucket}/{key}",
        "https://s3.us-east-1.amazonaws.com/{bucket}/{key}",
        "https://s3-us-east-1.amazonaws.com/{bucket}/{key}",
    ],
)
def test_forms_of_template_urls(bench: Any, form: str) -> None:
    product, _ = bench.product()
    url = form.format(bucket=f"templates-{bench.account}-us-east-1", key="product.yaml")
    bench.sc.create_provisioning_artifact(
        ProductId=product, Parameters={"Name": "2", "Info": {"LoadTemplateFromURL": url}}
    )


def test_quota(bench: Any, refused: Any) -> None:
    bench.service.quotas = replace(bench.service.quotas, artifacts_per_product=1)
    product, _ = bench.product()
    refused(
        "LimitExceededException",
        bench.sc.create_provisioning_artifact,
        ProductId=product,
        Parameters=bench.artifact("2"),
    )
