"""Loads manifests: a valid model, or every problem at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from catalog.errors import InvalidInput, Problem
from catalog.manifest.checks import check_catalog, check_template, did_you_mean
from catalog.manifest.document import Document, KeyPath, read_document
from catalog.manifest.models import CatalogManifest, TemplateManifest
from catalog.manifest.values import known_regions

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def load_catalog(
    *, path: Path, templates: Collection[str] | None = None, shown_as: str | None = None
) -> CatalogManifest:
    """Load `catalog.yml`.

    Args:
        path: the file.
        templates: names of the templates that exist; None leaves that unchecked.
        shown_as: how messages name the file; `path` by default.

    Raises:
        InvalidInput: with every problem of the file, each with line and key.
    """
    document = read_document(path, shown_as=shown_as)
    return _model(document, CatalogManifest, check_catalog(document, templates=templates))


def load_template(*, path: Path, shown_as: str | None = None) -> TemplateManifest:
    """Load a `template.yml`.

    Raises:
        InvalidInput: with every problem of the file, each with line and key.
    """
    document = read_document(path, shown_as=shown_as)
    folder = path.absolute().parent.name
    return _model(document, TemplateManifest, check_template(document, folder=folder))


def find_templates(*, root: Path) -> tuple[str, ...]:
    """Return the names of the folders under `root/templates` that hold a `template.yml`."""
    return tuple(sorted(p.parent.name for p in (root / "templates").glob("*/template.yml")))


def load_all(
    *, root: Path, catalog: Path | None = None
) -> tuple[CatalogManifest, dict[str, TemplateManifest]]:
    """Load `catalog.yml` and every template manifest under `root`, reporting all files at once.

    Args:
        root: checkout of a catalog repository.
        catalog: another manifest than `root/catalog.yml`.

    Raises:
        InvalidInput: with every problem of every file.
    """
    problems: list[Problem] = []
    templates: dict[str, TemplateManifest] = {}
    names = find_templates(root=root)
    for name in names:
        path = root / "templates" / name / "template.yml"
        try:
            templates[name] = load_template(path=path, shown_as=f"templates/{name}/template.yml")
        except InvalidInput as error:
            problems.extend(error.problems)
    manifest: CatalogManifest | None = None
    try:
        manifest = load_catalog(
            path=catalog or root / "catalog.yml",
            templates=names,
            shown_as=str(catalog) if catalog else "catalog.yml",
        )
    except InvalidInput as error:
        problems[:0] = error.problems
    if problems or manifest is None:
        raise InvalidInput(problems)
    return manifest, templates


def _model(document: Document, model: type[M], checked: list[Problem]) -> M:
    problems = list(document.problems)
    if document.data is None and problems:
        raise InvalidInput(problems)
    if not isinstance(document.data, dict):
        what = "is empty" if document.data is None else "must be a mapping of keys to values"
        raise InvalidInput([*problems, Problem(message=what, where=document.where(()))])
    result: M | None = None
    try:
        result = model.model_validate(document.data)
    except ValidationError as error:
        problems.extend(_translated(document, model, error))
    problems.extend(checked)
    if problems or result is None:
        raise InvalidInput(_in_order(problems))
    return result


def _in_order(problems: list[Problem]) -> list[Problem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (p.where.line or 0, p.where.key or ""))


def _translated(
    document: Document, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_context=True):
        path: KeyPath = tuple(part for part in detail["loc"] if part != "[key]")
        value = _value_at(document.data, path)
        if detail["type"] == "too_short" and isinstance(value, list) and value:
            # pydantic counts only the entries that were valid; those are reported by themselves.
            continue
        message, hint = _wording(detail, value, model, path)
        yield Problem(message=message, where=document.where(path), hint=hint)


def _wording(
    detail: ErrorDetails, value: object, model: type[BaseModel], path: KeyPath
) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    message, hint = detail["msg"], ""
    if kind == "missing":
        message = "is required"
    elif kind == "extra_forbidden":
        message = "unknown key"
        hint = did_you_mean(str(path[-1]), _keys_at(model, path[:-1]))
    elif kind == "enum":
        message = f"{_shown(value)} is not a choice"
        hint = f"one of {context.get('expected', '')}"
    elif kind in {"too_short", "too_long"}:
        limit = context.get("min_length", context.get("max_length"))
        bound = "at least" if kind == "too_short" else "at most"
        message = f"needs {bound} {limit} entries, has {context.get('actual_length')}"
    elif kind == "string_too_long":
        message = f"is longer than {context.get('max_length')} characters"
    elif kind == "value_error":
        text = str(context.get("error", message))
        message = f"{_shown(value)} {text}"
        if text == "is not an AWS region":
            hint = did_you_mean(str(value), known_regions())
    elif kind in _EXPECTED:
        message = f"must be {_EXPECTED[kind]}, not {_type_name(value)}"
        if kind == "string_type" and isinstance(value, int | float):
            hint = f'quote it: "{value}"'
    return message, hint


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys that are allowed at `path`, read from the model's own JSON Schema."""
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        for choice in (node, *node.get("anyOf", ()), *node.get("allOf", ())):
            if "$ref" in choice:
                return dict(definitions[choice["$ref"].rpartition("/")[2]])
        return next((c for c in node.get("anyOf", ()) if c.get("type") != "null"), node)

    node = schema
    for part in path:
        if isinstance(part, int):
            node = resolved(node.get("items", {}))
        elif part in node.get("properties", {}):
            node = resolved(node["properties"][part])
        else:
            extra: Any = node.get("additionalProperties", {}) or next(
                iter(node.get("patternProperties", {}).values()), {}
            )
            node = resolved(extra if isinstance(extra, dict) else {})
    return list(node.get("properties", {}))


def _value_at(data: object, path: KeyPath) -> object:
    for part in path:
        try:
            data = data[part]  # type: ignore[index]
        except (LookupError, TypeError):
            # A rejected key: its own text is the value that was wrong.
            return part
    return data


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _type_name(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text"}
    if value is None:
        return "empty"
    return names.get(type(value), "a list" if isinstance(value, list) else "a mapping")
