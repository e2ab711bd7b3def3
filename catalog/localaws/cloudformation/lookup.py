"""What a running stack knows: its resources, the account's exports, SSM parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.model import Stack, State
from catalog.localaws.cloudformation.template import validation_error


@dataclass(kw_only=True)
class LiveLookup:
    """The lookup of a run.

    Attributes:
        client: makes an SSM client that signs as the stack's caller.
        imported: names of the exports that were asked for.
    """

    state: State
    stack: Stack
    client: Callable[[], Any]
    imported: set[str] = field(default_factory=set)

    def ref(self, logical_id: str) -> Any:
        """Return what `Ref` gives for a resource."""
        resource = self.stack.resources.get(logical_id)
        if resource is None or resource.physical_id is None:
            raise validation_error(
                f"Template format error: Unresolved resource dependencies [{logical_id}] in the "
                "Resources block of the template"
            )
        return resource.attributes.get("Ref", resource.physical_id)

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Return an attribute of a resource."""
        resource = self.stack.resources.get(logical_id)
        if resource is None:
            raise validation_error(
                f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}"
            )
        value: Any = resource.attributes
        if attribute in resource.attributes:
            return resource.attributes[attribute]
        for part in attribute.split("."):
            if not isinstance(value, dict) or part not in value:
                raise validation_error(
                    f"Template error: resource {logical_id} does not support attribute type "
                    f"{attribute} in Fn::GetAtt"
                )
            value = value[part]
        return value

    def import_value(self, name: str) -> Any:
        """Return the value of an export of the same account and region."""
        exports = self.state.exports()
        if name not in exports:
            raise validation_error(f"No export named {name} found. ")
        self.imported.add(name)
        return exports[name][0]

    def dynamic(self, service: str, reference: str) -> Any:
        """Return what `{{resolve:ssm:NAME}}` or `{{resolve:ssm:NAME:VERSION}}` stands for."""
        if service != "ssm":
            raise validation_error(
                f"Dynamic reference to {service} is not emulated by the local CloudFormation."
            )
        return read_ssm(self.client(), reference)


def read_ssm(client: Any, reference: str) -> str:
    """Return the value of an SSM parameter `NAME` or `NAME:VERSION`.

    Raises:
        ServiceError: `ValidationError`: it does not exist, is secure, or may not be read.
    """
    try:
        parameter = client.get_parameter(Name=reference)["Parameter"]
    except ClientError as error:
        details = error.response["Error"]
        if details["Code"] in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise validation_error(
                "Unable to fetch parameters [" + reference + "] from parameter store for this "
                "account."
            ) from None
        raise validation_error(f"{details['Message']} (Service: Ssm)") from None
    if parameter["Type"] == "SecureString":
        raise validation_error(f"SSM Secure reference is not supported in: [{reference}]")
    return str(parameter["Value"])
