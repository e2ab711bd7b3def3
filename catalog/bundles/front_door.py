"""The root `copier.yml`, reduced to one template."""

from __future__ import annotations

from pathlib import Path

from catalog.errors import Location, TemplateError


def reduced_copier_yml(*, root: Path, template: str) -> str:
    """Return the `copier.yml` that the catalog would have if this were its only template.

    Made by the very script that makes the root file, so that a render from the seed archive
    equals a render from the catalog, while no other template can touch its bytes.

    Args:
        root: checkout of the catalog.
        template: folder name under `templates/`.

    Raises:
        TemplateError: the template's files break the grammar.
    """
    from scripts.derive_front_doors import copier_yml  # noqa: PLC0415
    from scripts.template_sources import SourceError, load_template  # noqa: PLC0415

    folder = root / "templates" / template
    try:
        return copier_yml([load_template(folder)])
    except (SourceError, ValueError) as error:
        raise TemplateError(
            str(error), where=Location(file=f"templates/{template}/questions.yml")
        ) from error
