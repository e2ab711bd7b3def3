"""The two engines through their own APIs, each answer set rendered once per session."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.rendering import render
from scripts.template_sources import Template

Answers = Mapping[str, str | bool]
ANSWERS_FILE = ".copier-answers.yml"
SHORTEST = {"project_name": "A", "project_slug": "a-1", "description": "."}
LONGEST = {
    "project_name": "Forty letters and spaces make this names",
    "project_slug": "forty-letters-and-hyphens-make-this-name",
    "description": "Ünïcode — #1: a sentence, as long as it may be; " * 4,
}
NUMERIC = {"project_name": "2nd Model", "description": "- starts like a list & ends: "}


@dataclass
class Renders:
    """Rendered trees, cached; read them, do not write into them.

    Attributes:
        catalog: plain copy of the catalog's tracked files.
        folder: where trees are kept.
        bake: pytest-cookies' session-wide `bake`.
    """

    catalog: Path
    folder: Path
    bake: Callable[..., Any]
    trees: dict[tuple[str, str, tuple[tuple[str, str | bool], ...]], Path] = field(
        default_factory=dict
    )

    def copier(self, template: str, answers: Answers) -> Path:
        """The tree that Copier renders."""
        return self._once("copier", template, answers, self._copier)

    def cookiecutter(self, template: str, answers: Answers) -> Path:
        """The tree that Cookiecutter renders."""
        return self._once("cookiecutter", template, answers, self._cookiecutter)

    def copy(self, template: str, answers: Answers, target: Path) -> Path:
        """A tree of one's own."""
        return Path(shutil.copytree(self.copier(template, answers), target))

    def _once(
        self,
        engine: str,
        template: str,
        answers: Answers,
        make: Callable[[str, Answers, Path], Path],
    ) -> Path:
        key = (engine, template, tuple(sorted(answers.items())))
        if key not in self.trees:
            self.trees[key] = make(template, answers, self.folder / str(len(self.trees)))
        return self.trees[key]

    def _copier(self, template: str, answers: Answers, target: Path) -> Path:
        return render(self.catalog, target, template, dict(answers))

    def _cookiecutter(self, template: str, answers: Answers, target: Path) -> Path:
        result = self.bake(
            extra_context=dict(answers), template=str(self.catalog / "templates" / template)
        )
        if result.exception:
            raise result.exception
        assert result.project_path.is_dir(), target
        return Path(result.project_path)


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Every file and folder: mode, and content of files."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
        if ".git" not in path.relative_to(folder).parts
    }


def variants(template: Template) -> list[dict[str, str | bool]]:
    """Answers in which every pair of choices occurs, each with one of the free texts."""
    questions: dict[str, tuple[str | bool, ...]] = {
        q.name: q.choices or (True, False) for q in template.asked if q.choices or q.kind == "bool"
    }
    texts = itertools.cycle([{}, SHORTEST, LONGEST, NUMERIC])
    return [{**text, **case} for case, text in zip(pairwise(questions), texts, strict=False)]


def pairwise(values: Mapping[str, tuple[str | bool, ...]]) -> Iterator[dict[str, str | bool]]:
    """Cases that hold every pair of values of two names; greedy, so nearly as few as possible."""
    names = list(values)
    missing = {
        frozenset([(a, x), (b, y)])
        for a, b in itertools.combinations(names, 2)
        for x, y in itertools.product(values[a], values[b])
    }

    def covers(case: tuple[str | bool, ...]) -> int:
        return len(missing & _pairs(names, case))

    while missing:
        best = max(itertools.product(*values.values()), key=covers)
        missing -= _pairs(names, best)
        yield dict(zip(names, best, strict=True))


def _pairs(
    names: list[str], case: tuple[str | bool, ...]
) -> set[frozenset[tuple[str, str | bool]]]:
    return {frozenset(pair) for pair in itertools.combinations(zip(names, case, strict=True), 2)}
