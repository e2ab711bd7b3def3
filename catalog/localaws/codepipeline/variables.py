"""Resolving `#{namespace.name}` in action configurations."""

from __future__ import annotations

import re
from collections.abc import Mapping

from catalog.localaws.codepipeline.actions.base import ActionFailureError
from catalog.localaws.codepipeline.executions import Execution

_VARIABLE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)\}")


def resolve(configuration: Mapping[str, str], *, execution: Execution) -> dict[str, str]:
    """Return a configuration with all variables replaced.

    Args:
        configuration: an action's.
        execution: has the namespaces of actions that have run.

    Raises:
        ActionFailureError: a variable that nothing has set.
    """
    namespaces = {
        **execution.namespaces,
        "variables": execution.variables,
        "codepipeline": {"PipelineExecutionId": execution.id},
    }

    def value(match: re.Match[str]) -> str:
        namespace, name = match.groups()
        try:
            return namespaces[namespace][name]
        except KeyError:
            raise ActionFailureError(
                "ConfigurationError", f"Variable {match[0]} cannot be resolved"
            ) from None

    return {key: _VARIABLE.sub(value, text) for key, text in configuration.items()}
