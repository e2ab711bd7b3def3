"""checkov finds nothing in what is published but what `.checkov.yml` accepts with a reason."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from catalog.bundles.build import build_bundle
from catalog.bundles.model import Release
from catalog.manifest.load import find_templates
from catalog.spokes.roles import roles_template

ROOT = Path(__file__).parents[2]
VERSION = "3.3.30"  # in an environment of its own: it pins what the catalog needs newer


def test_every_accepted_finding_has_a_reason():
    accepted = re.findall(r"^  - CKV\w+(.*)$", (ROOT / ".checkov.yml").read_text(), re.MULTILINE)
    assert accepted
    assert all(re.search(r"# .{20,}", reason) for reason in accepted)


@pytest.mark.slow
def test_checkov_accepts_products_and_roles(tmp_path):
    uv = ROOT / ".uv" / "bin" / "uv"
    command = str(uv) if uv.exists() else shutil.which("uv")
    if command is None:
        pytest.skip(
            "uv is not installed, and checkov needs an environment of its own: run `make setup`"
        )
    for template in find_templates(root=ROOT):
        bundle = build_bundle(root=ROOT, template=template)
        release = Release(tag="v1.0.0", catalog_url="https://github.com/acme/catalog")
        body = bundle.filled(
            release=release, assets_bucket_prefix="acme-catalog", wheels_prefix="wheels/0"
        )
        (tmp_path / f"{template}.yaml").write_text(body)
    (tmp_path / "roles.json").write_text(roles_template(launch_role="LaunchRole").body)
    done = subprocess.run(
        [
            *(command, "tool", "run", "--from", f"checkov=={VERSION}", "checkov"),
            *("--config-file", str(ROOT / ".checkov.yml"), "--directory", str(tmp_path)),
        ],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
