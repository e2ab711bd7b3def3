"""Environments to CloudFormation templates: `python -m infra.synth [--check]`, see `make infra`.

The templates are committed: what a deployment changes is reviewed like code, and deploying needs
neither the CDK nor Node.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.environments import ENVIRONMENTS, Environment

TEMPLATES = Path(__file__).resolve().parent / "templates"


def synthesise(environments: tuple[Environment, ...] = ENVIRONMENTS) -> dict[str, str]:
    """Return the text of each environment's template by its file name.

    Raises:
        RuntimeError: cdk-nag objects; its findings are printed.
    """
    # isort: off
    from infra import stacks  # noqa: F401 - points the CDK at its Node, so it comes first
    import aws_cdk as cdk
    import cdk_nag
    from infra.stacks.endpoint import Endpoint
    # isort: on

    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(outdir=folder, analytics_reporting=False)
        cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
        for environment in environments:
            Endpoint(app, environment.name, environment=environment)
        app.synth()
        return {
            f"{environment.name}.json": named_by_content(
                json.loads((Path(folder) / f"{environment.name}.template.json").read_text())
            )
            for environment in environments
        }


def named_by_content(template: dict[str, Any]) -> str:
    """Return the template's text, with the digest of model and configuration in their names."""
    from infra.stacks.endpoint import SHAPE

    shaping = {name: template["Resources"][name]["Properties"] for name in ("Model", "Config")}
    digest = hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:8]
    return json.dumps(template, indent=2, sort_keys=True).replace(SHAPE, digest) + "\n"


def main(arguments: list[str]) -> int:
    """Write the templates, or with --check say which differ; return the exit code."""
    made = synthesise()
    if arguments == ["--check"]:
        found = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.json")}
        stale = [name for name, text in made.items() if found.get(name) != text]
        if stale:
            print(f"infra/templates: {', '.join(stale)} out of date. Next: make infra")
        return 1 if stale else 0
    TEMPLATES.mkdir(exist_ok=True)
    for name, text in made.items():
        (TEMPLATES / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
