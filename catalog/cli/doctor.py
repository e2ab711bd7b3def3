"""`publish-catalog doctor`: whether every account can start projects, and what to do if not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from catalog.cli.console import print_json, stderr, stdout
from catalog.cli.options import dev_option, json_option, manifest_option, root_option
from catalog.cli.publication import connect, read_sources
from catalog.publishing.observe import observe
from catalog.spokes.doctor import Diagnosis, diagnose
from catalog.spokes.examine import examine

HEALTHY, UNHEALTHY = 0, 1


@click.command()
@root_option
@manifest_option
@dev_option
@json_option
def doctor(root: Path, manifest: Path | None, dev: bool, as_json: bool) -> int:
    """Examine every account and region. Exit code: 0 all can start projects, 1 some cannot."""
    with stderr().status("reading manifests") as shown:
        sources = read_sources(root=root, manifest=manifest, dev=dev, step=shown.update)
        aws = connect(manifest=sources.manifest)
        shown.update("examining the hub")
        observed = observe(aws=aws, desired=sources.desired(), fast=True)
        shown.update("examining accounts")
        facts = examine(
            aws=aws, manifest=sources.manifest, observed=observed, roles=sources.roles()
        )
    diagnosis = diagnose(facts)
    if as_json:
        print_json(diagnosis_to_dict(diagnosis))
    else:
        print_diagnosis(stdout(), diagnosis)
    return HEALTHY if diagnosis.healthy else UNHEALTHY


def diagnosis_to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as JSON-ready values."""
    return {
        "healthy": diagnosis.healthy,
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "readiness": [
            {
                "account": item.account,
                "region": item.region,
                "portfolio": item.portfolio,
                "ready": item.ready,
                "roles": list(item.roles),
            }
            for item in diagnosis.readiness
        ],
    }


def print_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Print readiness per account, region and portfolio, then each finding with its fix."""
    for item in diagnosis.readiness:
        mark = "[green]ready[/]    " if item.ready else "[red]not ready[/]"
        roles = f"  for {', '.join(item.roles)}" if item.roles else ""
        console.print(f"{mark} {item.account} {item.region} {item.portfolio}{escape(roles)}")
    for finding in diagnosis.findings:
        colour = "red" if finding.blocking else "yellow"
        where = f"{finding.account}{' ' + finding.region if finding.region else ''}"
        console.print(
            f"\n[{colour}]{finding.check}[/] {where}: {escape(finding.message)}"
            f"\n  fix: {escape(finding.fix)}"
        )
    blocking = sum(finding.blocking for finding in diagnosis.findings)
    rest = len(diagnosis.findings) - blocking
    ready = sum(item.ready for item in diagnosis.readiness)
    console.print(
        f"\n{ready} of {len(diagnosis.readiness)} ready;"
        f" {blocking} findings to mend, {rest} to know of."
    )
