"""Reads what a template folder declares: questions, conditional paths, shared folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SKELETON = "{{cookiecutter.project_slug}}"


class SourceError(Exception):
    """A template folder that breaks the grammar; the message names file and key."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, or one computed value.

    Attributes:
        name: its name in answers and in the skeleton.
        kind: `str` or `bool`.
        default: literal, or text with Jinja over earlier questions.
        choices: literal choices; empty for free text.
        pattern: anchored regular expression, or None.
        condition: Jinja expression; the question applies only when it holds.
        computed: never asked, always its default.
    """

    name: str
    kind: str
    default: str | bool
    help: str = ""
    group: str = ""
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    condition: str | None = None
    computed: bool = False


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template folder.

    Attributes:
        only_when: path in the skeleton to the Jinja condition under which it exists.
        shared: folder of `templates/_shared` to its place in the skeleton.
        definition_answers: questions whose answers change the compiled pipeline.
    """

    name: str
    root: Path
    title: str
    summary: str
    version: str
    questions: tuple[Question, ...]
    only_when: Mapping[str, str]
    shared: Mapping[str, str]
    definition_answers: tuple[str, ...]
    lock_answers: tuple[str, ...]

    @property
    def skeleton(self) -> Path:
        """Folder of the files that a project gets."""
        return self.root / SKELETON

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that a person answers."""
        return tuple(q for q in self.questions if not q.computed)


def load_templates(root: Path = ROOT) -> list[Template]:
    """Return every template below `root`, by name.

    Raises:
        SourceError: a file that breaks the grammar.
    """
    folders = sorted(p.parent for p in (root / "templates").glob("*/questions.yml"))
    return [load_template(folder) for folder in folders]


def load_template(folder: Path) -> Template:
    """Return the template in `folder`.

    Raises:
        SourceError: a file that breaks the grammar.
    """
    meta = _mapping(folder / "template.yml")
    files = _mapping(folder / "files.yml") if (folder / "files.yml").exists() else {}
    unknown = files.keys() - {"only_when", "shared", "definition_answers", "lock_answers"}
    if unknown:
        raise SourceError(f"{folder / 'files.yml'}: unknown keys {sorted(unknown)}")
    source = folder / "questions.yml"
    questions = tuple(_question(source, n, body) for n, body in _mapping(source).items())
    names = {q.name for q in questions}
    for key in ("definition_answers", "lock_answers"):
        if stray := set(files.get(key, [])) - names:
            raise SourceError(f"{folder / 'files.yml'}: {key}: no question {sorted(stray)}")
    return Template(
        name=meta["name"],
        root=folder,
        title=meta["title"],
        summary=meta["summary"],
        version=str(meta["version"]),
        questions=questions,
        only_when=files.get("only_when", {}),
        shared=files.get("shared", {}),
        definition_answers=tuple(files.get("definition_answers", [])),
        lock_answers=tuple(files.get("lock_answers", [])),
    )


def _mapping(path: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise SourceError(f"{path}: expected a mapping")
    return loaded


def _question(source: Path, name: str, body: Mapping[str, Any]) -> Question:
    where = f"{source}: {name}"
    problems = list(_problems(name, body))
    if problems:
        raise SourceError("\n".join(f"{where}: {problem}" for problem in problems))
    default, condition = body["default"], body.get("when")
    return Question(
        name=name,
        kind=body["type"],
        default=default,
        help=body.get("help", ""),
        group=body.get("group", ""),
        choices=tuple(body.get("choices", ())),
        pattern=body.get("pattern"),
        condition=_bare(where, condition) if isinstance(condition, str) else None,
        computed=condition is False,
    )


def _problems(name: str, body: Mapping[str, Any]) -> Iterator[str]:
    kind, default, computed = body.get("type"), body.get("default"), body.get("when") is False
    choices, pattern = body.get("choices", []), body.get("pattern")
    unknown = body.keys() - {"type", "help", "default", "choices", "pattern", "group", "when"}
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        yield "a question name is lower-case letters, digits and underscores"
    if unknown:
        yield f"unknown keys {sorted(unknown)}"
    if kind not in ("str", "bool"):
        yield f"type {kind!r} is neither str nor bool"
    if not isinstance(default, bool if kind == "bool" else str):
        yield "default is missing or of another type (every question has one)"
    if not all(isinstance(choice, str) for choice in choices):
        yield "choices are a list of literal strings"
    elif choices and default not in choices:
        yield "default is not one of the choices"
    if not computed:
        yield from _problems_when_asked(body)
    if pattern is not None and not re.fullmatch(r"\^.*\$", pattern):
        yield "pattern is not anchored with ^ and $"


def _problems_when_asked(body: Mapping[str, Any]) -> Iterator[str]:
    if not (body.get("help") and body.get("group")):
        yield "help and group are needed"
    if body.get("type") == "str" and not body.get("choices") and not body.get("pattern"):
        yield "free text needs a pattern"


def _bare(where: str, condition: str) -> str:
    # Copier takes a string without braces for true, whatever it says.
    match = re.fullmatch(r"\{\{\s*(.+?)\s*\}\}", condition)
    if not match:
        raise SourceError(f"{where}: `when` is false or a Jinja expression in {{{{ }}}}")
    return match[1]
