"""Model package groups, feature groups and endpoints: the operations moto lacks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends

from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.sagemaker_resources.model_packages import ModelPackages

Arns = Callable[[dict[str, Any], str, str], list[str]]


def _named(kind: str, member: str) -> Arns:
    def arns(params: dict[str, Any], account: str, region: str) -> list[str]:
        name = str(params[member]).rsplit("/", 1)[-1]
        return [f"arn:aws:sagemaker:{region}:{account}:{kind}/{name}"]

    return arns


_GROUP = _named("model-package-group", "ModelPackageGroupName")
_FEATURES = _named("feature-group", "FeatureGroupName")

RESOURCES: Mapping[str, Arns] = {
    "DeleteFeatureGroup": _FEATURES,
    "DeleteModelPackageGroup": _GROUP,
    "DeleteModelPackageGroupPolicy": _GROUP,
    "DescribeFeatureGroup": _FEATURES,
    "GetModelPackageGroupPolicy": _GROUP,
    "PutModelPackageGroupPolicy": _GROUP,
    "UpdateEndpoint": _named("endpoint", "EndpointName"),
    "UpdateFeatureGroup": _FEATURES,
}


def _refuse(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _missing(message: str) -> ServiceError:
    return ServiceError("ResourceNotFound", message)


class SageMakerResources(ModelPackages):
    """What a service class of SageMaker inherits beside its own operations."""

    name = "sagemaker"
    resources: ClassVar[Mapping[str, Arns]] = RESOURCES

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self._group_policies: dict[tuple[str, str, str], str] = {}

    def put_model_package_group_policy(self, call: Call) -> dict[str, Any]:
        """PutModelPackageGroupPolicy."""
        group = self._group(call)
        policy = call.params["ResourcePolicy"]
        try:
            statements = json.loads(policy)["Statement"]
        except (ValueError, KeyError, TypeError):
            raise _refuse("The resource policy is not a valid policy document.") from None
        del statements
        self._group_policies[self._key(call, group)] = policy
        return {"ModelPackageGroupArn": group.arn}

    def get_model_package_group_policy(self, call: Call) -> dict[str, Any]:
        """GetModelPackageGroupPolicy."""
        key = self._key(call, self._group(call))
        if key not in self._group_policies:
            raise _refuse(f"Cannot find resource policy for {key[2]}.")
        return {"ResourcePolicy": self._group_policies[key]}

    def delete_model_package_group_policy(self, call: Call) -> dict[str, Any]:
        """DeleteModelPackageGroupPolicy."""
        key = self._key(call, self._group(call))
        if self._group_policies.pop(key, None) is None:
            raise _refuse(f"Cannot find resource policy for {key[2]}.")
        return {}

    def delete_model_package_group(self, call: Call) -> dict[str, Any]:
        """DeleteModelPackageGroup; refused while it holds model packages."""
        backend, group = _backend(call), self._group(call)
        name = group.model_package_group_name
        if any(p.model_package_group_name == name for p in backend.model_packages.values()):
            raise ServiceError(
                "ConflictException",
                f"Model Package Group {group.arn} cannot be deleted because it still contains "
                "Model Packages.",
            )
        self._group_policies.pop(self._key(call, group), None)
        del backend.model_package_groups[name]
        return {}

    def describe_feature_group(self, call: Call) -> dict[str, Any]:
        """DescribeFeatureGroup."""
        group = self._features(call)
        return {
            **group.describe(),
            "RoleArn": group.role_arn,
            "FeatureGroupStatus": "Created",
            "NextToken": "",
        }

    def update_feature_group(self, call: Call) -> dict[str, Any]:
        """UpdateFeatureGroup: added features."""
        group = self._features(call)
        unknown = sorted(set(call.params) - {"FeatureGroupName", "FeatureAdditions"})
        if unknown:
            raise ServiceError(
                "NotEmulated", f"UpdateFeatureGroup with {unknown} is not emulated.", status=501
            )
        known = {item["FeatureName"] for item in group.feature_definitions}
        for item in call.params.get("FeatureAdditions", ()):
            if item["FeatureName"] in known:
                raise _refuse(f"Feature {item['FeatureName']} already exists.")
            group.feature_definitions.append(dict(item))
        return {"FeatureGroupArn": group.arn}

    def delete_feature_group(self, call: Call) -> dict[str, Any]:
        """DeleteFeatureGroup."""
        group = self._features(call)
        del _backend(call).feature_groups[group.arn]
        return {}

    def update_endpoint(self, call: Call) -> dict[str, Any]:
        """UpdateEndpoint: another endpoint configuration, in service at once.

        Instance counts and weights of variants that stay are kept where the request says so.
        """
        backend = _backend(call)
        name, config_name = call.params["EndpointName"], call.params["EndpointConfigName"]
        endpoint = backend.endpoints.get(name)
        config = backend.endpoint_configs.get(config_name)
        if endpoint is None:
            raise _refuse(f'Could not find endpoint "{name}".')
        if config is None:
            raise _refuse(f'Could not find endpoint configuration "{config_name}".')
        endpoint.endpoint_config_name = config_name
        variants = config.production_variants
        before = {variant["VariantName"]: variant for variant in endpoint.production_variants}
        endpoint.production_variants = endpoint._process_production_variants(variants)  # noqa: SLF001
        if call.params.get("RetainAllVariantProperties"):
            given = call.params.get("ExcludeRetainedVariantProperties", ())
            excluded = {item["VariantPropertyType"] for item in given}
            for variant in endpoint.production_variants:
                _retain(variant, before.get(variant["VariantName"], {}), excluded)
        endpoint.last_modified_time = datetime.now(tz=UTC)
        return {"EndpointArn": endpoint.arn}

    def _group(self, call: Call) -> Any:
        name = call.params["ModelPackageGroupName"].rsplit("/", 1)[-1]
        group = _backend(call).model_package_groups.get(name)
        if group is None:
            arn = _GROUP(call.params, call.account, call.region)[0]
            raise _refuse(f"ModelPackageGroup {arn} does not exist.")
        return group

    def _features(self, call: Call) -> Any:
        name = call.params["FeatureGroupName"].rsplit("/", 1)[-1]
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:feature-group/{name.lower()}"
        group = _backend(call).feature_groups.get(arn)
        if group is None:
            raise _missing(f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup {name}")
        return group

    def _key(self, call: Call, group: Any) -> tuple[str, str, str]:
        return call.account, call.region, group.arn


def _retain(variant: dict[str, Any], before: Mapping[str, Any], excluded: set[str]) -> None:
    for kind in ("InstanceCount", "Weight"):
        if f"Desired{kind}" in excluded:
            continue
        for name in (f"Current{kind}", f"Desired{kind}"):
            if name in before:
                variant[name] = before[name]


def _backend(call: Call) -> SageMakerModelBackend:
    backend: SageMakerModelBackend = sagemaker_backends[call.account][call.region]
    return backend
