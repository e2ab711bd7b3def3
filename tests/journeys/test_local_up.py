"""The main job with ordinary clients: `local up` in one process, CLI, aws and git in others."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalog.cli.demo.scratch import clone_catalog

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
NOTHING, CHANGES = 0, 2


class Clients:
    """Runs commands in the environment that `local up` prints."""

    def __init__(self, environment: dict[str, str], manifest: str, root: Path) -> None:
        self.environment = environment
        self.manifest = manifest
        self.root = root

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        finished = subprocess.run(
            [str(BIN / command[0]) if (BIN / command[0]).exists() else command[0], *command[1:]],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert finished.returncode in codes, f"{command}\n{finished.stdout}\n{finished.stderr}"
        return finished.stdout

    def aws(self, *words: str, profile: str = "hub"):
        answer = self.run("aws", *words, "--profile", profile, "--output", "json")
        return json.loads(answer) if answer.strip() else {}

    def catalog(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        return self.run(
            *("publish-catalog", *words, "--manifest", self.manifest, "--root", str(self.root)),
            codes=codes,
        )


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A clone at a release tag: this checkout may be anywhere, and may be edited meanwhile."""
    folder = tmp_path_factory.mktemp("release") / "catalog"
    return clone_catalog(
        root=ROOT, destination=folder, url="https://github.com/acme/catalog", tag="v9.0.0"
    ).path


@pytest.fixture(scope="module")
def clients(tmp_path_factory, release):
    work = tmp_path_factory.mktemp("local-up")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GITHUB_"))}
    process = subprocess.Popen(
        [str(BIN / "publish-catalog"), "local", "up", "--port", "0", "--work-dir", str(work)],
        cwd=ROOT,
        env={**clean, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        exports = dict(re.findall(r"(AWS_[A-Z_]+)=(\S+)", said))
        manifest = re.search(r"--manifest (\S+)", said)
        assert exports, said
        assert manifest, said
        yield Clients({**clean, **exports}, manifest.group(1), release)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.mark.slow
def test_from_an_empty_organisation_to_a_cloned_repository(clients, tmp_path):
    accounts = clients.aws("organizations", "list-accounts")["Accounts"]
    assert {a["Name"] for a in accounts} >= {"hub", "research", "forecasting", "operations"}
    assert clients.aws("servicecatalog", "search-products-as-admin")["ProductViewDetails"] == []

    saved = tmp_path / "plan.json"
    assert "to create" in clients.catalog("plan", "--out", str(saved), codes=(CHANGES,))
    clients.catalog("apply", str(saved))
    assert "Nothing to do" in clients.catalog("plan", codes=(NOTHING,))
    clients.catalog("--yes")
    assert json.loads(clients.catalog("status", "--json"))["pending"] == 0
    # Applied once, the saved plan no longer matches what AWS holds.
    clients.catalog("apply", str(saved), codes=(30,))

    admin = clients.aws("servicecatalog", "search-products-as-admin")["ProductViewDetails"]
    names = {p["ProductViewSummary"]["Name"] for p in admin}
    seen = clients.aws("servicecatalog", "search-products", profile="data-scientist")
    assert {p["Name"] for p in seen["ProductViewSummaries"]} == names
    # Another account's OU is not a target: its execution role sees nothing.
    outside = clients.aws("servicecatalog", "search-products", profile="operations")
    assert outside["ProductViewSummaries"] == []

    project = create_project(clients, seen["ProductViewSummaries"])
    repository = f"sagemaker-{project['ProjectName']}-{project['ProjectId']}"
    found = clients.aws(
        "codecommit", "get-repository", "--repository-name", repository, profile="data-scientist"
    )
    clone = tmp_path / "clone"
    clients.run("git", "clone", "-q", found["repositoryMetadata"]["cloneUrlHttp"], str(clone))
    answers = (clone / ".copier-answers.yml").read_text()
    assert "template: training-pipeline" in answers
    assert (clone / "pipelines" / "definition.json").exists()


def create_project(clients, products):
    product = next(p for p in products if p["Name"].startswith("Training"))
    version = clients.aws(
        *("servicecatalog", "describe-product", "--id", product["ProductId"]),
        profile="data-scientist",
    )["ProvisioningArtifacts"][-1]
    details = f"ProductId={product['ProductId']},ProvisioningArtifactId={version['Id']}"
    clients.aws(
        *("sagemaker", "create-project", "--project-name", "churn"),
        *("--service-catalog-provisioning-details", details),
        profile="data-scientist",
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        project = clients.aws(
            *("sagemaker", "describe-project", "--project-name", "churn"),
            profile="data-scientist",
        )
        if project["ProjectStatus"] != "CreateInProgress":
            break
        time.sleep(1)
    assert project["ProjectStatus"] == "CreateCompleted", project
    return project


@pytest.mark.slow
def test_the_demo_tells_its_story_to_the_end(tmp_path):
    told = subprocess.run(
        [
            *(str(BIN / "publish-catalog"), "local", "demo", "--skip-pipeline"),
            *("--work-dir", str(tmp_path / "demo")),
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    for sentence in ("Nothing to do", "0 changes", "CreateCompleted", "identical", "local up"):
        assert sentence in told.stdout
