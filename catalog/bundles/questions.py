"""Reads `questions.yml`: the one source of what a template asks, at every front door.

The grammar is what Copier, Cookiecutter and CloudFormation can all express: `str` and `bool`,
free text or a single choice among literals, each with a default that works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import InvalidInput, Problem
from catalog.manifest.checks import did_you_mean
from catalog.manifest.document import Document, read_document

KEYS = ("type", "help", "default", "choices", "pattern", "group", "when")
TYPES = ("str", "bool")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_EXPRESSION = re.compile(r"\{\{.+\}\}\Z", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question, or one computed value.

    Attributes:
        name: its name in answers and in the skeleton.
        type: `str` or `bool`.
        default: a literal, or text with Jinja over earlier questions.
        choices: literal choices; empty for free text.
        pattern: anchored regular expression that an answer matches, or None.
        help: what people read.
        group: heading in Studio.
        when: Jinja expression in braces, None when the question always applies.
        computed: never asked (`when: false`), always its default.
        line: 1-based line in `questions.yml`.
    """

    name: str
    type: str
    default: str | bool
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    help: str = ""
    group: str = ""
    when: str | None = None
    computed: bool = False
    line: int = 0

    @property
    def default_is_computed(self) -> bool:
        """Whether the default is worked out from other answers."""
        return isinstance(self.default, str) and ("{{" in self.default or "{%" in self.default)


def read_questions(*, path: Path, shown_as: str | None = None) -> tuple[Question, ...]:
    """Return the questions of a template, in the order in which they are asked.

    Args:
        path: `questions.yml`.
        shown_as: the path that messages show.

    Raises:
        InvalidInput: with every problem in the file.
    """
    document = read_document(path, shown_as=shown_as)
    problems = list(document.problems) or list(_problems(document))
    if problems:
        raise InvalidInput(problems)
    return tuple(_question(document, name, body) for name, body in document.data.items())


def _question(document: Document, name: str, body: Mapping[str, Any]) -> Question:
    when = body.get("when")
    return Question(
        name=name,
        type=body["type"],
        default=body["default"],
        choices=tuple(body.get("choices", ())),
        pattern=body.get("pattern"),
        help=body.get("help", ""),
        group=body.get("group", ""),
        when=when if isinstance(when, str) else None,
        computed=when is False,
        line=document.where((name,)).line or 0,
    )


def _problems(document: Document) -> Iterator[Problem]:
    if not isinstance(document.data, dict) or not document.data:
        yield Problem(message="holds no questions", where=document.where(()))
        return
    for name, body in document.data.items():
        where = document.where((name,))
        if not _NAME.match(str(name)):
            yield Problem(
                message=f"{name!r} is no name for a question",
                where=where,
                hint="lower-case letters, digits and underscores",
            )
        if not isinstance(body, dict):
            yield Problem(message="a question is a mapping", where=where)
            continue
        yield from _unknown_keys(document, name, body)
        yield from _value_problems(document, name, body)
    yield from _name_clashes(document)


def _unknown_keys(document: Document, name: str, body: Mapping[str, Any]) -> Iterator[Problem]:
    for key in body:
        if key not in KEYS:
            yield Problem(
                message=f"unknown key {key!r}",
                where=document.where((name, key)),
                hint=did_you_mean(str(key), KEYS),
            )


def _value_problems(document: Document, name: str, body: Mapping[str, Any]) -> Iterator[Problem]:
    checks = (_type_problems, _choice_problems, _text_problems, _pattern_problems)
    for check in checks:
        for key, message, hint in check(body):
            yield Problem(message=message, where=document.where((name, key)), hint=hint)


_Finding = tuple[str, str, str]
"""Key that is wrong, what is wrong, hint."""


def _type_problems(body: Mapping[str, Any]) -> Iterator[_Finding]:
    kind = body.get("type")
    if kind not in TYPES:
        yield "type", f"type is {kind!r}", "str or bool: what all front doors can ask"
    elif not isinstance(body.get("default"), bool if kind == "bool" else str):
        yield "default", f"a {kind} question has a {kind} default", "Enter must always work"


def _choice_problems(body: Mapping[str, Any]) -> Iterator[_Finding]:
    choices = body.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
        yield "choices", "choices are a list of literal texts", "quote true, false and numbers"
    elif choices:
        if body.get("type") == "bool":
            yield "choices", "a bool question has no choices", ""
        elif body.get("default") not in choices:
            yield "default", f"default {body.get('default')!r} is not one of the choices", ""
        if len(set(choices)) < len(choices):
            yield "choices", "a choice is listed twice", ""


def _text_problems(body: Mapping[str, Any]) -> Iterator[_Finding]:
    when = body.get("when")
    if when is False:
        return
    for key in ("help", "group"):
        text = body.get(key)
        if not (isinstance(text, str) and text.strip()):
            yield key, f"{key} is missing", "people read it in Studio and on the terminal"
    # Copier takes any other text for true, whatever it says.
    if when is not None and not (isinstance(when, str) and _EXPRESSION.match(when.strip())):
        yield "when", "when is false or a Jinja expression in {{ }}", ""


def _pattern_problems(body: Mapping[str, Any]) -> Iterator[_Finding]:
    pattern, default = body.get("pattern"), body.get("default")
    if pattern is None:
        if body.get("type") == "str" and body.get("when") is not False and not body.get("choices"):
            yield "pattern", "free text needs a pattern", ""
        return
    if not isinstance(pattern, str) or not (pattern.startswith("^") and pattern.endswith("$")):
        yield "pattern", "a pattern is a text that starts with ^ and ends with $", ""
        return
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        yield "pattern", f"not a regular expression: {error}", ""
        return
    if body.get("choices"):
        yield "pattern", "a question with choices needs no pattern", ""
    literal = isinstance(default, str) and "{{" not in default and "{%" not in default
    if literal and not compiled.search(str(default)):
        yield "default", f"the default {default!r} does not match the pattern", ""


def _name_clashes(document: Document) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name in document.data:
        pascal = parameter_name(str(name))
        if pascal in seen:
            yield Problem(
                message=f"{name} and {seen[pascal]} would both be the parameter {pascal}",
                where=document.where((name,)),
            )
        seen[pascal] = str(name)


def parameter_name(question: str) -> str:
    """Return the CloudFormation name of a question: `problem_type` becomes `ProblemType`."""
    return "".join(part[:1].upper() + part[1:] for part in question.split("_"))
