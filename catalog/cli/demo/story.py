"""The demo, chapter by chapter: publish to an organisation, then start a project in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from catalog import __version__
from catalog.aws import Aws
from catalog.bundles.model import Release
from catalog.cli.console import stdout
from catalog.cli.demo.proof import (
    TreeDifference,
    compare,
    folder_tree,
    recorded_answers,
    render_with_copier,
    tracked_tree,
)
from catalog.cli.demo.scratch import ScratchCatalog, clone_catalog, run_git
from catalog.cli.demo.world import MEMBERS, World, build_world, write_manifest, write_profiles
from catalog.cli.planning import print_plan
from catalog.cli.publication import Sources, look, read_sources
from catalog.cli.publish import carry_out
from catalog.errors import LocalAwsError
from catalog.localaws.core.local import LocalAws
from catalog.localaws.sagemaker_projects.studio import OrganizationTemplate, organization_templates
from catalog.manifest.load import load_catalog

PROJECT_NAME: Final = "flight-delays"
TEMPLATE: Final = "training-pipeline"
_DEADLINE_SECONDS: Final = 300.0


@dataclass(kw_only=True)
class Teller:
    """Prints chapters and keeps how long each took."""

    console: Console
    chapters: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Print a heading, run the body, keep its seconds."""
        self.console.print()
        self.console.print(Rule(f"[bold]{len(self.chapters) + 1}. {title}", align="left"))
        began = time.monotonic()
        yield
        self.chapters.append((title, time.monotonic() - began))

    def say(self, text: str) -> None:
        """Print one line of rich markup."""
        self.console.print(text)


def run_demo(*, root: Path, work_dir: Path, with_pipeline: bool) -> None:
    """Tell the whole story and leave what it made in `work_dir`.

    Args:
        root: checkout of the catalog.
        work_dir: replaced when it exists.
        with_pipeline: run the generated repository's `make pipeline` at the end.

    Raises:
        CatalogError: a step failed; the message says which and why.
    """
    _replace(work_dir)
    teller = Teller(console=stdout())
    teller.say(
        "Everything below runs on this machine. Emulated: AWS (Organizations, IAM, Service Catalog,"
        " SageMaker Projects, CloudFormation, Lambda, CodeBuild, CodeCommit). Real: the publishing"
        " code, the CDK product, the seeding build's commands, Copier, git, the pipeline's steps."
    )
    with LocalAws(work_dir=work_dir / "local-aws") as aws:
        with teller.chapter("An organisation: a hub and three member accounts in two OUs"):
            world = build_world(aws)
            _show_world(teller, world)
        with teller.chapter("The catalog at a release tag, as bundles"):
            scratch, sources = _read_catalog(
                root=root, work_dir=work_dir, world=world, teller=teller
            )
        hub = _hub_aws(world)
        with teller.chapter("The plan"):
            outlook = look(sources=sources, aws=hub)
            print_plan(teller.console, outlook=outlook, sources=sources)
        with teller.chapter("Apply"):
            carry_out(sources=sources, aws=hub, outlook=outlook)
        with teller.chapter("A second run has nothing to do"):
            _show_second_run(teller, world, sources)
        with teller.chapter("A data scientist picks the template in Studio and creates a project"):
            project = _create_project(teller, world)
        with teller.chapter("The repository, and the proof that it equals `copier copy`"):
            clone = _clone_and_prove(teller, world, project, scratch, work_dir)
        with teller.chapter("The first push has started the build: tests, then upsert"):
            _watch_build(teller, world, project)
        if with_pipeline:
            with teller.chapter("`make pipeline`: the same definition that SageMaker would run"):
                _make(teller, clone, "pipeline")
        _finish(teller, world, clone, work_dir)


def _replace(work_dir: Path) -> None:
    marker = work_dir / ".catalog-demo"
    if work_dir.exists():
        # Only a folder that an earlier demo made is ever removed.
        if any(work_dir.iterdir()) and not marker.exists():
            raise LocalAwsError(
                f"{work_dir} exists and is not an earlier demo's",
                next_step="choose another --work-dir.",
            )
        shutil.rmtree(work_dir)
    work_dir.mkdir(parents=True)
    marker.touch()


