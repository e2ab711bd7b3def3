"""An account with a launchable product, a template in S3 and a data scientist's role."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from catalog.localaws import LocalAws
from catalog.localaws.sagemaker_projects import SageMaker

REGION = "us-east-1"
TEMPLATE = """
Parameters:
  SageMakerProjectName: {Type: String}
  SageMakerProjectId: {Type: String}
  Suffix: {Type: String, Default: topic, AllowedPattern: '[a-z]+'}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub '${SageMakerProjectName}-${SageMakerProjectId}-${Suffix}'}
"""
NUMBERS = itertools.count(1)


def allow(*actions: str, **kwargs: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **kwargs}


class Workshop:
    """One account; `user` holds the data scientist's clients, `admin` the administrator's."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.account = aws, f"4{next(NUMBERS):011d}"
        session = aws.session(account=self.account, region=REGION)
        self.iam, self.s3, self.sns, self.cfn, self.sc, self.sm = (
            session.client(name)
            for name in ("iam", "s3", "sns", "cloudformation", "servicecatalog", "sagemaker")
        )
        self.bucket = f"templates-{self.account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.role(
            "launch",
            "servicecatalog.amazonaws.com",
            [allow("cloudformation:*", "sns:*"), allow("s3:GetObject")],
        )
        self.role("stack", "cloudformation.amazonaws.com", [allow("sns:*")])
        self.user_arn = self.role(
            "sagemaker-user",
            "sagemaker.amazonaws.com",
            [
                allow("servicecatalog:*", "sagemaker:*", "s3:GetObject", "cloudformation:*"),
                {
                    "Effect": "Allow",
                    "Action": "iam:PassRole",
                    "Resource": f"arn:aws:iam::{self.account}:role/stack",
                },
            ],
        )
        self.session = aws.session(account=self.account, region=REGION, role_arn=self.user_arn)
        self.user: Any = self.session.client("sagemaker")

    def role(self, name: str, service: str, statements: list[dict[str, Any]]) -> str:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([trust]))
        self.iam.put_role_policy(
            RoleName=name, PolicyName="inline", PolicyDocument=document(statements)
        )
        return str(made["Role"]["Arn"])

    def url(self, body: str = TEMPLATE, key: str = "template.yaml") -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        return f"https://{self.bucket}.s3.{REGION}.amazonaws.com/{key}"

    def product(self, *, visible: bool = True, name: str = "Training") -> str:
        """A product in a portfolio of its own, open to roles named like the user's."""
        made = self.sc.create_product(
            Name=name,
            Owner="Platform",
            Description="Trains",
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters={
                "Name": "1.0.0", "Info": {"LoadTemplateFromURL": self.url()}
            },
            Tags=[{"Key": "sagemaker:studio-visibility", "Value": str(visible).lower()}],
        )  # fmt: skip
        product = str(made["ProductViewDetail"]["ProductViewSummary"]["ProductId"])
        portfolio = self.sc.create_portfolio(DisplayName=f"{name}s", ProviderName="Platform")[
            "PortfolioDetail"
        ]["Id"]
        pair = {"PortfolioId": portfolio, "ProductId": product}
        self.sc.associate_product_with_portfolio(**pair)
        self.wait(
            lambda: self.sc.search_products_as_admin(PortfolioId=portfolio)["ProductViewDetails"]
        )
        self.sc.create_constraint(**pair, Type="LAUNCH", Parameters='{"LocalRoleName": "launch"}')
        self.sc.associate_principal_with_portfolio(
            PortfolioId=portfolio,
            PrincipalARN="arn:aws:iam:::role/*sagemaker*",
            PrincipalType="IAM_PATTERN",
        )
        return product

    def version(self, product: str, body: str, name: str = "2.0.0") -> str:
        made = self.sc.create_provisioning_artifact(
            ProductId=product,
            Parameters={"Name": name, "Info": {"LoadTemplateFromURL": self.url(body)}},
        )["ProvisioningArtifactDetail"]["Id"]
        self.wait(
            lambda: (
                self.sc.describe_provisioning_artifact(
                    ProductId=product, ProvisioningArtifactId=made
                )["Status"]
                == "AVAILABLE"
            )
        )
        return str(made)

    def create(self, name: str = "Churn", **kwargs: Any) -> Any:
        return self.user.create_project(ProjectName=name, **kwargs)

    def end(self, name: str = "Churn") -> Any:
        """The project once nothing is under way."""

        def idle() -> bool:
            status = self.user.describe_project(ProjectName=name)["ProjectStatus"]
            return not status.endswith("InProgress")

        self.wait(idle)
        return self.user.describe_project(ProjectName=name)

    def topics(self) -> set[str]:
        return {t["TopicArn"].rpartition(":")[2] for t in self.sns.list_topics()["Topics"]}

    def wait(self, predicate: Callable[[], Any]) -> None:
        assert self.aws.wait(lambda: bool(predicate()), 15)


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running
        assert running.bugs == []
        assert running.background_errors == []


@pytest.fixture
def workshop(shared: LocalAws) -> Iterator[Workshop]:
    yield Workshop(shared)
    assert shared.settle()
    service = shared.service("sagemaker")
    assert isinstance(service, SageMaker)
    service.project_quota = 500
    shared.switches.imported_product_tags = "visible"


@pytest.fixture
def refused() -> Callable[..., str]:
    """Check that a call ends with an error code; returns its message."""

    def check(code: str, call: Callable[..., Any], **kwargs: Any) -> str:
        with pytest.raises(ClientError) as caught:
            call(**kwargs)
        error = caught.value.response["Error"]
        assert error["Code"] == code, error
        return str(error["Message"])

    return check
