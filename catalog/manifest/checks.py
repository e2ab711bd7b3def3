"""What a manifest's values must be among themselves; the data may still be malformed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from catalog.errors import Problem
from catalog.manifest.document import Document, KeyPath
from catalog.manifest.values import known_regions


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return a hint: the nearest known word, or all of them when they are few."""
    near = get_close_matches(word, sorted(known), n=4, cutoff=0.6)
    if near:
        # Swapped letters are the commonest slip, and difflib does not favour them.
        near.sort(key=lambda candidate: sorted(candidate) != sorted(word))
        return f"did you mean {near[0]!r}?"
    if 0 < len(known) <= 12:
        return "known: " + ", ".join(sorted(known))
    return ""


def check_catalog(document: Document, *, templates: Collection[str] | None) -> list[Problem]:
    """Return what is wrong across the entries of `catalog.yml`."""
    return list(_catalog(document, templates))


def check_template(document: Document, *, folder: str | None) -> list[Problem]:
    """Return what is wrong across the entries of a `template.yml`."""
    return list(_template(document, folder))


def _catalog(document: Document, templates: Collection[str] | None) -> Iterator[Problem]:
    data = _mapping(document.data)
    portfolios = _mapping(data.get("portfolios"))
    regions = _texts(data.get("regions"))
    yield from _duplicates(document, ("regions",), data.get("regions"))
    yield from _one_partition(document, regions)
    seen_names: dict[str, str] = {}
    for key, raw in portfolios.items():
        portfolio = _mapping(raw)
        path: KeyPath = ("portfolios", key)
        for part in ("templates", "principals"):
            yield from _duplicates(document, (*path, part), portfolio.get(part))
        if templates is not None:
            yield from _unknown(
                document, (*path, "templates"), portfolio.get("templates"), templates, "template"
            )
        name = portfolio.get("name")
        if isinstance(name, str) and name in seen_names:
            yield Problem(
                message=f"portfolio name {name!r} is also that of {seen_names[name]!r}",
                where=document.where((*path, "name")),
                hint="people could not tell them apart",
            )
        elif isinstance(name, str):
            seen_names[name] = key
    yield from _targets(document, data, portfolios, regions)


def _targets(
    document: Document, data: dict[str, Any], portfolios: dict[str, Any], regions: list[str]
) -> Iterator[Problem]:
    targets = data.get("targets")
    taken: dict[tuple[str, str, str, str], int] = {}
    hub = _mapping(data.get("hub")).get("account")
    for i, raw in enumerate(targets if isinstance(targets, list) else []):
        if not isinstance(raw, dict):
            continue
        path: KeyPath = ("targets", i)
        yield from _one_kind(document, path, raw)
        yield from _excluded(document, path, raw)
        for part in ("portfolios", "regions", "accounts"):
            yield from _duplicates(document, (*path, part), raw.get(part))
        yield from _unknown(
            document, (*path, "portfolios"), raw.get("portfolios"), portfolios, "portfolio"
        )
        if regions:
            yield from _unknown(
                document, (*path, "regions"), raw.get("regions"), regions, "region of this catalog"
            )
        for j, account in enumerate(_texts(raw.get("accounts"))):
            if account == hub:
                yield Problem(
                    message="is the hub itself, which has everything already",
                    where=document.where((*path, "accounts", j)),
                )
        if isinstance(raw.get("organization"), str) and raw["organization"] != data.get(
            "organization", raw["organization"]
        ):
            yield Problem(
                message="is another organization than the catalog's",
                where=document.where((*path, "organization")),
            )
        for slot in _slots(raw, regions):
            if taken.setdefault(slot, i) != i:
                portfolio, node, region, _ = slot
                yield Problem(
                    message=f"portfolio {portfolio!r} already goes to {node} in {region} "
                    f"by targets[{taken[slot]}]",
                    where=document.where(path),
                )


def _slots(target: dict[str, Any], regions: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield (portfolio, node, region, route) of a target: no two targets may fill the same."""
    nodes = [n for n in (target.get("ou"), target.get("organization")) if isinstance(n, str)]
    # Service Catalog and S3 may serve the same accounts side by side.
    route = "s3" if target.get("distribution") == "studio-s3" else "service-catalog"
    for portfolio in _texts(target.get("portfolios")):
        for node in nodes or _texts(target.get("accounts")):
            for region in _texts(target.get("regions")) or regions:
                yield portfolio, node, region, route


def _excluded(document: Document, path: KeyPath, target: dict[str, Any]) -> Iterator[Problem]:
    exclude = _mapping(target.get("exclude"))
    for part in ("accounts", "ous"):
        yield from _duplicates(document, (*path, "exclude", part), exclude.get(part))
    if not exclude:
        return
    if target.get("distribution", "organization") == "organization":
        yield Problem(
            message="a share to an organization or OU reaches everything below it",
            where=document.where((*path, "exclude")),
            hint="name the OUs that should have it, or use distribution 'account'",
        )
    elif target.get("accounts") is not None:
        yield Problem(
            message="there is nothing to exclude from a list of accounts",
            where=document.where((*path, "exclude")),
        )


def _one_kind(document: Document, path: KeyPath, target: dict[str, Any]) -> Iterator[Problem]:
    kinds = [kind for kind in ("organization", "ou", "accounts") if target.get(kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) if kinds else "none"
        yield Problem(
            message=f"exactly one of organization, ou, accounts is needed, found {found}",
            where=document.where(path),
        )
    distribution = target.get("distribution", "organization")
    if distribution == "replicate":
        yield Problem(
            message="distribution 'replicate' is not available yet",
            where=document.where((*path, "distribution")),
            hint="use 'account'",
        )
    elif distribution == "organization" and kinds == ["accounts"]:
        yield Problem(
            message="distribution 'organization' reaches an organization or an OU, not accounts",
            where=document.where((*path, "accounts")),
            hint="name the OU that holds them, or use distribution 'account'",
        )


def _one_partition(document: Document, regions: list[str]) -> Iterator[Problem]:
    partitions = sorted({known_regions()[r] for r in regions if r in known_regions()})
    if len(partitions) > 1:
        yield Problem(
            message=f"regions of different partitions: {', '.join(partitions)}",
            where=document.where(("regions",)),
            hint="one catalog per partition: an organization does not reach across",
        )


def _template(document: Document, folder: str | None) -> Iterator[Problem]:
    data = _mapping(document.data)
    name = data.get("name")
    if folder is not None and isinstance(name, str) and name != folder:
        yield Problem(
            message=f"name is {name!r} but the folder is {folder!r}",
            where=document.where(("name",)),
        )
    yield from _duplicates(document, ("deprecated_versions",), data.get("deprecated_versions"))
    if data.get("version") in _texts(data.get("deprecated_versions")):
        yield Problem(
            message="the current version is listed as deprecated",
            where=document.where(("deprecated_versions",)),
            hint="release its successor first",
        )


def _duplicates(document: Document, path: KeyPath, values: object) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, value in enumerate(values if isinstance(values, list) else []):
        if isinstance(value, str) and value in seen:
            yield Problem(message=f"{value!r} appears twice", where=document.where((*path, i)))
        elif isinstance(value, str):
            seen.add(value)


def _unknown(
    document: Document, path: KeyPath, values: object, known: Collection[str], what: str
) -> Iterator[Problem]:
    for i, value in enumerate(values if isinstance(values, list) else []):
        if isinstance(value, str) and value not in known:
            yield Problem(
                message=f"no {what} is called {value!r}",
                where=document.where((*path, i)),
                hint=did_you_mean(value, known),
            )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
