"""A template's `product.py` to its CloudFormation template, in this process, without bootstrap."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

# isort: off
import catalog.products  # noqa: F401 - points jsii at the locked Node, so it comes before CDK
import aws_cdk as cdk
import cdk_nag
# isort: on

from catalog.bundles.canonical import to_yaml
from catalog.bundles.model import Parameter
from catalog.bundles.parameters import MAX_LENGTHS, sagemaker_parameters
from catalog.errors import CatalogError, Location, TemplateError
from catalog.products.context import ParameterForm, ProductContext

MAX_BODY = 1_048_576
"""Bytes of a template that CloudFormation reads from S3 (CloudFormation quotas)."""

_JSII = threading.RLock()
"""jsii has one kernel per process and is not thread-safe."""


@dataclass(frozen=True, kw_only=True)
class Synthesised:
    """What a product becomes.

    Attributes:
        cloudformation: canonical YAML with placeholders.
        parameters: everything that a launch is asked, in order.
    """

    cloudformation: str
    parameters: tuple[Parameter, ...]


def synthesise(
    *,
    product: Path,
    template: str,
    title: str,
    summary: str,
    version: str,
    parameters: Sequence[Parameter],
    seed_key: str,
) -> Synthesised:
    """Run a `product.py`, check it with cdk-nag and return its template.

    Args:
        product: the template's `product.py`.
        template: folder name under `templates/`.
        title: product name.
        summary: description of the template.
        version: SemVer.
        parameters: the template's own parameters, from its questions.
        seed_key: S3 key of the seed archive.

    Raises:
        TemplateError: `product.py` does not run, is not accepted by cdk-nag, or makes a template
            that CloudFormation would not read.
    """
    where = Location(file=str(product))
    with _JSII, tempfile.TemporaryDirectory(prefix="synth-") as folder:
        build = _entry(product)
        app = cdk.App(
            outdir=folder,
            analytics_reporting=False,
            context={"aws:cdk:disable-stack-trace": True, "aws:cdk:disable-asset-staging": True},
        )
        stack = cdk.Stack(
            app,
            "Product",
            description=f"{title} {version}: {summary}"[:1024],
            synthesizer=cdk.LegacyStackSynthesizer(),
            analytics_reporting=False,
        )
        form = ParameterForm()
        for own in sagemaker_parameters():
            form.add(stack, own, max_length=MAX_LENGTHS[own.name])
        for parameter in parameters:
            form.add(stack, parameter)
        context = ProductContext(
            template=template, title=title, version=version, seed_key=seed_key, form=form
        )
        _run(build, stack, context, where)
        stack.template_options.metadata = {"AWS::CloudFormation::Interface": form.interface()}
        body = _synthesised(app, stack, Path(folder), where)
    text = to_yaml(body)
    if len(text.encode()) > MAX_BODY:
        raise TemplateError(f"makes a template larger than {MAX_BODY} bytes", where=where)
    return Synthesised(cloudformation=text, parameters=tuple(form.parameters))


def _entry(product: Path) -> Callable[..., None]:
    spec = importlib.util.spec_from_file_location(f"_product_{abs(hash(product))}", product)
    if spec is None or spec.loader is None or not product.is_file():
        raise TemplateError("is missing", where=Location(file=str(product)))
    module: ModuleType = importlib.util.module_from_spec(spec)
    was, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except CatalogError:
        raise
    except Exception as error:
        raise _broken(error, Location(file=str(product))) from error
    finally:
        sys.dont_write_bytecode = was
    build = getattr(module, "build", None)
    if not callable(build):
        raise TemplateError(
            "defines no build(scope, *, context)", where=Location(file=str(product))
        )
    return build  # type: ignore[no-any-return]


def _run(
    build: Callable[..., None], stack: cdk.Stack, context: ProductContext, where: Location
) -> None:
    try:
        build(stack, context=context)
    except CatalogError:
        raise
    except Exception as error:
        raise _broken(error, where) from error


def _broken(error: Exception, where: Location) -> TemplateError:
    text = str(error).strip().splitlines()
    return TemplateError(f"{type(error).__name__}: {text[0] if text else ''}", where=where)


def _synthesised(app: cdk.App, stack: cdk.Stack, folder: Path, where: Location) -> dict[str, Any]:
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    said = StringIO()
    try:
        with redirect_stderr(said):
            app.synth()
    except RuntimeError as error:
        findings = nag_findings(folder)
        detail = "\n".join(findings) if findings else str(error).strip().splitlines()[0]
        raise TemplateError(
            f"does not pass cdk-nag (AwsSolutions):\n{detail}" if findings else detail,
            where=where,
            next_step="Fix the resource, or acknowledge the finding with its reason"
            " (catalog/products/nag.py).",
        ) from error
    body: dict[str, Any] = json.loads((folder / stack.template_file).read_text(encoding="utf-8"))
    body.setdefault("AWSTemplateFormatVersion", "2010-09-09")
    return body


def nag_findings(folder: Path) -> list[str]:
    """Return what cdk-nag reported in a cloud assembly, one line per finding."""
    found = []
    for report in sorted(folder.glob("*validation-report.json")):
        for plugin in json.loads(report.read_text(encoding="utf-8")).get("pluginReports", []):
            if plugin.get("pluginName") != "AwsSolutions":
                continue  # warnings of other checks, which run on the finished template
            for violation in plugin.get("violations", []):
                found += [
                    f"{violation.get('ruleName')}: {at.get('constructPath', '')}"
                    for at in violation.get("violatingConstructs", [])
                ]
    return found
