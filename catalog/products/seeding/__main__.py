"""The seeding build: `python3 -m seeding`, from the root of the unpacked archive."""

from __future__ import annotations

import json
import sys
import tempfile
import traceback
from pathlib import Path

from .commands import CommandError, git_config, run
from .copier_environment import install
from .errors import SeedError
from .pushing import push
from .scratch_catalog import make, redirect
from .settings import Settings, read_answers


def seed(*, settings: Settings, tree: Path) -> str:
    """Render the repository and push it; return the commit on main.

    Args:
        settings: what to render and where to push it.
        tree: the unpacked seed archive.

    Raises:
        SeedError: with what the data scientist can do about it.
    """
    answers = read_answers(run(["aws", "s3", "cp", f"{settings.folder}/answers.json", "-"]))
    with tempfile.TemporaryDirectory(prefix="seed-") as name:
        folder = Path(name)
        packages = install(settings=settings, folder=folder)
        catalog = folder / "catalog"
        make(tree=tree, tag=settings.release_tag, folder=catalog)
        repository = folder / "repository"
        try:
            run(
                # -S: nothing but the pinned packages can be imported.
                [sys.executable, "-S", "-m", "seeding.rendering"],
                cwd=tree,
                environment={
                    "PYTHONPATH": str(packages),
                    # Copier keeps a mirror per URL: this one must not outlive the build.
                    "COPIER_CACHE_DIR": str(folder / "mirrors"),
                    **git_config(redirect(catalog_url=settings.catalog_url, to=catalog)),
                },
                stdin=json.dumps(
                    {
                        "catalog_url": settings.catalog_url,
                        "tag": settings.release_tag,
                        "destination": str(repository),
                        "answers": {"template": settings.template, **answers},
                    }
                ),
            )
        except CommandError as error:
            raise SeedError(
                f"The template does not accept the answers of this launch: {error.output.strip()}"
                " Launch the project again with other answers."
            ) from error
        return push(
            settings=settings,
            repository=repository,
            message=f"Start from {settings.template} {settings.release_tag}",
        )


def main() -> int:
    """Seed, or leave the reason where the function that answers CloudFormation reads it."""
    settings = None
    try:
        settings = Settings.from_environment()
        commit = seed(settings=settings, tree=Path.cwd())
    except Exception as error:  # noqa: BLE001 - whatever it is, the launch must hear of it
        reason = str(error)
        if not isinstance(error, SeedError):
            traceback.print_exc()
            reason = (
                f"The seeding build failed in a way that was not foreseen ({type(error).__name__}:"
                f" {reason}). Tell the team that owns the catalog."
            )
        print(f"Not seeded: {reason}", file=sys.stderr)  # noqa: T201
        if settings:
            run(["aws", "s3", "cp", "-", f"{settings.folder}/reason.txt"], stdin=reason)
        return 1
    print(f"Seeded {settings.repository}: main is {commit}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
