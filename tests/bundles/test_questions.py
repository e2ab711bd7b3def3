"""The grammar of questions.yml and what CloudFormation asks from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_catalogs import QUESTIONS

from catalog.bundles.parameters import question_parameters, sagemaker_parameters
from catalog.bundles.questions import Question, parameter_name, read_questions
from catalog.errors import InvalidInput


def read(tmp_path: Path, text: str) -> tuple[Question, ...]:
    path = tmp_path / "questions.yml"
    path.write_text(text)
    return read_questions(path=path, shown_as="templates/t/questions.yml")


def question(**changes: object) -> Question:
    values = {"name": "label", "type": "str", "default": "x", "pattern": "^x*$", "help": "Label"}
    return Question(**{"group": "Model", **values, **changes})  # type: ignore[arg-type]


def test_studio_asks_what_copier_asks(tmp_path: Path) -> None:
    parameters = question_parameters(questions=read(tmp_path, QUESTIONS), file="questions.yml")

    assert [p.name for p in parameters] == ["Kind", "Verbose", "Label"]
    kind, verbose, label = parameters
    assert (kind.default, kind.allowed_values) == ("class", ("class", "number"))
    assert kind.description == "What is predicted"
    assert kind.group == "Model"
    assert (verbose.default, verbose.allowed_values) == ("false", ("true", "false"))
    assert label.default == ""
    assert label.allowed_pattern == "^$|^[a-z0-9-]{1,40}$"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no questions"),
        ("- a", "holds no questions"),
        ("Kind: {type: str}", "is no name for a question"),
        ("kind: text", "a question is a mapping"),
        ("kind: {type: int, default: 1, help: h, group: g}", "type is 'int'"),
        ("kind: {type: str, help: h, group: g, pattern: ^x$}", "has a str default"),
        ("kind: {type: bool, default: 'yes', help: h, group: g}", "has a bool default"),
        ("kind: {type: str, default: a, choices: [a, 1], help: h, group: g}", "literal texts"),
        ("kind: {type: str, default: c, choices: [a, b], help: h, group: g}", "not one of"),
        ("kind: {type: str, default: a, choices: [a, a], help: h, group: g}", "listed twice"),
        ("kind: {type: str, default: a, help: h, group: g}", "needs a pattern"),
        ("kind: {type: str, default: a, pattern: a, help: h, group: g}", "starts with ^"),
        ("kind: {type: str, default: a, pattern: '^($', help: h, group: g}", "regular expression"),
        ("kind: {type: str, default: b, pattern: '^a$', help: h, group: g}", "does not match"),
        ("kind: {type: str, default: a, pattern: '^a$', group: g}", "help is missing"),
        ("kind: {type: bool, default: true, help: h, group: g, when: x}", "Jinja expression"),
        ("kind: {type: bool, default: true, help: h, group: g, choice: []}", "unknown key"),
    ],
)
def test_every_fault_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)) as raised:
        read(tmp_path, text)
    assert "templates/t/questions.yml" in str(raised.value)


def test_all_faults_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = "a:\n  type: int\n  help: h\n  group: g\nb:\n  type: bool\n  default: 1\n  group: g\n"

    with pytest.raises(InvalidInput) as raised:
        read(tmp_path, text)

    lines = {problem.where.line for problem in raised.value.problems}
    assert len(raised.value.problems) >= 3
    assert {2, 7} <= lines


def test_two_questions_never_become_one_parameter(tmp_path: Path) -> None:
    text = "".join(
        f"{name}: {{type: bool, default: true, help: h, group: g}}\n" for name in ("a_b", "a__b")
    )
    with pytest.raises(InvalidInput, match="would both be the parameter AB"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ([question(name=f"q{n}") for n in range(200)], "CloudFormation takes 192 beside the 8"),
        ([question(help="h" * 4001)], "longer than 4000"),
        ([question(default="x" * 4097)], "longer than 4096"),
        ([question(name="connection_arn")], "is a parameter of every product"),
    ],
)
def test_what_cloudformation_cannot_hold_is_refused(
    questions: list[Question], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        question_parameters(questions=questions, file="questions.yml")


@given(st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,6}){0,3}", fullmatch=True))
def test_parameter_names_are_alphanumeric(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]+", parameter_name(name))


@given(
    computed=st.booleans(),
    kind=st.sampled_from(["text", "choice", "bool"]),
    choices=st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, unique=True),
)
def test_a_default_is_always_allowed(computed: bool, kind: str, choices: list[str]) -> None:
    default = "{{ other }}" if computed and kind != "bool" else choices[0]
    asked = {
        "text": question(default=default, pattern="^[a-z]{1,8}$"),
        "choice": question(default=default, choices=tuple(choices), pattern=None),
        "bool": question(type="bool", default=computed, pattern=None),
    }[kind]

    (parameter,) = question_parameters(questions=[asked], file="questions.yml")

    assert parameter.default is not None
    if parameter.allowed_values:
        assert parameter.default in parameter.allowed_values
    if parameter.allowed_pattern:
        assert re.search(parameter.allowed_pattern, parameter.default)


@pytest.mark.parametrize(
    ("index", "value", "allowed"),
    [
        (0, "Late-Flights", True),
        (0, "A" * 32, True),
        (0, "-late", False),
        (0, "late_flights", False),
        (1, "p-abcdefghijkl", True),
        (1, "P-ABC", False),
    ],
)
def test_sagemakers_own_parameters(index: int, value: str, allowed: bool) -> None:
    pattern = sagemaker_parameters()[index].allowed_pattern
    assert pattern is not None
    assert bool(re.search(pattern, value)) is allowed
