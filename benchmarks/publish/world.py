"""A hub on the local AWS, and catalogs of any size to publish to it."""

from __future__ import annotations

import hashlib
import json

from catalog.aws import Aws
from catalog.bundles.model import Asset, Bundle, Release
from catalog.localaws import LocalAws
from catalog.localaws.organization import Organization, build_organization
from catalog.manifest import CatalogManifest
from catalog.publishing import DesiredState, desired_state

LAUNCH_ROLE = "SageMakerCatalogLaunchRole"
RELEASE = Release(tag="v1.0.0", catalog_url="https://example.com/catalog")
# About the size of a real product's template, which is what uploads and creates carry.
_FILLER = "# " + "x" * 76 + "\n"
_TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: product {name}
Parameters:
  SageMakerProjectName: {{Type: String}}
  SageMakerProjectId: {{Type: String}}
Resources:
  Group:
    Type: AWS::SageMaker::ModelPackageGroup
    Properties: {{ModelPackageGroupName: !Ref SageMakerProjectName}}
"""


def build_hub(local: LocalAws) -> Organization:
    """Make an organization whose hub can share with OUs and has the launch role."""
    organization = build_organization(local)
    session = local.session(account=organization.management)
    client = session.client("servicecatalog", region_name=organization.home_region)
    client.enable_aws_organizations_access()
    local.wait(lambda: client.get_aws_organizations_access_status()["AccessStatus"] == "ENABLED")
    service = {"Service": "servicecatalog.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    iam = local.session(account=organization.hub).client("iam")
    iam.create_role(
        RoleName=LAUNCH_ROLE,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    return organization


def publisher(local: LocalAws, organization: Organization) -> Aws:
    """Return what calls AWS, with the pacing that users get."""
    return Aws(session=local.session(account=organization.hub))


def catalog_of(products: int, *, organization: Organization) -> DesiredState:
    """Return a catalog of one portfolio with so many products, in two regions."""
    bundles = {f"t{number:02}": _bundle(f"t{number:02}") for number in range(products)}
    manifest = CatalogManifest.model_validate(
        {
            "catalog": "bench",
            "url": RELEASE.catalog_url,
            "organization": organization.organization_id,
            "hub": {"account": organization.hub},
            "regions": list(organization.regions),
            "assets": {"bucket_prefix": "bench-catalog"},
            "portfolios": {
                "ml": {
                    "name": "ML",
                    "provider": "Platform",
                    "templates": list(bundles),
                    "principals": ["arn:aws:iam:::role/*sagemaker*"],
                }
            },
            "targets": [{"ou": organization.ous["data-science"], "portfolios": ["ml"]}],
        }
    )
    return desired_state(manifest=manifest, bundles=bundles, release=RELEASE)


def _bundle(name: str) -> Bundle:
    text = _TEMPLATE.format(name=name) + _FILLER * 250
    digest = hashlib.sha256(text.encode()).hexdigest()
    seed = hashlib.sha256(name.encode()).digest() * 1000
    sha256 = hashlib.sha256(seed).hexdigest()
    return Bundle(
        template=name,
        version="1.0.0",
        digest=digest,
        cloudformation=text,
        assets=(Asset(key=f"seeds/{name}/{sha256}.zip", sha256=sha256, content=seed),),
        parameters=(),
        title=f"Product {name}",
        summary="Measured.",
        owner="Platform",
    )
