"""`publish-catalog local …`: the embedded local AWS. The only commands that know of it."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from catalog.cli.console import stdout
from catalog.cli.options import root_option

DEFAULT_PORT = 4566


@click.group()
def local() -> None:
    """An embedded local AWS: try the catalog without an account."""


@local.command()
@root_option
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Loopback port; 0 picks one.")
@click.option(
    "--work-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".cache/local-aws"),
    show_default=True,
    help="Where repositories, builds, logs and the profiles file live.",
)
def up(root: Path, port: int, work_dir: Path) -> None:
    """Serve an organisation on the loopback interface until Ctrl-C.

    Prints the environment with which the `aws` CLI, boto3, git and publish-catalog itself reach it.
    State lives in memory and ends with the process.
    """
    from catalog.cli.demo.world import build_world, write_manifest, write_profiles  # noqa: PLC0415
    from catalog.localaws.core.local import LocalAws  # noqa: PLC0415 - moto takes a second to import

    console = stdout()
    with LocalAws(port=port, work_dir=work_dir.resolve()) as aws:
        world = build_world(aws)
        profiles = write_profiles(world=world, folder=aws.work_dir)
        manifest = aws.work_dir / "catalog.yml"
        write_manifest(
            source=root / "catalog.yml", destination=manifest, organization=world.organization
        )
        console.print(f"The local AWS answers on {aws.endpoint_url} (loopback only; emulated).")
        console.print("\nIn another terminal:\n")
        console.print(f"  export AWS_CONFIG_FILE={profiles} AWS_PROFILE=hub")
        console.print(f"  export AWS_ENDPOINT_URL={aws.endpoint_url}")
        console.print(f"  publish-catalog --manifest {manifest} --dev")
        console.print("\n  aws organizations list-accounts")
        console.print("  aws servicecatalog search-products-as-admin")
        console.print("  aws servicecatalog search-products --profile data-scientist")
        console.print("\nCtrl-C stops it and forgets everything.")
        stopped = threading.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stopped.set())
        stopped.wait()
    console.print("Stopped.")


@local.command()
@root_option
@click.option(
    "--work-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".cache/demo"),
    show_default=True,
    help="Where the demo leaves what it made. An earlier demo's is replaced.",
)
@click.option("--skip-pipeline", is_flag=True, help="Leave out the last step, `make pipeline`.")
def demo(root: Path, work_dir: Path, skip_pipeline: bool) -> None:
    """Publish to an organisation, then start a project as a data scientist. Told step by step."""
    from catalog.cli.demo.story import run_demo  # noqa: PLC0415 - moto and jsii are slow to import

    run_demo(root=root, work_dir=work_dir.resolve(), with_pipeline=not skip_pipeline)
