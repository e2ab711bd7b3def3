"""`kill -9` of `publish-catalog --yes`, and running it again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from catalog.cli.demo.scratch import clone_catalog
from catalog.cli.demo.world import World, build_world, write_manifest
from catalog.localaws import LocalAws
from catalog.localaws.core.faults import CallSite, Fault

ROOT = Path(__file__).parents[2]
PUBLISH = Path(sys.executable).parent / "publish-catalog"
# (which mutating call of the run, whether AWS still carries it out). Each kill meets what the
# kills before it left: roles in half of the accounts, then an assets bucket without its settings,
# half of the uploads, and products without constraints and shares.
KILLS = ((2, True), (5, False), (14, True), (8, False))


class Publisher:
    """Runs the command line in a process of its own against a local AWS served over HTTP."""

    def __init__(self, world: World, *, root: Path, folder: Path) -> None:
        self.world = world
        self.root = root
        self.manifest = folder / "catalog.yml"
        write_manifest(
            source=root / "catalog.yml",
            destination=self.manifest,
            organization=world.organization,
        )

    def start(self) -> subprocess.Popen[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GITHUB_"))}
        return subprocess.Popen(
            [
                *(str(PUBLISH), "--yes", "--manifest", str(self.manifest)),
                *("--root", str(self.root)),
            ],
            cwd=ROOT,
            env={
                **inherited,
                **self.world.aws.credentials(account=self.world.organization.hub),
                "AWS_ENDPOINT_URL": self.world.aws.endpoint_url,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> int:
        """Publish and return how many mutating calls that took."""
        mark = self.world.aws.calls.mark()
        process = self.start()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return len(self.world.aws.calls.mutating_since(mark))

    def run_killed(self, *, at: int, carried_out: bool) -> None:
        """Publish and kill the process while its `at`-th mutating call is on its way."""
        process: subprocess.Popen[str] | None = None
        seen = 0

        def kill(_: CallSite) -> bool:
            nonlocal seen
            seen += 1
            if seen < at or process is None:
                return False
            process.kill()
            return True

        # Nobody is left to receive an answer: what matters is whether the call had its effect.
        fault = Fault.LOST_RESPONSE if carried_out else Fault.CONNECTION_REFUSED
        self.world.aws.faults.inject(fault, mutating=True, when=kill)
        process = self.start()
        said, _ = process.communicate(timeout=120)
        assert process.returncode == -9, said
        self.world.aws.faults.clear()


@contextmanager
def publisher(*, root: Path, folder: Path) -> Iterator[Publisher]:
    folder.mkdir()
    with LocalAws() as aws:
        yield Publisher(build_world(aws), root=root, folder=folder)
        assert aws.bugs == []
        assert aws.background_errors == []


def end_state(world: World) -> Any:
    """Return what the accounts hold, read with ordinary clients, without ids that AWS makes up."""
    organization = world.organization
    state = {
        "regions": {region: region_state(world, region) for region in organization.regions},
        "stacks": {
            account: sorted(
                (stack["StackName"], stack["StackStatus"], tags(stack["Tags"]))
                for stack in world.aws.session(account=account, region=organization.home_region)
                .client("cloudformation")
                .describe_stacks()["Stacks"]
            )
            for account in organization.accounts
        },
    }
    text = json.dumps(state, sort_keys=True)
    for name, unit in organization.ous.items():
        text = text.replace(unit, f"OU {name}")
    return json.loads(text.replace(organization.organization_id, "ORGANIZATION"))


def region_state(world: World, region: str) -> dict[str, Any]:
    session = world.aws.session(account=world.organization.hub, region=region)
    catalog, s3 = session.client("servicecatalog"), session.client("s3")
    views = catalog.search_products_as_admin()["ProductViewDetails"]
    products = {
        view["ProductViewSummary"]["ProductId"]: view["ProductViewSummary"]["Name"]
        for view in views
    }
    buckets = [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].endswith(region)]
    return {
        "portfolios": [
            portfolio_state(catalog, portfolio, products)
            for portfolio in catalog.list_portfolios()["PortfolioDetails"]
        ],
        "products": [product_state(catalog, identifier) for identifier in products],
        "buckets": {
            bucket: {
                "keys": sorted(o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]),
                "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
                "versioning": s3.get_bucket_versioning(Bucket=bucket)["Status"],
                "tags": tags(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]),
            }
            for bucket in buckets
        },
    }


def portfolio_state(catalog: Any, portfolio: dict[str, Any], names: dict[str, str]) -> Any:
    identifier = portfolio["Id"]
    found = catalog.search_products_as_admin(PortfolioId=identifier)["ProductViewDetails"]
    constraints = catalog.list_constraints_for_portfolio(PortfolioId=identifier)
    details = [
        catalog.describe_constraint(Id=constraint["ConstraintId"])
        for constraint in constraints["ConstraintDetails"]
    ]
    shares = [
        catalog.describe_portfolio_shares(PortfolioId=identifier, Type=kind)
        for kind in ("ACCOUNT", "ORGANIZATION", "ORGANIZATIONAL_UNIT")
    ]
    return {
        **{key: portfolio[key] for key in ("DisplayName", "ProviderName", "Description")},
        "tags": tags(catalog.describe_portfolio(Id=identifier)["Tags"]),
        "products": sorted(names[view["ProductViewSummary"]["ProductId"]] for view in found),
        "constraints": [
            (
                names[detail["ConstraintDetail"]["ProductId"]],
                detail["ConstraintDetail"]["Type"],
                detail["ConstraintDetail"]["Description"],
                detail["ConstraintParameters"],
                detail["Status"],
            )
            for detail in details
        ],
        "principals": sorted(
            (principal["PrincipalType"], principal["PrincipalARN"])
            for principal in catalog.list_principals_for_portfolio(PortfolioId=identifier)[
                "Principals"
            ]
        ),
        "shares": [detail for page in shares for detail in page["PortfolioShareDetails"]],
    }


def product_state(catalog: Any, identifier: str) -> Any:
    found = catalog.describe_product_as_admin(Id=identifier)
    summary = found["ProductViewDetail"]["ProductViewSummary"]
    return {
        **{key: summary[key] for key in ("Name", "Owner", "Distributor", "ShortDescription")},
        "tags": tags(found["Tags"]),
        "artifacts": [
            {key: artifact[key] for key in ("Name", "Description", "Active", "Guidance")}
            for artifact in catalog.list_provisioning_artifacts(ProductId=identifier)[
                "ProvisioningArtifactDetails"
            ]
        ],
    }


def tags(found: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.slow
def test_a_killed_publish_run_again_ends_as_if_it_had_never_been_killed(tmp_path: Path) -> None:
    root = clone_catalog(
        root=ROOT,
        destination=tmp_path / "catalog",
        url="https://github.com/acme/catalog",
        tag="v9.0.0",
    ).path
    with publisher(root=root, folder=tmp_path / "unkilled") as unkilled:
        calls = unkilled.run()
        expected = end_state(unkilled.world)
    for region in expected["regions"].values():
        assert [p["DisplayName"] for p in region["portfolios"]] == ["ML projects"]
        assert len(region["products"]) == len(region["portfolios"][0]["constraints"]) > 0

    with publisher(root=root, folder=tmp_path / "killed") as killed:
        for at, carried_out in KILLS:
            killed.run_killed(at=at, carried_out=carried_out)
        left = killed.run()
        assert 0 < left < calls, "the kills left something to do, and something done"
        assert end_state(killed.world) == expected
        assert killed.run() == 0
