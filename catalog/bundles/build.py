"""Template folder to bundle: pure, reproducible, remembered."""

from __future__ import annotations

from pathlib import Path

from catalog.bundles import cache
from catalog.bundles.digest import bundle_digest
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Bundle
from catalog.bundles.parameters import question_parameters
from catalog.bundles.questions import read_questions
from catalog.bundles.seed import seed_asset
from catalog.errors import Location, TemplateError
from catalog.manifest import TemplateManifest, find_templates, load_template


def build_bundles(*, root: Path) -> dict[str, Bundle]:
    """Return the bundle of every template in a catalog, by template name.

    Args:
        root: checkout of the catalog.

    Raises:
        InvalidInput: a template's files do not validate.
        TemplateError: a template cannot become a bundle.
    """
    return {name: build_bundle(root=root, template=name) for name in find_templates(root=root)}


def build_bundle(*, root: Path, template: str) -> Bundle:
    """Return the bundle of one template.

    Same files in, same bytes out, on any machine. A bundle that was built before from the same
    files, code and libraries is read from `.cache/bundles`.

    Args:
        root: checkout of the catalog.
        template: folder name under `templates/`.

    Raises:
        InvalidInput: the template's files do not validate.
        TemplateError: the template cannot become a bundle.
    """
    folder = root / "templates" / template
    if not (folder / "template.yml").is_file():
        known = ", ".join(find_templates(root=root)) or "none"
        raise TemplateError(
            f"There is no template {template!r}.",
            where=Location(file=f"templates/{template}/template.yml"),
            next_step=f"Templates in this catalog: {known}.",
        )
    key = cache.key(root=root, template=template)
    if (remembered := cache.load(root=root, key=key)) is not None:
        return remembered
    bundle = _build(root=root, template=template, folder=folder)
    cache.store(root=root, key=key, bundle=bundle)
    return bundle


def _build(*, root: Path, template: str, folder: Path) -> Bundle:
    # Imported late: CDK takes a second, which a remembered bundle does not need.
    from catalog.bundles.synth import synthesise  # noqa: PLC0415

    shown = f"templates/{template}"
    manifest = load_template(path=folder / "template.yml", shown_as=f"{shown}/template.yml")
    questions = read_questions(path=folder / "questions.yml", shown_as=f"{shown}/questions.yml")
    parameters = question_parameters(questions=questions, file=f"{shown}/questions.yml")
    seed = seed_asset(
        root=root,
        template=template,
        copier_yml=reduced_copier_yml(root=root, template=template),
    )
    synthesised = synthesise(
        product=folder / "product.py",
        template=template,
        title=manifest.title,
        summary=manifest.summary,
        version=str(manifest.version),
        parameters=parameters,
        seed_key=seed.key,
    )
    assets = (seed,)
    return Bundle(
        template=template,
        version=str(manifest.version),
        digest=bundle_digest(cloudformation=synthesised.cloudformation, assets=assets),
        cloudformation=synthesised.cloudformation,
        assets=assets,
        parameters=synthesised.parameters,
        title=manifest.title,
        summary=manifest.summary,
        owner=manifest.owner,
        changelog=changelog_entry(folder / "CHANGELOG.md", version=str(manifest.version)),
        support=_support(manifest),
        tags=dict(manifest.tags),
        deprecated_versions=tuple(str(version) for version in manifest.deprecated_versions),
    )


def _support(manifest: TemplateManifest) -> dict[str, str]:
    support = manifest.support
    values = {
        "description": support.description,
        "email": support.email,
        "url": support.url,
    }
    return {key: str(value) for key, value in values.items() if value}


def changelog_entry(path: Path, *, version: str) -> str:
    """Return the section of a version in a CHANGELOG.md, without its heading; empty if missing."""
    if not path.is_file():
        return ""
    lines: list[str] = []
    inside = False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            inside = version in line.replace("[", " ").replace("]", " ").split()
        elif inside:
            lines.append(line)
    return "\n".join(lines).strip()
