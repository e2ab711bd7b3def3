"""Compiles the pipeline of each template with the SageMaker SDK and writes the results back.

For every combination of the answers that matter (files.yml: definition_answers), the skeleton is
rendered, `python -m pipelines compile` runs in it, and what it wrote goes into the skeleton:
plainly where all combinations agree, else behind a condition. `--check` does not compile, which
takes ten seconds per combination: it asks each rendered project whether its pipeline.py is the one
that was compiled, names what differs and exits 1. The tests compile.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.copy_shared import escaped
from scripts.rendering import Answers, combinations, copy_catalog, merged, render
from scripts.template_sources import ROOT, Template, load_templates

COMPILED = (
    "pipelines/definition.json",
    "pipelines/drift.json",
    "pipelines/registries.json",
    "pipelines/definition.sha256",
)


def main() -> int:
    """Compile and write, or check."""
    if "--check" in sys.argv[1:]:
        return max((_check(template) for template in load_templates()), default=0)
    for template in load_templates():
        for path, content in templated(template).items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
                print(f"wrote: {path.relative_to(ROOT)}")
    return 0


def _check(template: Template) -> int:
    with tempfile.TemporaryDirectory() as folder:
        catalog = copy_catalog(Path(folder) / "catalog")
        codes = []
        for number, answers in enumerate(combinations(template, template.definition_answers)):
            project = render(catalog, Path(folder) / str(number), template.name, answers)
            codes.append(run_pipelines(project, "check").returncode)
    return max(codes, default=0)


def templated(template: Template) -> dict[Path, bytes]:
    """Return the compiled files of a skeleton, with conditions over the answers."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = copy_catalog(Path(folder) / "catalog")
        results: dict[str, list[tuple[Answers, bytes]]] = {name: [] for name in COMPILED}
        for number, answers in enumerate(combinations(template, template.definition_answers)):
            project = render(catalog, Path(folder) / str(number), template.name, answers)
            compile_project(project)
            for name in COMPILED:
                results[name].append((answers, (project / name).read_bytes()))
    return {
        template.skeleton / name: merged(
            [(answers, escaped(content)) for answers, content in found]
        )
        for name, found in results.items()
    }


def compile_project(project: Path) -> None:
    """Run the rendered project's own compiler.

    Raises:
        subprocess.CalledProcessError: it failed; its output has been printed.
    """
    finished = run_pipelines(project, "compile")
    finished.check_returncode()


def run_pipelines(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m pipelines COMMAND` in a rendered project; print why it failed, if it did."""
    finished = subprocess.run(
        [sys.executable, "-B", "-m", "pipelines", command],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        print(finished.stdout, finished.stderr, file=sys.stderr)
    return finished


if __name__ == "__main__":
    sys.exit(main())
