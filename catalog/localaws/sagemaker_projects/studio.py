"""What SageMaker Studio's "Organization templates" lists, asked with ordinary client calls.

Studio's own call is not public. What is documented: a template is listed when its product carries
the tag `sagemaker:studio-visibility=true` and the Studio execution role has access to it. Of the
operations a user may call, SearchProducts and DescribeProduct answer no tags; ListLaunchPaths
does ("the tags associated with this product used by the portfolio"), so the list here is the
search as the execution role, narrowed by the tags of the launch paths. DescribeProductAsAdmin also
answers tags, but is an administrator's call, which an execution role does not have.

Source: docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import boto3

LOCATION_TAG = "sagemaker:projectS3TemplatesLocation"
VISIBILITY_TAG = ("sagemaker:studio-visibility", "true")


@dataclass(frozen=True, kw_only=True)
class OrganizationTemplate:
    """One entry of the list, with what CreateProject needs of it.

    Attributes:
        path_id: the launch path, which names the portfolio the template comes from.
        artifact_id: the newest version that may be launched; empty when there is none.
        version: that version's name.
    """

    product_id: str
    name: str
    owner: str
    description: str
    path_id: str
    portfolio: str
    artifact_id: str
    version: str


def organization_templates(
    session: boto3.Session, *, region: str | None = None
) -> list[OrganizationTemplate]:
    """Return what Studio would list to the principal of `session`, sorted by name.

    Args:
        session: of a Studio execution role.
        region: the session's own by default.

    Raises:
        botocore.exceptions.ClientError: when the principal lacks servicecatalog:SearchProducts,
            ListLaunchPaths or DescribeProduct.
    """
    client = session.client("servicecatalog", region_name=region)
    found = [t for summary in _products(client) for t in _visible(client, summary)]
    return sorted(found, key=lambda t: (t.name, t.portfolio, t.product_id))


def _products(client: Any) -> Iterator[Any]:
    # botocore has no paginator for SearchProducts.
    page = client.search_products()
    yield from page["ProductViewSummaries"]
    while token := page.get("NextPageToken"):
        page = client.search_products(PageToken=token)
        yield from page["ProductViewSummaries"]


def _visible(client: Any, summary: Any) -> Iterator[OrganizationTemplate]:
    pages = client.get_paginator("list_launch_paths").paginate(ProductId=summary["ProductId"])
    for page in pages:
        for path in page["LaunchPathSummaries"]:
            if VISIBILITY_TAG in {(t["Key"], t["Value"]) for t in path.get("Tags", [])}:
                latest = _latest(client, summary["ProductId"])
                yield OrganizationTemplate(
                    product_id=summary["ProductId"],
                    name=summary["Name"],
                    owner=summary["Owner"],
                    description=summary.get("ShortDescription", ""),
                    path_id=path["Id"],
                    portfolio=path["Name"],
                    artifact_id=latest.get("Id", ""),
                    version=latest.get("Name", ""),
                )


def _latest(client: Any, product_id: str) -> dict[str, Any]:
    versions = client.describe_product(Id=product_id)["ProvisioningArtifacts"]
    usable = [v for v in versions if v.get("Guidance") != "DEPRECATED"]
    return max(usable, key=lambda v: v["CreatedTime"], default={})


@dataclass(frozen=True, kw_only=True)
class S3Template:
    """One template of the tab that lists templates from Amazon S3.

    Attributes:
        name: the object's name.
        url: what CreateProject takes as TemplateURL.
    """

    name: str
    url: str


def s3_templates(session: boto3.Session, *, domain_arn: str, region: str) -> list[S3Template]:
    """Return the templates that a domain's tag leads the principal of `session` to, by name.

    Args:
        session: of a Studio execution role.
        domain_arn: ARN of the user's Studio domain.
        region: the domain's.

    Raises:
        botocore.exceptions.ClientError: when the principal lacks sagemaker:ListTags,
            s3:ListBucket or s3:GetObjectTagging.
    """
    tags = session.client("sagemaker", region_name=region).list_tags(ResourceArn=domain_arn)["Tags"]
    location = next((t["Value"] for t in tags if t["Key"] == LOCATION_TAG), None)
    if location is None:
        return []
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    s3 = session.client("s3", region_name=region)
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for key in (item["Key"] for item in page.get("Contents", ())):
            shown = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            if VISIBILITY_TAG in {(t["Key"], t["Value"]) for t in shown}:
                url = f"https://{bucket}.s3.{region}.amazonaws.com/{quote(key)}"
                found.append(S3Template(name=key.rpartition("/")[2], url=url))
    return sorted(found, key=lambda t: t.name)
