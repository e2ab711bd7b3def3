"""A hub in an organization on the local AWS, and small bundles to publish to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.aws import Aws
from catalog.bundles.model import Asset, Bundle, Release
from catalog.localaws import LocalAws
from catalog.localaws.organization import build_organization
from catalog.manifest import CatalogManifest, load_catalog
from catalog.pacing import Pace
from catalog.publishing import (
    ApplyReport,
    DesiredState,
    Observed,
    Patience,
    Plan,
    apply_plan,
    desired_state,
    make_plan,
    observe,
)

LAUNCH_ROLE = "SageMakerCatalogLaunchRole"
RELEASE = Release(tag="v1.0.0", catalog_url="https://github.com/acme/catalog")
PATIENCE = Patience(first=0.01, longest=0.1, settle=2.0, finish=10.0)
TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: {title} {digest} __CATALOG_RELEASE_TAG__ __CATALOG_URL__
Parameters:
  SageMakerProjectName: {{Type: String}}
  SageMakerProjectId: {{Type: String}}
Resources:
  Group:
    Type: AWS::SageMaker::ModelPackageGroup
    Properties: {{ModelPackageGroupName: !Ref SageMakerProjectName}}
"""


def make_bundle(template: str = "train", *, version: str = "1.0.0", content: str = "", **fields):
    digest = hashlib.sha256(f"{template} {content or version}".encode()).hexdigest()
    seed = f"seed of {template} {digest}".encode()
    sha256 = hashlib.sha256(seed).hexdigest()
    values = {
        "title": template.title(),
        "summary": f"Does {template}.",
        "owner": "ML platform",
        "changelog": f"## {version}\n\n- Works.",
        "tags": {"kind": template},
        "support": {"email": "ml@acme.example"},
    }
    return Bundle(
        template=template,
        version=version,
        digest=digest,
        cloudformation=TEMPLATE.format(title=template, digest=digest),
        assets=(Asset(key=f"seeds/{template}/{sha256}.zip", sha256=sha256, content=seed),),
        parameters=(),
        **{**values, **fields},
    )


class Hub:
    """One organization's hub on a running local AWS."""

    def __init__(self, local: LocalAws, tmp_path: Path) -> None:
        self.local = local
        self.tmp_path = tmp_path
        self.organization = build_organization(local)
        self.account = self.organization.hub
        management = local.session(account=self.organization.management)
        for region in self.organization.regions:
            catalog = management.client("servicecatalog", region_name=region)
            catalog.enable_aws_organizations_access()
            local.wait(
                lambda catalog=catalog: (
                    catalog.get_aws_organizations_access_status()["AccessStatus"] == "ENABLED"
                )
            )
        service = {"Service": "servicecatalog.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
        self.trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        local.session(account=self.account).client("iam").create_role(
            RoleName=LAUNCH_ROLE, AssumeRolePolicyDocument=self.trust
        )
        self.aws = self.publisher()

    def publisher(self, *, role_arn: str | None = None, max_attempts: int = 3, **options) -> Aws:
        session = self.local.session(account=self.account, role_arn=role_arn)

        def factory(credentials: dict[str, str], region: str):
            environment = {name.upper(): value for name, value in credentials.items()}
            return self.local.session_as(environment, region=region)

        pace = Pace(start=2000, ceiling=5000, burst=2000)
        return Aws(
            session=session,
            session_factory=factory,
            max_attempts=max_attempts,
            **{"pace": pace, **options},
        )

    def manifest(self, **replace) -> CatalogManifest:
        """Return a manifest: one portfolio for the OU data-science, with values replaced."""
        data = {
            "catalog": "acme",
            "url": RELEASE.catalog_url,
            "organization": self.organization.organization_id,
            "hub": {"account": self.account},
            "regions": list(self.organization.regions),
            "assets": {"bucket_prefix": "acme-catalog"},
            "portfolios": {
                "ml": {
                    "name": "ML",
                    "provider": "Platform",
                    "description": "Projects.",
                    "templates": ["train"],
                    "principals": ["arn:aws:iam:::role/*sagemaker*"],
                    "tags": {"team": "ml"},
                }
            },
            "targets": [{"ou": self.organization.ous["data-science"], "portfolios": ["ml"]}],
        }
        data.update(replace)
        path = self.tmp_path / "catalog.yml"
        path.write_text(json.dumps(data))
        return load_catalog(path=path)

    def desired(self, *bundles: Bundle, manifest: CatalogManifest | None = None, **options):
        bundles = bundles or (make_bundle(),)
        return desired_state(
            manifest=manifest or self.manifest(),
            bundles={b.template: b for b in bundles},
            **{"release": RELEASE, **options},
        )

    def observe(self, desired: DesiredState, *, aws: Aws | None = None, **options) -> Observed:
        return observe(aws=aws or self.aws, desired=desired, **options)

    def plan(self, desired: DesiredState, *, aws: Aws | None = None, **options) -> Plan:
        return make_plan(desired=desired, observed=self.observe(desired, aws=aws, **options))

    def apply(self, plan: Plan, desired: DesiredState, *, aws: Aws | None = None) -> ApplyReport:
        return apply_plan(
            plan=plan,
            aws=aws or self.aws,
            contents=desired.contents,
            patience=PATIENCE,
            workers=8,
        )

    def publish(self, desired: DesiredState, *, aws: Aws | None = None) -> Plan:
        plan = self.plan(desired, aws=aws)
        self.apply(plan, desired, aws=aws).raise_for_failure()
        return plan

    def client(self, service: str = "servicecatalog", *, account: str = "", region: str = ""):
        session = self.local.session(account=account or self.account)
        return session.client(service, region_name=region or self.organization.regions[0])


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with LocalAws() as local:
        yield Hub(local, tmp_path)
        assert local.bugs == []
        assert local.background_errors == []


@pytest.fixture(name="make_bundle", scope="session")
def make_bundle_fixture():
    """Return the function that makes a small bundle."""
    return make_bundle


@pytest.fixture(scope="session")
def make_hub():
    """Return the function that makes a hub on a local AWS."""
    return Hub
