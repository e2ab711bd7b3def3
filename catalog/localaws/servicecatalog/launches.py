"""What a launch, an update or a plan needs before CloudFormation is asked: checked values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.localaws.cloudformation.parameters import resolve_parameters
from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.servicecatalog import errors, ids
from catalog.localaws.servicecatalog.base import require_tags, tag_list, tag_map
from catalog.localaws.servicecatalog.models import Artifact
from catalog.localaws.servicecatalog.paths import Launchable, LaunchPath
from catalog.localaws.servicecatalog.stacks import StackRequest
from catalog.localaws.servicecatalog.views import Views

_MOST_TAGS = 50


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A checked request on a stack, with the credentials to make it."""

    chosen: Launchable
    role_arn: str | None
    credentials: dict[str, str]
    parameters: dict[str, str]
    tags: dict[str, str]


class Launches(Views):
    """Checks shared by launches, updates and plans."""

    def check_launch(
        self,
        call: Call,
        *,
        params: dict[str, Any],
        tags: Mapping[str, str],
        previous: Mapping[str, str] | None,
    ) -> Launch:
        """Resolve and check what the caller asks for, and take on the launch role.

        Args:
            call: the request.
            params: its parameters, with an update's defaults filled in.
            tags: the tags the user gives to the stack.
            previous: the parameters in force, for an update; None for a launch.

        Raises:
            ServiceError: ResourceNotFoundException or InvalidParametersException.
        """
        if params.get("ProvisioningPreferences"):
            raise errors.not_emulated("The local AWS has no stack set launches.")
        with self.lock:
            self.settle(self.region(call))
            chosen = self.resolve(call, params, updates=previous is not None)
            role_arn = self.launch_role_of(call.account, chosen.path)
        parameters = _values(
            chosen.artifact, params.get("ProvisioningParameters", []), previous or {}
        )
        stack_tags = require_tags(_stack_tags(chosen.path, tags), quota=_MOST_TAGS)
        credentials = self.assume(role_arn) if role_arn else call.credentials
        self.require_summary(call, chosen.artifact, credentials)
        return Launch(
            chosen=chosen,
            role_arn=role_arn,
            credentials=credentials,
            parameters=parameters,
            tags=stack_tags,
        )

    def stack_request(
        self, call: Call, launch: Launch, *, provisioned_id: str, provisioned_arn: str
    ) -> StackRequest:
        """Return what CloudFormation is told; Service Catalog's own tags come last."""
        chosen = launch.chosen
        own = {
            "productArn": chosen.product.arn,
            "provisioningPrincipalArn": call.principal.arn,
            "provisioningArtifactIdentifier": chosen.artifact.id,
            "portfolioArn": chosen.path.portfolio.arn,
            "provisionedProductArn": provisioned_arn,
        }
        topics = [
            arn
            for parameters in chosen.path.parameters_of("NOTIFICATION")
            for arn in parameters["NotificationArns"]
        ]
        return StackRequest(
            name=ids.stack_name(account=call.account, provisioned_id=provisioned_id),
            template_url=chosen.artifact.template_url,
            parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in launch.parameters.items()
            ],
            tags=tag_list(
                {**launch.tags, **{f"aws:servicecatalog:{k}": v for k, v in own.items()}}
            ),
            notification_arns=[*call.params.get("NotificationArns", []), *topics],
        )


def _values(
    artifact: Artifact, given: Sequence[Mapping[str, Any]], previous: Mapping[str, str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in given:
        key = item["Key"]
        if item.get("UsePreviousValue"):
            if key not in previous:
                raise errors.invalid(f"Parameter {key} has no previous value.")
            values[key] = previous[key]
        else:
            values[key] = item.get("Value", "")
    try:
        resolve_parameters(
            artifact.template,
            [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
            previous=None,
            read_ssm=lambda name: name,
        )
    except ServiceError as error:
        raise errors.invalid(error.message) from None
    return values


def _stack_tags(path: LaunchPath, given: Mapping[str, str]) -> dict[str, str]:
    for key, values in path.tag_options.items():
        if key in given and given[key] not in values:
            raise errors.invalid(f"Value {given[key]} of tag {key} is not one of its TagOptions.")
    only_choices = {k: v[0] for k, v in path.tag_options.items() if len(v) == 1}
    return {**only_choices, **given, **path.tags}


def given_tags(call: Call) -> dict[str, str]:
    """Return the tags of the request."""
    return tag_map(call.params.get("Tags"))
