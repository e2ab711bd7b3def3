"""What a product is given, and the form that Studio shows for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from catalog.bundles.model import Parameter


@dataclass
class ParameterForm:
    """The parameters of one product, in the order and groups in which people are asked.

    Attributes:
        parameters: everything declared so far.
    """

    parameters: list[Parameter] = field(default_factory=list)

    def add(self, scope: Construct, parameter: Parameter, *, max_length: int | None = None) -> str:
        """Declare a CloudFormation parameter and return its name.

        Args:
            scope: the product's stack, or a construct in it.
            parameter: what to declare.
            max_length: longest value in characters, where a service has a limit.
        """
        declared = cdk.CfnParameter(
            scope,
            parameter.name,
            type="String",
            default=parameter.default,
            allowed_values=list(parameter.allowed_values) or None,
            allowed_pattern=parameter.allowed_pattern,
            constraint_description=constraint(parameter),
            description=parameter.description or None,
            max_length=max_length,
        )
        declared.override_logical_id(parameter.name)
        self.parameters.append(parameter)
        return parameter.name

    def interface(self) -> dict[str, Any]:
        """Return the `AWS::CloudFormation::Interface` metadata: groups in order of appearance."""
        groups: dict[str, list[str]] = {}
        for parameter in self.parameters:
            groups.setdefault(parameter.group or "Project", []).append(parameter.name)
        return {
            "ParameterGroups": [
                {"Label": {"default": group}, "Parameters": names}
                for group, names in groups.items()
            ],
            "ParameterLabels": {
                parameter.name: {"default": label(parameter.name)} for parameter in self.parameters
            },
        }


def constraint(parameter: Parameter) -> str | None:
    """Return what CloudFormation answers to a value that the pattern refuses."""
    if parameter.allowed_pattern is None:
        return None
    return f"{label(parameter.name)} must match {parameter.allowed_pattern}"


def label(name: str) -> str:
    """Return a parameter's name as words: `ProblemType` becomes `Problem type`."""
    words: list[str] = []
    for character in name.replace("SageMaker", "Sagemaker"):
        if character.isupper() or not words:
            words.append(character)
        else:
            words[-1] += character
    first, *rest = words
    text = " ".join([first, *(word.lower() for word in rest)])
    return text.replace("Sagemaker", "SageMaker")


@dataclass(frozen=True, kw_only=True)
class ProductContext:
    """What a `product.py` builds from.

    Attributes:
        template: folder name under `templates/`.
        title: the template's title.
        version: its SemVer.
        seed_key: S3 key of the seed archive.
        form: where parameters are declared; the template's own questions already are.
    """

    template: str
    title: str
    version: str
    seed_key: str
    form: ParameterForm

    def answers(self) -> Iterable[Parameter]:
        """Return the parameters that answer the template's questions."""
        return [parameter for parameter in self.form.parameters if parameter.question]
