"""Launches: provisioned products, their records and their stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

PATTERN = "arn:aws:iam:::role/*sagemaker*"
TWO_TOPICS = """
Parameters:
  Name: {Type: String, Default: topic}
  Second: {Type: String}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Name}}
  Other: {Type: AWS::SNS::Topic, Properties: {TopicName: !Ref Second}}
Outputs:
  Other: {Value: !Ref Other}
"""


def _allow(*actions: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


class Site:
    """A product that a data scientist may launch."""

    def __init__(self, bench: Any, made: Any, user: Any) -> None:
        self.bench, self.made, self.user = bench, made, user

    def launch(self, name: str = "mine", **kwargs: Any) -> Any:
        return self.user.sc.provision_product(
            **{
                "ProductId": self.made.product,
                "ProvisioningArtifactId": self.made.artifact,
                "ProvisionedProductName": name,
                **kwargs,
            }
        )

    def launched(self, name: str = "mine", **kwargs: Any) -> Any:
        record = self.user.record(self.launch(name, **kwargs))
        assert record["Status"] == "SUCCEEDED", record
        return record

    def product(self, name: str = "mine") -> Any:
        return self.user.sc.describe_provisioned_product(Name=name)["ProvisionedProductDetail"]

    def stack(self, provisioned_id: str) -> Any:
        client = self.bench.session.client("cloudformation")
        name = f"SC-{self.bench.account}-{provisioned_id}"
        return client.describe_stacks(StackName=name)["Stacks"][0]

    def topics(self) -> set[str]:
        topics = self.bench.session.client("sns").list_topics()["Topics"]
        return {t["TopicArn"].rpartition(":")[2] for t in topics}

    def version(self, template: str, name: str = "2") -> str:
        made = self.bench.sc.create_provisioning_artifact(
            ProductId=self.made.product, Parameters=self.bench.artifact(name, template=template)
        )
        artifact = str(made["ProvisioningArtifactDetail"]["Id"])
        self.bench.wait(
            lambda: self.bench.artifact_status(self.made.product, artifact) == "AVAILABLE"
        )
        return artifact


@pytest.fixture
def site(bench: Any) -> Site:
    made = bench.make(Tags=[{"Key": "product", "Value": "tag"}])
    bench.role("launch")
    bench.constrain(made, {"LocalRoleName": "launch"})
    bench.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    return Site(bench, made, bench.user())


def test_a_launch_from_created_to_available(site: Site) -> None:
    answer = site.launch(
        ProvisioningParameters=[{"Key": "Name", "Value": "mine"}],
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    detail = answer["RecordDetail"]
    assert (detail["Status"], detail["RecordType"]) == ("CREATED", "PROVISION_PRODUCT")
    assert detail["ProvisionedProductType"] == "CFN_STACK"
    assert detail["LaunchRoleArn"] == f"arn:aws:iam::{site.bench.account}:role/launch"
    assert site.product()["Status"] == "UNDER_CHANGE"
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    provisioned = site.product()
    assert provisioned["Status"] == "AVAILABLE"
    assert provisioned["Arn"] == (
        f"arn:aws:servicecatalog:us-east-1:{site.bench.account}:stack/mine/{provisioned['Id']}"
    )
    stack = site.stack(provisioned["Id"])
    tags = {t["Key"]: t["Value"] for t in stack["Tags"]}
    assert tags["cost"] == "7"
    assert tags["product"] == "tag"
    assert tags["aws:servicecatalog:provisioningArtifactIdentifier"] == site.made.artifact
    assert tags["aws:servicecatalog:provisioningPrincipalArn"].startswith("arn:aws:sts::")
    assert {k.rpartition(":")[2] for k in tags if k.startswith("aws:")} == {
        "productArn",
        "provisioningPrincipalArn",
        "provisioningArtifactIdentifier",
        "portfolioArn",
        "provisionedProductArn",
    }
    assert site.topics() == {"mine"}
    outputs = site.user.sc.describe_record(Id=detail["RecordId"])["RecordOutputs"]
    values = {o["OutputKey"]: o["OutputValue"] for o in outputs}
    assert values["Topic"].endswith(":mine")
    assert values["CloudformationStackARN"] == stack["StackId"]
    wanted = site.user.sc.get_provisioned_product_outputs(
        ProvisionedProductName="mine", OutputKeys=["Topic"]
    )
    assert [o["OutputKey"] for o in wanted["Outputs"]] == ["Topic"]


def test_launches_by_the_same_token_are_one(site: Site) -> None:
    first, again = (site.launch(ProvisionToken="t")["RecordDetail"] for _ in range(2))
    assert first == again


def test_a_name_is_taken_once(site: Site, refused: Any) -> None:
    site.launched()
    message = refused("InvalidParametersException", site.launch)
    assert message == "A stack named mine already exists."


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ([{"Key": "Name", "Value": "UPPER"}], "must match pattern [a-z]+"),
        ([{"Key": "Nobody", "Value": "x"}], "[Nobody] do not exist in the template"),
    ],
)
def test_parameters_are_checked_against_the_template(
    site: Site, refused: Any, parameters: Any, says: str
) -> None:
    message = refused("InvalidParametersException", site.launch, ProvisioningParameters=parameters)
    assert says in message
    assert site.user.sc.scan_provisioned_products()["ProvisionedProducts"] == []


def test_without_access(site: Site, refused: Any) -> None:
    stranger = Site(site.bench, site.made, site.bench.user("stranger"))
    for outsider in (stranger, Site(site.bench, site.made, site.bench)):
        message = refused("ResourceNotFoundException", outsider.launch)
        assert message == f"No launch paths found for resource: {site.made.product}"


def test_inactive_and_deprecated_versions(site: Site, refused: Any) -> None:
    site.launched()
    change = site.bench.sc.update_provisioning_artifact
    names = {"ProductId": site.made.product, "ProvisioningArtifactId": site.made.artifact}
    update = {
        "ProvisionedProductName": "mine",
        "ProvisioningParameters": [{"Key": "Name", "Value": "other"}],
    }
    change(**names, Guidance="DEPRECATED")
    refused("InvalidParametersException", site.launch, name="second")
    answer = site.user.sc.update_provisioned_product(**update)
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    change(**names, Guidance="DEFAULT", Active=False)
    message = refused("ResourceNotFoundException", site.launch, name="second")
    assert message == (
        f"Provisioning artifact {site.made.artifact} does not exist or access was denied."
    )
    refused("ResourceNotFoundException", site.user.sc.update_provisioned_product, **update)


def test_a_missing_or_untrusting_launch_role(site: Site, refused: Any) -> None:
    iam = site.bench.session.client("iam")
    iam.delete_role_policy(RoleName="launch", PolicyName="inline")
    iam.delete_role(RoleName="launch")
    arn = f"arn:aws:iam::{site.bench.account}:role/launch"
    message = refused("InvalidParametersException", site.launch)
    assert message == f"Access denied while assuming the role {arn}"
    site.bench.role("launch", service="ec2.amazonaws.com")
    assert refused("InvalidParametersException", site.launch) == message
    assert site.user.sc.list_record_history()["RecordDetails"] == []


def test_a_new_role_may_not_be_seen_at_once(site: Site, refused: Any) -> None:
    site.bench.aws.switches.role_lag_seconds = 3600
    refused("InvalidParametersException", site.launch)
    site.bench.sc.delete_constraint(
        Id=site.bench.sc.list_constraints_for_portfolio(PortfolioId=site.made.portfolio)[
            "ConstraintDetails"
        ][0]["ConstraintId"]
    )
    message = refused(
        "InvalidParametersException",
        site.bench.constrain,
        made=site.made,
        parameters={"LocalRoleName": "launch"},
    )
    assert "profile does not exist" in message
    site.bench.aws.switches.role_lag_seconds = 0
    site.bench.constrain(site.made, {"LocalRoleName": "launch"})
    site.launched()


def _with_policy(site: Site, statements: list[dict[str, Any]]) -> None:
    site.bench.session.client("iam").put_role_policy(
        RoleName="launch",
        PolicyName="inline",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        ([_allow("sns:*")], "cloudformation:GetTemplateSummary"),
        ([_allow("cloudformation:*", "sns:*")], "S3 error: Access Denied"),
    ],
)
def test_a_launch_role_that_cannot_read_the_template(
    site: Site, refused: Any, statements: list[dict[str, Any]], says: str
) -> None:
    _with_policy(site, statements)
    names = {"ProductId": site.made.product, "ProvisioningArtifactId": site.made.artifact}
    for call in (site.launch, site.user.sc.describe_provisioning_parameters):
        assert says in refused("InvalidParametersException", call, **names)


@pytest.mark.parametrize("lacking", ["CreateStack", "DescribeStacks", "DescribeStackEvents"])
def test_a_launch_role_that_lacks_a_right_fails_the_launch(site: Site, lacking: str) -> None:
    rights = ["CreateStack", "DescribeStacks", "DescribeStackEvents", "GetTemplateSummary"]
    allowed = [f"cloudformation:{right}" for right in rights if right != lacking]
    _with_policy(site, [_allow(*allowed, "s3:GetObject")])
    record = site.user.record(site.launch())
    assert record["Status"] == "FAILED"
    assert f"cloudformation:{lacking}" in record["RecordErrors"][0]["Description"]
    assert site.product()["Status"] == "ERROR"
    assert site.product()["StatusMessage"] == record["RecordErrors"][0]["Description"]


def test_a_right_that_a_resource_needs_is_missing(site: Site) -> None:
    _with_policy(site, [_allow("cloudformation:*", "s3:GetObject")])
    record = site.user.record(site.launch())
    assert record["Status"] == "FAILED"
    message = site.product()["StatusMessage"]
    assert message.startswith("Errors from CloudFormation: [{LogicalResourceId : ")
    assert "ResourceType : AWS::SNS::Topic" in message
    assert "sns:CreateTopic" in message
    assert site.product()["Status"] == "ERROR"
    assert site.topics() == set()


def test_update_to_another_version(site: Site) -> None:
    site.launched(ProvisioningParameters=[{"Key": "Name", "Value": "first"}])
    answer = site.user.sc.update_provisioned_product(
        ProvisionedProductName="mine",
        ProvisioningArtifactId=(version := site.version(TWO_TOPICS)),
        ProvisioningParameters=[
            {"Key": "Name", "UsePreviousValue": True},
            {"Key": "Second", "Value": "second"},
        ],
    )
    assert answer["RecordDetail"]["RecordType"] == "UPDATE_PROVISIONED_PRODUCT"
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    assert site.topics() == {"first", "second"}
    assert site.product()["ProvisioningArtifactId"] == version
    assert site.product()["Status"] == "AVAILABLE"


def test_a_failed_update_taints_and_keeps_the_old_version(site: Site) -> None:
    site.launched()
    version = site.version(TWO_TOPICS.replace("!Ref Second", "!Sub '${Second} not a name'"))
    answer = site.user.sc.update_provisioned_product(
        ProvisionedProductName="mine",
        ProvisioningArtifactId=version,
        ProvisioningParameters=[{"Key": "Second", "Value": "second"}],
    )
    assert site.user.record(answer)["Status"] == "FAILED"
    assert site.product()["Status"] == "TAINTED"
    assert site.product()["ProvisioningArtifactId"] == site.made.artifact
    assert site.topics() == {"topic"}


def test_an_update_of_nothing_succeeds(site: Site) -> None:
    site.launched()
    answer = site.user.sc.update_provisioned_product(ProvisionedProductName="mine")
    record = site.user.record(answer)
    assert record["Status"] == "SUCCEEDED", record


def test_refused_updates(site: Site, refused: Any) -> None:
    update = site.user.sc.update_provisioned_product
    refused("ResourceNotFoundException", update, ProvisionedProductName="mine")
    refused("InvalidParametersException", update)
    site.launched()
    refused(
        "InvalidParametersException",
        update,
        ProvisionedProductName="mine",
        ProvisioningParameters=[{"Key": "Second", "UsePreviousValue": True}],
    )
    refused(
        "InvalidParametersException",
        update,
        ProvisionedProductName="mine",
        Tags=[{"Key": "a", "Value": "b"}],
    )
    site.bench.constrain(
        site.made,
        {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}},
        "RESOURCE_UPDATE",
    )
    answer = update(ProvisionedProductName="mine", Tags=[{"Key": "a", "Value": "b"}])
    refused("InvalidParametersException", update, ProvisionedProductName="mine")
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    tags = {t["Key"] for t in site.stack(site.product()["Id"])["Tags"]}
    assert "a" in tags


def test_terminate(site: Site, refused: Any) -> None:
    provisioned = site.launched()["ProvisionedProductId"]
    answer = site.user.sc.terminate_provisioned_product(ProvisionedProductName="mine")
    assert answer["RecordDetail"]["RecordType"] == "TERMINATE_PROVISIONED_PRODUCT"
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    site.user.wait(lambda: site.topics() == set())
    missing = "ResourceNotFoundException"
    refused(missing, site.user.sc.describe_provisioned_product, Id=provisioned)
    refused(missing, site.user.sc.terminate_provisioned_product, ProvisionedProductId=provisioned)
    kinds = [r["RecordType"] for r in site.user.sc.list_record_history()["RecordDetails"]]
    assert kinds == ["TERMINATE_PROVISIONED_PRODUCT", "PROVISION_PRODUCT"]
    site.launched()


def test_terminate_may_leave_the_resources(site: Site) -> None:
    site.launched()
    answer = site.user.sc.terminate_provisioned_product(
        ProvisionedProductName="mine", RetainPhysicalResources=True
    )
    assert site.user.record(answer)["Status"] == "SUCCEEDED"
    assert site.topics() == {"topic"}


def test_terminate_after_the_launch_role_is_gone(site: Site) -> None:
    site.launched()
    iam = site.bench.session.client("iam")
    iam.delete_role_policy(RoleName="launch", PolicyName="inline")
    iam.delete_role(RoleName="launch")
    terminate = site.user.sc.terminate_provisioned_product
    record = site.user.record(terminate(ProvisionedProductName="mine"))
    assert record["Status"] == "FAILED"
    assert "Access denied while assuming the role" in record["RecordErrors"][0]["Description"]
    assert site.product()["Status"] == "TAINTED"
    record = site.user.record(terminate(ProvisionedProductName="mine", IgnoreErrors=True))
    assert record["Status"] == "SUCCEEDED"
    assert site.topics() == {"topic"}


def test_without_a_launch_constraint_the_caller_needs_the_rights(site: Site, refused: Any) -> None:
    constraint = site.bench.sc.list_constraints_for_portfolio(PortfolioId=site.made.portfolio)
    site.bench.sc.delete_constraint(Id=constraint["ConstraintDetails"][0]["ConstraintId"])
    message = refused("InvalidParametersException", site.launch)
    assert "sagemaker-user" in message
    assert "cloudformation:GetTemplateSummary" in message
    rights = _allow("cloudformation:*", "s3:GetObject", "sns:*", "servicecatalog:*")
    arn = site.bench.role("builder", service="sagemaker.amazonaws.com", statements=[rights])
    site.bench.grant(site.made.portfolio, arn)
    builder = Site(site.bench, site.made, site.bench.at(role_arn=arn))
    assert "LaunchRoleArn" not in builder.launched()
    assert site.topics() == {"topic"}


def test_a_local_role_is_the_launching_accounts_own(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    for bench in (hub, member):
        bench.role("local-launch", path="/catalog/" if bench is member else "/")
    made = hub.make("Local")
    hub.constrain(made, {"LocalRoleName": "local-launch"})
    hub.grant(made.portfolio, PATTERN, "IAM_PATTERN")
    organised.share(
        made.portfolio,
        "ORGANIZATION",
        organised.organization.organization_id,
        SharePrincipals=True,
    )
    site = Site(member, made, member.user("sagemaker-local"))
    record = site.launched("in-member")
    assert record["LaunchRoleArn"] == (f"arn:aws:iam::{member.account}:role/catalog/local-launch")
    assert site.topics() == {"topic"}


def test_a_recipient_may_override_the_launch_role(organised: Any) -> None:
    hub, member = organised.hub, organised.member
    hub.role("hub-launch")
    member.role("own-launch")
    made = hub.make("Override")
    hub.constrain(made, {"LocalRoleName": "hub-launch"})
    organised.share(made.portfolio, "ORGANIZATION", organised.organization.organization_id)
    local = member.portfolio("Local")
    member.put_in(local, made.product, SourcePortfolioId=made.portfolio)
    member.grant(local, PATTERN, "IAM_PATTERN")
    user = member.user("sagemaker-override")
    path = user.sc.list_launch_paths(ProductId=made.product)["LaunchPathSummaries"][0]
    assert path["ConstraintSummaries"][0]["Description"] == "Launch as local role hub-launch"
    member.constrain(
        type(made)(portfolio=local, product=made.product, artifact=made.artifact),
        {"LocalRoleName": "own-launch"},
    )
    path = user.sc.list_launch_paths(ProductId=made.product)["LaunchPathSummaries"][0]
    assert [c["Description"] for c in path["ConstraintSummaries"]] == [
        "Launch as local role own-launch"
    ]


def test_two_paths_want_a_choice(site: Site, refused: Any) -> None:
    second = site.bench.portfolio("Second")
    site.bench.put_in(second, site.made.product)
    site.bench.grant(second, PATTERN, "IAM_PATTERN")
    refused("InvalidParametersException", site.launch)
    site.launched(PathName="Products")


def test_tag_options_of_a_launch(site: Site, refused: Any) -> None:
    for value in "ab":
        option = site.bench.sc.create_tag_option(Key="team", Value=value)["TagOptionDetail"]
        site.bench.sc.associate_tag_option_with_resource(
            ResourceId=site.made.product, TagOptionId=option["Id"]
        )
    refused("InvalidParametersException", site.launch, Tags=[{"Key": "team", "Value": "c"}])
    site.launched(Tags=[{"Key": "team", "Value": "b"}])


def test_search_scan_and_history_by_level(site: Site, refused: Any) -> None:
    site.launched("one")
    other = Site(site.bench, site.made, site.bench.user("sagemaker-other"))
    other.launched("two", ProvisioningParameters=[{"Key": "Name", "Value": "two"}])
    sc = site.user.sc
    everybody = {"AccessLevelFilter": {"Key": "Account", "Value": "self"}}

    def names(*queries: str, **kwargs: Any) -> list[str]:
        filters = {"Filters": {"SearchQuery": list(queries)}} if queries else {}
        answer = sc.search_provisioned_products(**filters, **kwargs)
        assert answer["TotalResultsCount"] == len(answer["ProvisionedProducts"])
        return [p["Name"] for p in answer["ProvisionedProducts"]]

    assert names() == ["one"]
    assert names(**everybody) == ["one", "two"]
    assert names(site.made.product, **everybody) == ["one", "two"]
    assert names("name:two", **everybody) == ["two"]
    assert names(f"productId:{site.made.product}", "name:two", **everybody) == ["two"]
    assert names("nothing", **everybody) == []
    assert names(SortBy="name", SortOrder="DESCENDING", **everybody) == ["two", "one"]
    refused("InvalidParametersException", sc.search_provisioned_products, SortBy="colour")
    scanned = sc.scan_provisioned_products(**everybody)["ProvisionedProducts"]
    assert [p["Name"] for p in scanned] == ["one", "two"]
    mine = sc.list_record_history()["RecordDetails"]
    assert [r["ProvisionedProductName"] for r in mine] == ["one"]
    found = sc.list_record_history(
        SearchFilter={"Key": "provisionedproduct", "Value": mine[0]["ProvisionedProductId"]}
    )["RecordDetails"]
    assert found == mine
    refused(
        "InvalidParametersException",
        sc.list_record_history,
        SearchFilter={"Key": "colour", "Value": "red"},
    )
    refused(
        "InvalidParametersException",
        sc.scan_provisioned_products,
        AccessLevelFilter={"Key": "User", "Value": "somebody"},
    )


def test_reading_what_is_not_there(site: Site, refused: Any) -> None:
    missing, sc = "ResourceNotFoundException", site.user.sc
    refused(missing, sc.describe_record, Id="rec-x")
    refused(missing, sc.describe_provisioned_product, Id="pp-x")
    refused(missing, sc.get_provisioned_product_outputs, ProvisionedProductId="pp-x")
    refused(missing, sc.list_stack_instances_for_provisioned_product, ProvisionedProductId="pp-x")
    site.launched()
    refused(
        "InvalidParametersException",
        sc.get_provisioned_product_outputs,
        ProvisionedProductName="mine",
        OutputKeys=["Nobody"],
    )
    refused(
        "InvalidParametersException",
        sc.list_stack_instances_for_provisioned_product,
        ProvisionedProductId=site.product()["Id"],
    )


def test_properties(site: Site, refused: Any) -> None:
    provisioned = site.launched()["ProvisionedProductId"]
    owner = f"arn:aws:iam::{site.bench.account}:user/somebody"
    change = site.user.sc.update_provisioned_product_properties
    answer = change(ProvisionedProductId=provisioned, ProvisionedProductProperties={"OWNER": owner})
    assert answer["Status"] == "SUCCEEDED"
    assert site.user.sc.scan_provisioned_products()["ProvisionedProducts"] == []
    refused(
        "ResourceNotFoundException",
        change,
        ProvisionedProductId="pp-x",
        ProvisionedProductProperties={"OWNER": owner},
    )
