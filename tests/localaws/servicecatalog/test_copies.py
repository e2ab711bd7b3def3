"""CopyProduct."""

from __future__ import annotations

from typing import Any

TAGS = [{"Key": "sagemaker:studio-visibility", "Value": "true"}]


def _finish(bench: Any, **arguments: Any) -> str:
    token = bench.sc.copy_product(**arguments)["CopyProductToken"]
    assert token.startswith("copyproduct-")

    def status() -> Any:
        return bench.sc.describe_copy_product_status(CopyProductToken=token)

    bench.wait(lambda: status()["CopyProductStatus"] == "SUCCEEDED")
    return str(status()["TargetProductId"])


def _arn(bench: Any, product: str) -> str:
    described = bench.sc.describe_product_as_admin(Id=product)
    return str(described["ProductViewDetail"]["ProductARN"])


def test_a_copy_has_new_ids_and_names_its_sources(bench: Any) -> None:
    product, artifact = bench.product(Tags=TAGS)
    copy = _finish(bench, SourceProductArn=_arn(bench, product), TargetProductName="Copy")
    described = bench.sc.describe_product_as_admin(Id=copy)
    assert described["ProductViewDetail"]["ProductViewSummary"]["Name"] == "Copy"
    assert described["Tags"] == []
    summary = described["ProvisioningArtifactSummaries"][0]
    assert summary["Id"] != artifact
    assert summary["ProvisioningArtifactMetadata"] == {"SourceProvisioningArtifactId": artifact}
    found = bench.sc.search_products_as_admin(Filters={"SourceProductId": [product]})
    assert [d["ProductViewSummary"]["ProductId"] for d in found["ProductViewDetails"]] == [copy]


def test_a_copy_never_follows_its_source(bench: Any) -> None:
    product, _ = bench.product()
    copy = _finish(bench, SourceProductArn=_arn(bench, product))
    bench.sc.create_provisioning_artifact(ProductId=product, Parameters=bench.artifact("2"))
    listed = bench.sc.list_provisioning_artifacts(ProductId=copy)
    assert [a["Name"] for a in listed["ProvisioningArtifactDetails"]] == ["1"]


def test_into_another_region_and_chosen_versions_into_an_existing_product(bench: Any) -> None:
    product, first = bench.product()
    bench.sc.create_provisioning_artifact(ProductId=product, Parameters=bench.artifact("2"))
    there = bench.at(region="eu-west-1")
    copy = _finish(
        there,
        SourceProductArn=_arn(bench, product),
        CopyOptions=["CopyTags"],
        SourceProvisioningArtifactIdentifiers=[{"Id": first}],
    )
    arguments = {"SourceProductArn": _arn(bench, product), "TargetProductId": copy}
    assert _finish(there, **arguments) == copy
    listed = there.sc.list_provisioning_artifacts(ProductId=copy)
    assert sorted(a["Name"] for a in listed["ProvisioningArtifactDetails"]) == ["1", "1", "2"]


def test_across_accounts_what_is_shared_can_be_copied_with_its_tags(
    organised: Any, refused: Any
) -> None:
    hub, member = organised.hub, organised.member
    made = hub.make(Tags=TAGS)
    arn = _arn(hub, made.product)
    refused("ResourceNotFoundException", member.sc.copy_product, SourceProductArn=arn)
    organised.share(made.portfolio, "ORGANIZATION", organised.organization.organization_id)
    copy = _finish(member, SourceProductArn=arn, CopyOptions=["CopyTags"])
    assert member.sc.describe_product_as_admin(Id=copy)["Tags"] == TAGS


def test_errors(bench: Any, refused: Any) -> None:
    product, _ = bench.product()
    arn = _arn(bench, product)
    copy, missing = bench.sc.copy_product, "ResourceNotFoundException"
    refused(missing, copy, SourceProductArn=arn + "x")
    refused(missing, copy, SourceProductArn=arn, TargetProductId="prod-none")
    refused(
        missing, copy, SourceProductArn=arn, SourceProvisioningArtifactIdentifiers=[{"Id": "pa-x"}]
    )
    refused(
        "InvalidParametersException",
        copy,
        SourceProductArn=arn,
        TargetProductId=product,
        TargetProductName="both",
    )
    refused(missing, bench.sc.describe_copy_product_status, CopyProductToken="copyproduct-x")


def test_a_copy_into_a_product_that_goes_away_fails(bench: Any) -> None:
    (source, _), (target, _) = bench.product(), bench.product()
    bench.aws.faults.transition_seconds = 0.2
    token = bench.sc.copy_product(SourceProductArn=_arn(bench, source), TargetProductId=target)[
        "CopyProductToken"
    ]
    bench.sc.delete_product(Id=target)

    def status() -> Any:
        return bench.sc.describe_copy_product_status(CopyProductToken=token)

    assert status()["CopyProductStatus"] == "IN_PROGRESS"
    bench.wait(lambda: status()["CopyProductStatus"] == "FAILED")
    assert target in status()["StatusDetail"]
