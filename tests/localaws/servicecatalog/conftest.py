"""A bench: one account's clients and the few things that every Service Catalog test makes.

Each module shares one local AWS; each test has an account of its own in it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws
from catalog.localaws.core.faults import Switches
from catalog.localaws.organization import Organization, build_organization
from catalog.localaws.servicecatalog import ServiceCatalog
from catalog.localaws.servicecatalog.quotas import Quotas

REGION = "us-east-1"
TEMPLATE = """
Parameters:
  Name: {Type: String, Default: topic, AllowedPattern: '[a-z]+', Description: Its name}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}
Outputs:
  Topic: {Value: !Ref Topic, Description: The topic}
"""
LAUNCH_POLICY = [
    {"Effect": "Allow", "Action": ["cloudformation:*", "sns:*"], "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}},
    },
]


@dataclass(frozen=True, kw_only=True)
class Made:
    """A product in a portfolio."""

    portfolio: str
    product: str
    artifact: str


class Bench:
    """One principal in one account and region."""

    def __init__(
        self,
        aws: LocalAws,
        *,
        account: str,
        region: str = REGION,
        role_arn: str | None = None,
    ) -> None:
        self.aws, self.account, self.region = aws, account, region
        self.session = aws.session(account=account, region=region, role_arn=role_arn)
        self.sc: Any = self.session.client("servicecatalog")

    @property
    def service(self) -> ServiceCatalog:
        return ServiceCatalog.of(self.aws)

    def at(self, **kwargs: Any) -> Bench:
        return Bench(self.aws, **{"account": self.account, "region": self.region, **kwargs})

    def template_url(self, body: str = TEMPLATE, *, key: str = "product.yaml") -> str:
        s3 = self.session.client("s3")
        bucket = f"templates-{self.account}-{self.region}"
        where = {"LocationConstraint": self.region}
        if bucket not in {b["Name"] for b in s3.list_buckets()["Buckets"]}:
            extra = {} if self.region == REGION else {"CreateBucketConfiguration": where}
            s3.create_bucket(Bucket=bucket, **extra)
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        return f"https://{bucket}.s3.{self.region}.amazonaws.com/{key}"

    def portfolio(self, name: str = "Portfolio", **kwargs: Any) -> str:
        made = self.sc.create_portfolio(DisplayName=name, ProviderName="Platform", **kwargs)
        return str(made["PortfolioDetail"]["Id"])

    def product(
        self, name: str = "Product", *, template: str = TEMPLATE, version: str = "1", **kwargs: Any
    ) -> tuple[str, str]:
        made = self.sc.create_product(
            Name=name,
            Owner="Platform",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters=self.artifact(version, template=template),
            **kwargs,
        )
        product = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        artifact = made["ProvisioningArtifactDetail"]["Id"]
        self.wait(lambda: self.artifact_status(product, artifact) == "AVAILABLE")
        return product, artifact

    def artifact(self, name: str = "1", *, template: str = TEMPLATE) -> dict[str, Any]:
        return {"Name": name, "Info": {"LoadTemplateFromURL": self.template_url(template)}}

    def artifact_status(self, product: str, artifact: str) -> str:
        answer = self.sc.describe_provisioning_artifact(
            ProductId=product, ProvisioningArtifactId=artifact
        )
        return str(answer["Status"])

    def put_in(self, portfolio: str, product: str, **kwargs: Any) -> None:
        self.sc.associate_product_with_portfolio(PortfolioId=portfolio, ProductId=product, **kwargs)
        self.wait(lambda: product in self.products_in(portfolio))

    def products_in(self, portfolio: str) -> list[str]:
        page = self.sc.search_products_as_admin(PortfolioId=portfolio)
        return [d["ProductViewSummary"]["ProductId"] for d in page["ProductViewDetails"]]

    def make(self, name: str = "Product", **kwargs: Any) -> Made:
        portfolio = self.portfolio(f"{name}s")
        product, artifact = self.product(name, **kwargs)
        self.put_in(portfolio, product)
        return Made(portfolio=portfolio, product=product, artifact=artifact)

    def role(
        self,
        name: str,
        *,
        service: str = "servicecatalog.amazonaws.com",
        statements: list[dict[str, Any]] = LAUNCH_POLICY,
        path: str = "/",
    ) -> str:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = self.session.client("iam")
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=policy([trust]))
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=policy(statements)
            )
        return str(made["Role"]["Arn"])

    def user(self, name: str = "sagemaker-user", *, path: str = "/") -> Bench:
        """A data scientist: may call Service Catalog and SageMaker, and nothing else."""
        allowed = {
            "Effect": "Allow",
            "Action": ["servicecatalog:*", "sagemaker:*"],
            "Resource": "*",
        }
        arn = self.role(name, service="sagemaker.amazonaws.com", statements=[allowed], path=path)
        return self.at(role_arn=arn)

    def grant(self, portfolio: str, arn: str, kind: str = "IAM") -> None:
        self.sc.associate_principal_with_portfolio(
            PortfolioId=portfolio, PrincipalARN=arn, PrincipalType=kind
        )

    def constrain(self, made: Made, parameters: dict[str, Any], kind: str = "LAUNCH") -> str:
        answer = self.sc.create_constraint(
            PortfolioId=made.portfolio,
            ProductId=made.product,
            Type=kind,
            Parameters=json.dumps(parameters),
        )
        return str(answer["ConstraintDetail"]["ConstraintId"])

    def wait(self, predicate: Callable[[], bool]) -> None:
        assert self.aws.wait(predicate, 10)

    def record(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The end of the record in `answer`."""
        record_id = answer["RecordDetail"]["RecordId"]
        done = ("SUCCEEDED", "FAILED")
        self.wait(lambda: self.sc.describe_record(Id=record_id)["RecordDetail"]["Status"] in done)
        detail: dict[str, Any] = self.sc.describe_record(Id=record_id)["RecordDetail"]
        return detail


def policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


Refused = Callable[..., str]


@pytest.fixture
def refused() -> Refused:
    """Check that a call ends with an error code; returns its message."""

    def check(code: str, call: Callable[..., Any], **kwargs: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**kwargs)
        error = caught.value.response["Error"]
        assert error["Code"] == code, error
        return str(error["Message"])

    return check


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []
        assert running.background_errors == []


@pytest.fixture
def aws(shared: LocalAws) -> Iterator[LocalAws]:
    yield shared
    assert shared.settle()
    shared.faults.clear()
    shared.faults.transition_seconds = 0.02
    for switch in fields(Switches):
        setattr(shared.switches, switch.name, switch.default)
    service = ServiceCatalog.of(shared)
    service.quotas = Quotas()
    service.share_errors.clear()
    service.failing_artifacts.clear()


_NUMBERS = itertools.count(1)


@pytest.fixture
def bench(aws: LocalAws) -> Bench:
    return Bench(aws, account=f"2{next(_NUMBERS):011d}")


@dataclass(frozen=True, kw_only=True)
class Organised:
    """Service Catalog's hub and two members, with access to the organisation."""

    hub: Bench
    member: Bench
    other: Bench
    management: Bench
    organization: Organization

    def share(self, portfolio: str, node_type: str, value: str, **kwargs: Any) -> dict[str, Any]:
        """Share with an organisation node and wait for the end."""
        answer = self.hub.sc.create_portfolio_share(
            PortfolioId=portfolio,
            OrganizationNode={"Type": node_type, "Value": value},
            **kwargs,
        )
        return self.finished(answer["PortfolioShareToken"])

    def finished(self, token: str) -> dict[str, Any]:
        def status() -> dict[str, Any]:
            found: dict[str, Any] = self.hub.sc.describe_portfolio_share_status(
                PortfolioShareToken=token
            )
            return found

        self.hub.wait(lambda: str(status()["Status"]).startswith("COMPLETED"))
        return status()


@pytest.fixture(scope="module")
def organization(shared: LocalAws) -> Organization:
    return build_organization(shared)


@pytest.fixture
def organised(aws: LocalAws, organization: Organization) -> Organised:
    members = [Bench(aws, account=a) for a in organization.members.values()]
    made = Organised(
        hub=Bench(aws, account=organization.hub),
        member=members[0],
        other=members[-1],
        management=Bench(aws, account=organization.management),
        organization=organization,
    )
    sc = made.management.sc
    sc.enable_aws_organizations_access()
    made.hub.wait(lambda: sc.get_aws_organizations_access_status()["AccessStatus"] == "ENABLED")
    return made
