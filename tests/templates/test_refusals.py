"""Input that one engine refuses, the other refuses too, and says what it expects."""

from __future__ import annotations

from pathlib import Path

import copier
import pytest
from cookiecutter.exceptions import CookiecutterException

from scripts.rendering import render

from .engines import Renders

TEMPLATE = "training-pipeline"
REFUSED = [
    ("project_name", "name/with/slashes", "letters, digits"),
    ("project_name", "trailing space ", "letters, digits"),
    ("project_name", "x" * 41, "up to 40"),
    ("project_name", "line\nbreak", "letters, digits"),
    ("project_slug", "Upper-Case", "lower-case"),
    ("project_slug", "under_score", "lower-case"),
    ("project_slug", "-leading", "lower-case"),
    ("project_slug", "two--hyphens", "lower-case"),
    ("project_slug", "../outside", "lower-case"),
    ("project_slug", "trailing-break\n", "lower-case"),
    ("project_slug", "scikit-learn", "library"),
    ("description", "", "One sentence"),
    ("description", 'with "quotes"', "no quotes"),
    ("description", "with {braces}", "no quotes"),
    ("description", "x" * 201, "up to 200"),
    ("description", "two\nlines", "One sentence"),
]


@pytest.mark.parametrize(("question", "answer", "expected"), REFUSED)
def test_both_engines_refuse(
    catalog: Path,
    tmp_path: Path,
    cookies: object,
    capfd: pytest.CaptureFixture[str],
    question: str,
    answer: str,
    expected: str,
) -> None:
    with pytest.raises(ValueError, match=expected):
        render(catalog, tmp_path / "copier", TEMPLATE, {question: answer})
    assert not list((tmp_path).glob("copier/*"))
    baked = cookies.bake(  # type: ignore[attr-defined]
        extra_context={question: answer}, template=str(catalog / "templates" / TEMPLATE)
    )
    assert isinstance(baked.exception, CookiecutterException)
    assert expected in capfd.readouterr().err
    assert baked.project_path is None


def test_neither_engine_runs_code_in_an_answer(
    catalog: Path, tmp_path: Path, cookies: object
) -> None:
    answer = {"description": "{{ cycler.__init__.__globals__ }}"}
    with pytest.raises(ValueError, match="no quotes"):
        render(catalog, tmp_path / "copier", TEMPLATE, answer)
    baked = cookies.bake(  # type: ignore[attr-defined]
        extra_context=answer, template=str(catalog / "templates" / TEMPLATE)
    )
    assert isinstance(baked.exception, CookiecutterException)


@pytest.mark.parametrize("question", ["problem_type", "framework", "ci"])
def test_both_engines_refuse_a_choice_that_is_none(
    catalog: Path, tmp_path: Path, cookies: object, question: str
) -> None:
    with pytest.raises(ValueError, match=question):
        render(catalog, tmp_path / "copier", TEMPLATE, {question: "other"})
    baked = cookies.bake(  # type: ignore[attr-defined]
        extra_context={question: "other"}, template=str(catalog / "templates" / TEMPLATE)
    )
    assert isinstance(baked.exception, ValueError)


def test_an_unknown_template_is_refused(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="template"):
        copier.run_copy(
            str(catalog),
            tmp_path / "out",
            data={"template": "no-such"},
            defaults=True,
            quiet=True,
            vcs_ref="HEAD",
        )


@pytest.mark.parametrize("description", ["Über — naïve", "# a: list", "100 $ & more; (yes)"])
def test_both_engines_accept(renders: Renders, description: str) -> None:
    answers = {"description": description}
    for root in (renders.copier(TEMPLATE, answers), renders.cookiecutter(TEMPLATE, answers)):
        assert description in (root / "pyproject.toml").read_text(encoding="utf-8")
