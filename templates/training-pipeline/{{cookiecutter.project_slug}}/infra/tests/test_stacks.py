"""The templates: what they hold, that they are up to date, and that the linters accept them."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from infra import synth
from infra.environments import ENVIRONMENTS, RealTime

REAL_TIME = {e.name: e.compute for e in ENVIRONMENTS if isinstance(e.compute, RealTime)}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return the templates anew; cdk-nag would refuse them here."""
    return synth.synthesise()


@pytest.fixture(scope="module")
def templates(texts: dict[str, str]) -> dict[str, Any]:
    return {name.removesuffix(".json"): json.loads(text) for name, text in texts.items()}


def properties(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = [r["Properties"] for r in template["Resources"].values() if r["Type"] == kind]
    return dict(found)


def test_the_committed_templates_are_up_to_date(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert (synth.TEMPLATES / name).read_text(encoding="utf-8") == text, "run `make infra`"


def test_cfn_lint_accepts_them(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        assert lint(text) == [], name


def test_dev_scales_to_zero(templates: dict[str, Any]) -> None:
    kinds = {resource["Type"] for resource in templates["dev"]["Resources"].values()}
    assert kinds == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
    }
    (variant,) = properties(templates["dev"], "AWS::SageMaker::EndpointConfig")[
        "ProductionVariants"
    ]
    assert "ServerlessConfig" in variant
    assert "InstanceType" not in variant


@pytest.mark.parametrize("name", sorted(REAL_TIME))
def test_a_bad_model_is_rolled_back_from_a_canary(templates: dict[str, Any], name: str) -> None:
    resources = templates[name]["Resources"]
    deployment = properties(templates[name], "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"
    assert routing["CanarySize"]["Value"] <= 50
    alarms = deployment["AutoRollbackConfiguration"]["Alarms"]
    watched = {resources[alarm["AlarmName"]["Ref"]]["Properties"]["MetricName"] for alarm in alarms}
    assert watched == {"Invocation5XXErrors", "ModelLatency"}
    # A canary of one instance, of one instance, is everything.
    assert REAL_TIME[name].instances >= 2


@pytest.mark.parametrize("name", sorted(REAL_TIME))
def test_instances_follow_the_calls(templates: dict[str, Any], name: str) -> None:
    target = properties(templates[name], "AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["MinCapacity"] == REAL_TIME[name].instances
    assert target["MaxCapacity"] == REAL_TIME[name].most_instances
    endpoint = properties(templates[name], "AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"], "an update keeps the instances that calls need"


def test_only_prod_captures_data_and_encrypts_it(templates: dict[str, Any]) -> None:
    for name, template in templates.items():
        config = properties(template, "AWS::SageMaker::EndpointConfig")
        assert ("DataCaptureConfig" in config) == (name == "prod")
    capture = properties(templates["prod"], "AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert capture["KmsKeyId"] == {"Ref": "KmsKeyArn"}
    assert capture["DestinationS3Uri"]["Fn::Sub"].endswith("/capture")


def test_names_follow_from_package_and_shape_and_keep_the_limit(texts: dict[str, str]) -> None:
    (prod,) = [e for e in ENVIRONMENTS if e.name == "prod"]
    assert isinstance(prod.compute, RealTime)
    larger = dataclasses.replace(prod.compute, instance_type="ml.m5.xlarge")
    changed = synth.synthesise((dataclasses.replace(prod, compute=larger),))["prod.json"]
    names = []
    for text in (texts["prod.json"], changed):
        resources = json.loads(text)["Resources"]
        model = resources["Model"]["Properties"]["ModelName"]["Fn::Sub"]
        assert model == resources["Config"]["Properties"]["EndpointConfigName"]["Fn::Sub"]
        longest = model.replace("${EndpointName}", "e" * 45)
        longest = longest.replace("${ModelPackageVersion}", "9" * 6)
        assert len(longest) <= 63
        assert re.search(r"-[0-9a-f]{8}$", model)
        names.append(model)
    assert names[0] != names[1], "another configuration needs another name"


def test_a_stale_template_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synth, "TEMPLATES", tmp_path)
    assert synth.main(["--check"]) == 1
    assert synth.main([]) == 0
    assert synth.main(["--check"]) == 0
