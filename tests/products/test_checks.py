"""Every template's product passes the linters, before and after publishing fills it in.

cdk-nag runs inside every build: a finding without an acknowledged reason fails the bundle.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cloudformation_validate import CompositeEngine

from catalog.bundles.model import Bundle, Release
from catalog.bundles.synth import MAX_BODY
from catalog.bundles.wheels import wheels_prefix

REGIONS = ["eu-west-1", "us-east-1"]

ACCEPTED_BY_CFN_LINT = {
    ("W1030", "ConnectionArn"): "Its empty default is only there for CodeCommit; the statement that"
    " names it exists under UsesConnection alone, where a rule makes it required.",
}
ACCEPTED_BY_VALIDATE = {
    ("E3050", "use GetAtt"): "It takes the GetAtt of the role's ARN for a Ref; see"
    " test_services_get_the_arn_of_their_role.",
    ("W1001", "'Repository' which is conditional"): "The reference stands in Fn::If under the very"
    " condition that the repository exists under.",
    ("W1028", "existing status for condition 'AnyIsElsewhere' is True"): "It takes one of the two"
    " accounts for all of them: with only prod elsewhere, staging's statement is left out.",
    ("W1030", "PermissionsBoundaryArn"): "An empty boundary becomes AWS::NoValue.",
}


@pytest.fixture(scope="module")
def texts(bundles: dict[str, Bundle]) -> dict[str, str]:
    release = Release(tag="v1.0.0", catalog_url="https://git.example.com/platform/catalog.git")
    found = {}
    for name, bundle in bundles.items():
        found[f"{name}, canonical"] = bundle.cloudformation
        found[f"{name}, filled"] = bundle.filled(
            release=release, assets_bucket_prefix="catalog-assets", wheels_prefix=wheels_prefix()
        )
    return found


def unexplained(
    findings: list[tuple[str, str]], accepted: dict[tuple[str, str], str]
) -> list[tuple[str, str]]:
    return [
        (rule, message)
        for rule, message in findings
        if not any(rule == known and part in message for known, part in accepted)
    ]


def test_cfn_lint_in_every_region_of_the_catalog(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        matches = lint(text, config=ManualArgs(regions=REGIONS))  # type: ignore[arg-type]
        findings = [(match.rule.id, match.message) for match in matches]
        assert unexplained(findings, ACCEPTED_BY_CFN_LINT) == [], name


def test_cloudformation_validate(texts: dict[str, str]) -> None:
    engine = CompositeEngine()
    for name, text in texts.items():
        findings = [
            (found.rule_id, found.message)
            for found in engine.validate_template(text.encode()).diagnostics
            if found.severity.name != "INFO"
        ]
        assert unexplained(findings, ACCEPTED_BY_VALIDATE) == [], name


def test_the_linters_do_find_faults() -> None:
    text = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketNam: x\n"

    assert lint(text, config=ManualArgs(regions=REGIONS))  # type: ignore[arg-type]
    found = CompositeEngine().validate_template(text.encode()).diagnostics
    assert any(item.severity.name not in ("INFO", "WARN") for item in found)


def test_services_get_the_arn_of_their_role(bundles: dict[str, Bundle]) -> None:
    for bundle in bundles.values():
        for body in yaml.safe_load(bundle.cloudformation)["Resources"].values():
            for member in ("ServiceRole", "RoleArn", "Role"):
                if member in body.get("Properties", {}):
                    assert body["Properties"][member]["Fn::GetAtt"][1] == "Arn"


def test_published_templates_hold_no_placeholder_and_nothing_of_cdk(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert ("__CATALOG_" in text) is name.endswith("canonical")
        assert "aws:cdk" not in text
        assert "BootstrapVersion" not in text
        assert len(text.encode()) < MAX_BODY


def test_what_is_filled_in_stays_text(bundles: dict[str, Bundle]) -> None:
    for bundle in bundles.values():
        filled = bundle.filled(
            release=Release(tag="1.0", catalog_url="no"),
            assets_bucket_prefix="0123",
            wheels_prefix="2026-11-22",
        )
        values = yaml.safe_load(filled)["Mappings"]["Catalog"]["Release"]
        assert values == {
            "Tag": "1.0",
            "Url": "no",
            "AssetsBucketPrefix": "0123",
            "WheelsPrefix": "2026-11-22",
        }


LIMITS = {
    ("AWS::S3::Bucket", "BucketName"): (63, r"[a-z0-9][a-z0-9-]*[a-z0-9]"),
    ("AWS::IAM::Role", "RoleName"): (64, r"[\w+=,.@-]+"),
    ("AWS::Lambda::Function", "FunctionName"): (64, r"[\w-]+"),
    ("AWS::CodeBuild::Project", "Name"): (150, r"[A-Za-z0-9][\w-]+"),
    ("AWS::CodePipeline::Pipeline", "Name"): (100, r"[\w.@-]+"),
    ("AWS::CodeCommit::Repository", "RepositoryName"): (100, r"[\w.-]+"),
    ("AWS::Events::Rule", "Name"): (64, r"[\w.-]+"),
    ("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName"): (
        63,
        r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}",
    ),
    ("AWS::Logs::LogGroup", "LogGroupName"): (512, r"[\w./#-]+"),
}


def test_names_keep_their_services_limits(bundles: dict[str, Bundle]) -> None:
    longest = {
        "SageMakerProjectName": "Z" * 32,
        "SageMakerProjectId": "p" * 20,
        "AWS::AccountId": "1" * 12,
        "AWS::Region": "ap-southeast-2",
    }
    checked = set()
    for bundle in bundles.values():
        for body in yaml.safe_load(bundle.cloudformation)["Resources"].values():
            for (kind, member), (limit, pattern) in LIMITS.items():
                if body["Type"] != kind:
                    continue
                name = _substituted(body["Properties"][member], longest)
                assert len(name) <= limit, (kind, name)
                assert re.fullmatch(pattern, name), (kind, name)
                assert "p" * 20 in name, "no name is shared by two projects"
                checked.add((kind, member))
    assert checked == set(LIMITS)


def _substituted(value: Any, values: dict[str, str]) -> str:
    return re.sub(r"\$\{([\w:]+)\}", lambda match: values[match[1]], value["Fn::Sub"])


def test_what_holds_a_teams_work_outlives_the_stack(bundles: dict[str, Bundle]) -> None:
    keeps = {
        "AWS::CodeCommit::Repository",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SageMaker::ModelPackageGroup",
    }
    for bundle in bundles.values():
        for body in yaml.safe_load(bundle.cloudformation)["Resources"].values():
            expected = "RetainExceptOnCreate" if body["Type"] in keeps else "Delete"
            assert body.get("DeletionPolicy", "Delete") == expected


def test_no_role_has_a_wildcard_action(bundles: dict[str, Bundle]) -> None:
    for bundle in bundles.values():
        for name, body in yaml.safe_load(bundle.cloudformation)["Resources"].items():
            if body["Type"] != "AWS::IAM::Role":
                continue
            assert body["Properties"]["Path"] == "/sagemaker-projects/"
            assert (
                body["Properties"]["PermissionsBoundary"]["Fn::If"][0] == "HasPermissionsBoundary"
            )
            for policy in body["Properties"]["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    given = statement["Fn::If"][1] if "Fn::If" in statement else statement
                    assert not any("*" in action for action in given["Action"]), name