def _show_world(teller: Teller, world: World) -> None:
    table = Table("account", "id", "organizational unit", box=None)
    table.add_row("management", world.organization.management, "(root)")
    table.add_row("hub", world.organization.hub, "infrastructure")
    for name, account in world.organization.members.items():
        table.add_row(name, account, MEMBERS[name])
    teller.console.print(table)
    teller.say(f"Regions: {', '.join(world.organization.regions)}. {world.aws.endpoint_url}")


def _read_catalog(
    *, root: Path, work_dir: Path, world: World, teller: Teller
) -> tuple[ScratchCatalog, Sources]:
    manifest = work_dir / "catalog.yml"
    write_manifest(
        source=root / "catalog.yml", destination=manifest, organization=world.organization
    )
    url = load_catalog(path=manifest).url
    scratch = clone_catalog(
        root=root.resolve(), destination=work_dir / "catalog", url=url, tag=f"v{__version__}"
    )
    sources = read_sources(
        root=scratch.path,
        manifest=manifest,
        dev=False,
        release=Release(tag=scratch.tag, catalog_url=url),
        cache_dir=root / ".cache",
        step=lambda text: teller.say(f"  {text}"),
    )
    for bundle in sources.bundles.values():
        size = sum(len(asset.content) for asset in bundle.assets) / 1e6
        teller.say(
            f"{bundle.title} {bundle.version}: {len(bundle.parameters)} parameters,"
            f" {len(bundle.cloudformation) / 1e3:.0f} kB of CloudFormation,"
            f" {size:.1f} MB of seed archive, digest {bundle.digest[:16]}"
        )
    return scratch, sources


def _hub_aws(world: World) -> Aws:
    session = world.aws.session(
        account=world.organization.hub, region=world.organization.home_region
    )

    def assumed(credentials: dict[str, str], region: str) -> Any:
        return world.aws.session_as(
            {
                "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
                "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
                "AWS_SESSION_TOKEN": credentials["aws_session_token"],
            },
            region=region,
        )

    hub = world.organization.hub
    return Aws(
        session=session,
        role_for=lambda account: None if account == hub else "OrganizationAccountAccessRole",
        session_factory=assumed,
    )


def _show_second_run(teller: Teller, world: World, sources: Sources) -> None:
    aws = _hub_aws(world)
    outlook = look(sources=sources, aws=aws)
    print_plan(teller.console, outlook=outlook, sources=sources)
    mutating = {name: count for name, count in aws.mutating_calls().items() if count}
    teller.say(f"Calls: {sum(aws.calls.values())} reads, {sum(mutating.values())} changes.")
    if not outlook.empty or mutating:
        raise LocalAwsError(f"a second run should have nothing to do, but: {mutating}")


def _create_project(teller: Teller, world: World) -> dict[str, Any]:
    account = world.scientist_account
    session = world.aws.session(
        account=account,
        region=world.organization.home_region,
        role_arn=world.execution_role_arn(account=account),
    )
    templates = organization_templates(session)
    table = Table("organization templates", "version", "portfolio", box=None)
    for entry in templates:
        table.add_row(entry.name, entry.version, entry.portfolio)
    teller.console.print(table)
    chosen = _choose(templates)
    client = session.client("sagemaker")
    client.create_project(
        ProjectName=PROJECT_NAME,
        ProjectDescription="Will this flight be late?",
        ServiceCatalogProvisioningDetails={
            "ProductId": chosen.product_id,
            "ProvisioningArtifactId": chosen.artifact_id,
            "PathId": chosen.path_id,
        },
    )
    teller.say(f"sagemaker create-project --project-name {PROJECT_NAME}")
    project: dict[str, Any] = {}
    seen = ""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        project = dict(client.describe_project(ProjectName=PROJECT_NAME))
        if project["ProjectStatus"] != seen:
            seen = project["ProjectStatus"]
            teller.say(f"  {seen}")
        if seen not in {"Pending", "CreateInProgress"}:
            break
        time.sleep(0.2)
    if seen != "CreateCompleted":
        details = project.get("ServiceCatalogProvisionedProductDetails", {})
        reason = details.get("ProvisionedProductStatusMessage", "no reason given")
        raise LocalAwsError(f"the project ended {seen}: {reason}")
    return project


