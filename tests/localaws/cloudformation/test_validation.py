"""What CloudFormation refuses before anything is made, and the words it does that in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.localaws.cloudformation.conftest import Stacks, role, trust

Refusal = Callable[[Callable[[], object]], tuple[str, str]]
PARAMETER: dict[str, Any] = {
    "Type": "AWS::SSM::Parameter",
    "Properties": {"Type": "String", "Value": "x"},
}


def parameter(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": "x", **properties},
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"Resources": {', "Template format error: JSON not well-formed. (line 1, column 16)"),
        ("a: [", "Template format error: YAML not well-formed. (line 1, column 5)"),
        ("just text", "Template format error: unsupported structure."),
        ("{}", "Template format error: At least one Resources member must be defined."),
        ("Resources: {}\nFoo: 1", "Invalid template property or properties [Foo]"),
        (
            "Resources: {A-b: {Type: 'AWS::SNS::Topic'}}",
            "Template format error: Resource name A-b is non alphanumeric.",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', Props: {}}}",
            "Invalid template resource property 'Props'",
        ),
        (
            "Resources: {A: {Type: 'AWS::Foo::Bar'}, B: {Type: 'AWS::EC2::Instance'}}",
            (
                "Template format error: Unrecognized resource types: "
                "[AWS::EC2::Instance, AWS::Foo::Bar]"
            ),
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref B}}}",
            (
                "Template format error: Unresolved resource dependencies [B] in the Resources "
                "block of the template"
            ),
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', DependsOn: C}}",
            (
                "Template format error: Unresolved resource dependencies [C] in the Resources "
                "block of the template"
            ),
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub '${D}-x'}}}",
            (
                "Template format error: Unresolved resource dependencies [D] in the Resources "
                "block of the template"
            ),
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {O: {Value: !GetAtt X.Arn}}",
            "Template error: instance of Fn::GetAtt references undefined resource X",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {O: {Value: !GetAtt A.Foo}}",
            "Template error: resource A does not support attribute type Foo in Fn::GetAtt",
        ),
        (
            (
                "Resources:\n"
                "  A: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !Ref B}}\n"
                "  B: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !Ref A}}\n"
                "  C: {Type: 'AWS::SNS::Topic', DependsOn: A}"
            ),
            "Circular dependency between resources: [A, B]",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', Condition: No}}",
            "Template format error: Every Condition member must be a string.",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', Condition: Nope}}",
            "Template format error: Condition 'Nope' is not defined for resource A.",
        ),
        (
            "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            (
                "Transform AWS::Serverless-2016-10-31 is not emulated by the local CloudFormation: "
                "submit the processed template."
            ),
        ),
        (
            "Parameters: {P: {Type: Text}}\nResources: {A: {Type: 'AWS::SNS::Topic'}}",
            "Template format error: Unrecognized parameter type: Text",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic'}}\nOutputs: {O: {Description: x}}",
            "Template format error: Every Outputs member must contain a Value object",
        ),
    ],
)
def test_malformed_templates(stacks: Stacks, refusal: Refusal, body: str, message: str) -> None:
    wanted = ("ValidationError", message)
    assert refusal(lambda: stacks.client.create_stack(StackName="x", TemplateBody=body)) == wanted
    assert refusal(lambda: stacks.client.validate_template(TemplateBody=body)) == wanted
    assert stacks.client.list_stacks()["StackSummaries"] == []


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (parameter(Colour="x"), "#: extraneous key [Colour] is not permitted"),
        (
            {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}},
            "#: required key [Value] not found",
        ),
        (parameter(Type="Text"), "#/Type: #: Text is not a valid enum value"),
        (parameter(Tags=["a"]), "#/Tags: expected type: JSONObject, found: JSONArray"),
        (
            {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketEncryption": {
                        "ServerSideEncryptionConfiguration": [
                            {"ServerSideEncryptionByDefault": {"Algorithm": "AES256"}}
                        ]
                    }
                },
            },
            (
                "#/BucketEncryption/ServerSideEncryptionConfiguration/0/"
                "ServerSideEncryptionByDefault: extraneous key [Algorithm] is not permitted"
            ),
        ),
        (
            {"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {}}},
            (
                "#: key [WebsiteConfiguration] of AWS::S3::Bucket is not emulated by the local "
                "CloudFormation"
            ),
        ),
    ],
)
def test_properties_that_break_the_schema(
    stacks: Stacks, refusal: Refusal, resource: dict[str, Any], problem: str
) -> None:
    code, message = refusal(lambda: stacks.create({"A": resource}))
    assert code == "ValidationError"
    assert message.startswith("Properties validation failed for resource A with message:\n")
    assert problem in message.splitlines()


def test_both_branches_are_not_needed_to_be_valid_only_the_one_taken(stacks: Stacks) -> None:
    resources = {"A": parameter(Value={"Fn::If": ["Yes", "taken", {"Ref": "AWS::NoValue"}]})}
    conditions = {"Yes": {"Fn::Equals": ["a", "a"]}}
    assert stacks.create(resources, conditions_section=conditions) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("definition", "value", "message"),
    [
        ({"Type": "String"}, None, "Parameters: [P] must have values"),
        (
            {"Type": "String", "AllowedValues": ["a", "b"]},
            "c",
            "Parameter 'P' must be one of AllowedValues",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+"},
            "A1",
            "Parameter 'P' must match pattern [a-z]+",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "be small"},
            "A1",
            "Parameter P failed to satisfy constraint: be small",
        ),
        (
            {"Type": "String", "MinLength": 3},
            "ab",
            "Parameter 'P' must contain at least 3 characters",
        ),
        (
            {"Type": "String", "MaxLength": "1"},
            "ab",
            "Parameter 'P' must contain at most 1 characters",
        ),
        ({"Type": "Number"}, "ten", "Parameter 'P' must be a number."),
        (
            {"Type": "Number", "MinValue": 2},
            "1",
            "Parameter 'P' must be a number not less than 2",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/nowhere",
            "Unable to fetch parameters [/nowhere] from parameter store for this account.",
        ),
    ],
)
def test_parameter_constraints(
    stacks: Stacks,
    refusal: Refusal,
    definition: dict[str, Any],
    value: str | None,
    message: str,
) -> None:
    given = [{"ParameterKey": "P", "ParameterValue": value}] if value is not None else []

    def create() -> None:
        stacks.create({"A": PARAMETER}, parameters_section={"P": definition}, Parameters=given)

    assert refusal(create) == ("ValidationError", message)


def test_unknown_parameters_are_refused(stacks: Stacks, refusal: Refusal) -> None:
    given = [{"ParameterKey": "Q", "ParameterValue": "1"}]
    assert refusal(lambda: stacks.create({"A": PARAMETER}, Parameters=given)) == (
        "ValidationError",
        "Parameters: [Q] do not exist in the template",
    )


def test_rules_are_asserted(stacks: Stacks, refusal: Refusal) -> None:
    rule = {
        "Assertions": [
            {
                "Assert": {"Fn::Contains": [["dev", "prod"], {"Ref": "Stage"}]},
                "AssertDescription": "dev or prod",
            }
        ]
    }
    sections: dict[str, Any] = {
        "parameters_section": {"Stage": {"Type": "String"}},
        "rules_section": {"Stages": rule},
    }
    wrong = [{"ParameterKey": "Stage", "ParameterValue": "test"}]
    right = [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
    code, message = refusal(lambda: stacks.create({"A": PARAMETER}, Parameters=wrong, **sections))
    assert (code, "dev or prod" in message) == ("ValidationError", True)
    assert stacks.create({"A": PARAMETER}, Parameters=right, **sections) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        (None, [], "CAPABILITY_IAM"),
        (None, ["CAPABILITY_AUTO_EXPAND"], "CAPABILITY_IAM"),
        ("fixed", ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    ],
)
def test_iam_resources_need_a_capability(
    stacks: Stacks, refusal: Refusal, name: str | None, given: list[str], wanted: str
) -> None:
    resource = role("lambda.amazonaws.com")
    if name:
        resource["Properties"]["RoleName"] = name
    assert refusal(lambda: stacks.create({"Role": resource}, Capabilities=given)) == (
        "InsufficientCapabilitiesException",
        f"Requires capabilities : [{wanted}]",
    )
    assert stacks.create({"Role": resource}, Capabilities=[wanted]) == "CREATE_COMPLETE"


def test_a_body_is_limited_to_51200_bytes(stacks: Stacks, refusal: Refusal) -> None:
    template = {"Resources": {"A": PARAMETER}, "Metadata": {"x": "y" * 51_200}}
    body = json.dumps(template)
    code, message = refusal(lambda: stacks.client.create_stack(StackName="x", TemplateBody=body))
    assert (code, "51200" in message) == ("ValidationError", True)


def test_yaml_short_forms_and_json_mean_the_same(stacks: Stacks) -> None:
    body = """
        Parameters: {Name: {Type: CommaDelimitedList, Default: 'a, b'}}
        Mappings: {Stage: {test: {size: small}}}
        Conditions:
          IsTest: !And [!Equals [test, test], !Not [!Equals [a, b]]]
        Resources:
          A:
            Type: AWS::SSM::Parameter
            Properties:
              Type: String
              Value: !Join ['-', [!Select [1, !Ref Name], !FindInMap [Stage, test, size]]]
              Description: !If [IsTest, !Sub 'in ${AWS::Region} ${X} ${!Literal}', none]
    """.replace("${X}", "of ${AWS::AccountId}")
    stacks.client.create_stack(StackName="yaml", TemplateBody=body)
    stacks.aws.settle()
    assert stacks.status("yaml") == "CREATE_COMPLETE"
    name = stacks.ids("yaml")["A"]
    ssm = stacks.session.client("ssm")
    shown = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])[
        "Parameters"
    ][0]
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "b-small"
    assert shown["Description"] == "in eu-west-1 of 111122223333 ${Literal}"
    assert stacks.client.get_template(StackName="yaml")["TemplateBody"] == body


def test_ssm_values_reach_properties(stacks: Stacks) -> None:
    ssm = stacks.session.client("ssm")
    ssm.put_parameter(Name="/image", Value="python:3", Type="String")
    ssm.put_parameter(Name="/list", Value="a,b", Type="StringList")
    status = stacks.create(
        {
            "A": parameter(Value={"Fn::Sub": "${Image}|{{resolve:ssm:/image:1}}"}),
            "B": parameter(Value={"Fn::Select": [1, {"Ref": "Items"}]}),
        },
        parameters_section={
            "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/image"},
            "Items": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/list"},
        },
    )
    assert status == "CREATE_COMPLETE"
    ids = stacks.ids()
    values = [ssm.get_parameter(Name=ids[n])["Parameter"]["Value"] for n in ("A", "B")]
    assert values == ["python:3|python:3", "b"]
    described = {p["ParameterKey"]: p for p in stacks.describe()["Parameters"]}
    assert described["Image"]["ParameterValue"] == "/image"
    assert described["Image"]["ResolvedValue"] == "python:3"


def test_no_echo_parameters_are_masked(stacks: Stacks) -> None:
    stacks.create(
        {"A": PARAMETER},
        parameters_section={"Secret": {"Type": "String", "NoEcho": True, "Default": "s3cret"}},
    )
    assert stacks.describe()["Parameters"][0]["ParameterValue"] == "****"


@pytest.mark.parametrize(
    "form",
    [
        "https://templates.s3.eu-west-1.amazonaws.com/a/one.yaml",
        "https://templates.s3.amazonaws.com/a/one.yaml",
        "https://s3.eu-west-1.amazonaws.com/templates/a/one.yaml",
        "https://s3.amazonaws.com/templates/a/one.yaml",
        "https://s3-eu-west-1.amazonaws.com/templates/a/one.yaml",
        "s3://templates/a/one.yaml",
        "{endpoint}/templates/a/one.yaml",
    ],
)
def test_template_urls_of_every_form(stacks: Stacks, form: str) -> None:
    s3 = stacks.session.client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=location)
    body = json.dumps({"Resources": {"A": PARAMETER}})
    s3.put_object(Bucket="templates", Key="a/one.yaml", Body=body.encode())
    url = form.replace("{endpoint}", stacks.aws.endpoint_url)
    summary = stacks.client.get_template_summary(TemplateURL=url)
    assert summary["ResourceTypes"] == ["AWS::SSM::Parameter"]


def test_template_urls_are_read_as_the_caller(
    stacks: Stacks, refusal: Refusal, make_role: Callable[..., str]
) -> None:
    s3 = stacks.session.client("s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="templates", CreateBucketConfiguration=location)
    s3.put_object(Bucket="templates", Key="t", Body=json.dumps({"Resources": {"A": PARAMETER}}))
    url = "https://templates.s3.eu-west-1.amazonaws.com/t"
    allowed = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}
    caller = make_role("111122223333", "lambda.amazonaws.com", allowed)
    client = stacks.aws.session(account="111122223333", region="eu-west-1", role_arn=caller).client(
        "cloudformation"
    )
    code, message = refusal(lambda: client.create_stack(StackName="x", TemplateURL=url))
    assert code == "ValidationError"
    assert message.startswith("S3 error: Access Denied")

    missing = url + "-missing"
    code, message = refusal(lambda: stacks.client.validate_template(TemplateURL=missing))
    assert message.startswith("S3 error: The specified key does not exist.")
    assert refusal(
        lambda: stacks.client.validate_template(TemplateURL="https://example.com/t")
    ) == ("ValidationError", "TemplateURL must be a supported URL.")


def test_template_summary_names_parameters_and_types(stacks: Stacks) -> None:
    template = {
        "Description": "d",
        "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": []}},
        "Parameters": {
            "Colour": {"Type": "String", "Default": "red", "AllowedValues": ["red", "blue"]}
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": trust("lambda.amazonaws.com")},
            }
        },
    }
    summary = stacks.client.get_template_summary(TemplateBody=json.dumps(template))
    assert summary["Parameters"] == [
        {
            "ParameterKey": "Colour",
            "DefaultValue": "red",
            "ParameterType": "String",
            "NoEcho": False,
            "ParameterConstraints": {"AllowedValues": ["red", "blue"]},
        }
    ]
    assert summary["Capabilities"] == ["CAPABILITY_IAM"]
    assert json.loads(summary["Metadata"]) == template["Metadata"]


@pytest.mark.parametrize(
    "request_",
    [
        {"StackPolicyBody": "{}"},
        {"ResourceTypes": ["AWS::SSM::*"]},
        {"RollbackConfiguration": {"RollbackTriggers": [{"Arn": "a", "Type": "b"}]}},
    ],
)
def test_what_nothing_would_obey_is_refused(
    stacks: Stacks, refusal: Refusal, request_: dict[str, Any]
) -> None:
    assert refusal(lambda: stacks.create({"A": PARAMETER}, **request_))[0] == "NotEmulated"


def test_stack_policies_are_refused(stacks: Stacks, refusal: Refusal) -> None:
    stacks.create({"A": PARAMETER})
    policy = {"StackName": "one", "StackPolicyBody": "{}"}
    assert refusal(lambda: stacks.client.set_stack_policy(**policy))[0] == "NotEmulated"
