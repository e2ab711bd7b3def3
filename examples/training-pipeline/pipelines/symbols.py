"""The parts of the definition that depend on where it runs, and what stands for them.

`${bucket}`, `${role}`, `${model_package_group}`, `${region}`, `${registry}` (the host of
SageMaker's images in the region) and `${code:pipeline}` (the URI of the code archive).
"""

import re
from collections.abc import Mapping

_SYMBOL = re.compile(r"\$\{([a-z_]+(?::[\w-]+)?)\}")


def resolve(definition: str, values: Mapping[str, str]) -> str:
    """Return the definition with every symbol replaced.

    Raises:
        KeyError: a symbol without a value.
    """
    return _SYMBOL.sub(lambda match: values[match[1]], definition)


def used(definition: str) -> set[str]:
    """Return the symbols that the definition holds."""
    return set(_SYMBOL.findall(definition))