def _watch_build(teller: Teller, world: World, project: Mapping[str, Any]) -> None:
    session = world.aws.session(
        account=world.scientist_account, region=world.organization.home_region
    )
    codepipeline = session.client("codepipeline")
    name = f"sagemaker-{project['ProjectId']}-build"
    seen: dict[str, str] = {}
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        for stage in codepipeline.get_pipeline_state(name=name)["stageStates"]:
            status = stage.get("latestExecution", {}).get("status", "")
            if status and seen.get(stage["stageName"]) != status:
                seen[stage["stageName"]] = status
                teller.say(f"  {stage['stageName']}: {status}")
        executions = codepipeline.list_pipeline_executions(pipelineName=name)
        states = {run["status"] for run in executions["pipelineExecutionSummaries"]}
        if states and "InProgress" not in states:
            break
        time.sleep(0.5)
    if "Failed" in seen.values() or "Succeeded" not in seen.values():
        raise LocalAwsError(
            f"the build pipeline {name} ended {seen}",
            next_step=f"its logs are below {world.aws.work_dir}.",
        )
    pipelines = session.client("sagemaker").list_pipelines()["PipelineSummaries"]
    teller.say(f"SageMaker pipelines: {', '.join(p['PipelineName'] for p in pipelines)}")


def _choose(templates: list[OrganizationTemplate]) -> OrganizationTemplate:
    if not templates:
        raise LocalAwsError("Studio lists no template to the execution role")
    return next((t for t in templates if "training" in t.name.lower()), templates[0])


def _clone_and_prove(
    teller: Teller,
    world: World,
    project: Mapping[str, Any],
    scratch: ScratchCatalog,
    work_dir: Path,
) -> Path:
    session = world.aws.session(
        account=world.scientist_account, region=world.organization.home_region
    )
    repository = f"sagemaker-{project['ProjectName']}-{project['ProjectId']}"
    url = session.client("codecommit").get_repository(repositoryName=repository)[
        "repositoryMetadata"
    ]["cloneUrlHttp"]
    clone = work_dir / PROJECT_NAME
    run_git("clone", "--quiet", url, str(clone))
    teller.say(f"git clone {url}")
    answers = recorded_answers(clone)
    teller.say(f"Its answers name {answers['_src_path']} at {answers['_commit']}.")
    rendered = work_dir / "copier-copy"
    render_with_copier(catalog=scratch, answers=answers, destination=rendered)
    difference = compare(tracked_tree(clone), folder_tree(rendered))
    teller.say(_proof_line(difference))
    if not difference.equal:
        raise LocalAwsError(
            f"the seeded repository differs from copier copy: {difference}",
            next_step=f"compare {clone} with {rendered}.",
        )
    return clone


def _proof_line(difference: TreeDifference) -> str:
    verdict = "[green]identical[/]" if difference.equal else "[red]DIFFERENT[/]"
    return (
        f"{difference.files} files, {difference.bytes / 1e3:.0f} kB, names, modes and bytes:"
        f" {verdict}"
    )


def _make(teller: Teller, clone: Path, target: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in {"VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}
    }
    teller.say(f"cd {clone} && make {target}")
    finished = subprocess.run(
        ["make", "--no-print-directory", target], cwd=clone, env=environment, check=False
    )
    if finished.returncode:
        raise LocalAwsError(
            f"`make {target}` in the new repository failed with exit code {finished.returncode}",
            next_step=f"run it again in {clone}.",
        )


def _finish(teller: Teller, world: World, clone: Path, work_dir: Path) -> None:
    profiles = write_profiles(world=world, folder=work_dir)
    teller.console.print()
    teller.console.print(Rule("[bold]Done", align="left"))
    for title, seconds in teller.chapters:
        teller.say(f"  {seconds:6.1f} s  {escape(title)}")
    teller.say("\nLook at:")
    for path, what in (
        (clone, "the data scientist's repository"),
        (clone / "reports", "metrics, plots and the report of its pipeline"),
        (work_dir / "catalog.yml", "the manifest that was published"),
        (work_dir / "local-aws", "logs of the local AWS, builds among them"),
    ):
        if path.exists():
            teller.say(f"  {path}  {what}")
    profiles.unlink()  # its keys opened an AWS that ends with this process
    teller.say("\nTry next, with an organisation that stays up until Ctrl-C:")
    teller.say("  publish-catalog local up")
    teller.say("It prints the environment for the `aws` CLI, and then:")
    teller.say("  aws organizations list-accounts")
    teller.say("  aws servicecatalog search-products --profile data-scientist")
