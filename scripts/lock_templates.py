"""Locks the dependencies of each skeleton with uv and writes the locks back, name templated.

One lock per combination of the answers that change the dependencies (files.yml: lock_answers),
behind a condition where they differ. Needs the network. Run it to take in newer versions
(`--upgrade`), or after a change of the skeleton's pyproject.toml.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.rendering import combinations, copy_catalog, merged, render
from scripts.template_sources import ROOT, load_templates

# A slug that occurs nowhere else, so that its replacement is safe.
SLUG = "zzz-name-of-the-project"
NAME = "{{ cookiecutter.__package_name | replace('_', '-') }}"


def main() -> int:
    """Lock every template."""
    for template in load_templates():
        with tempfile.TemporaryDirectory() as folder:
            catalog = copy_catalog(Path(folder) / "catalog")
            locks = []
            for number, answers in enumerate(combinations(template, template.lock_answers)):
                target = Path(folder) / str(number)
                project = render(catalog, target, template.name, {"project_slug": SLUG, **answers})
                subprocess.run(
                    ["uv", "lock", "--no-python-downloads", *sys.argv[1:]], cwd=project, check=True
                )
                text = (project / "uv.lock").read_text(encoding="utf-8").replace(SLUG, NAME)
                locks.append((answers, text.encode()))
        path = template.skeleton / "uv.lock"
        path.write_bytes(merged(locks))
        print(f"wrote: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
