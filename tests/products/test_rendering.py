"""Answers of a launch form: those that do not apply are taken back before Copier records."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tiny_catalogs import commit_all, write_tree

from catalog.products.seeding.rendering import ANSWERS_FILE, render
from catalog.products.seeding.settings import read_answers

TAG = "v1.0.0"
COPIER = """\
_templates_suffix: ""
_subdirectory: skeleton
kind: {type: str, choices: [tree, net], default: tree}
layers: {type: str, default: one, when: "{{ kind == 'net' }}"}
width: {type: str, default: wide, when: "{{ kind == 'net' and layers == 'two' }}"}
narrow: {type: str, default: slim, when: "{{ layers == 'one' }}"}
deep: {type: bool, default: false}
"""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_tree(
        tmp_path_factory.mktemp("catalog"),
        {
            "copier.yml": COPIER,
            "skeleton/answers.txt": "{{ kind }} {{ layers }} {{ width }} {{ narrow }} {{ deep }}\n",
            "skeleton/{{ _copier_conf.answers_file }}": "{{ _copier_answers | to_nice_yaml }}",
        },
    )
    commit_all(root, tag=TAG)
    return root


def rendered(catalog: Path, target: Path, **answers: str) -> tuple[str, dict[str, object]]:
    render(catalog_url=str(catalog), tag=TAG, destination=target, answers=answers)
    recorded = yaml.safe_load((target / ANSWERS_FILE).read_text())
    return (target / "answers.txt").read_text().strip(), {
        name: value for name, value in recorded.items() if not name.startswith("_")
    }


def test_answers_that_apply_are_rendered_and_recorded(catalog: Path, tmp_path: Path) -> None:
    text, recorded = rendered(
        catalog, tmp_path / "to", kind="net", layers="two", width="5", deep="true"
    )

    assert text == "net two 5 slim True"
    assert recorded == {"kind": "net", "layers": "two", "width": "5", "deep": True}


def test_an_answer_that_does_not_apply_has_no_effect(catalog: Path, tmp_path: Path) -> None:
    text, recorded = rendered(catalog, tmp_path / "to", kind="tree", layers="two", width="5")

    assert text == "tree one wide slim False"
    assert recorded == {"kind": "tree", "narrow": "slim", "deep": False}


def test_an_answer_that_applies_once_an_earlier_one_is_taken_back_is_kept(
    catalog: Path, tmp_path: Path
) -> None:
    # With kind=tree, layers is not asked and stays "one", and so `narrow` applies.
    text, recorded = rendered(catalog, tmp_path / "to", kind="tree", layers="two", narrow="thin")

    assert text == "tree one wide thin False"
    assert recorded["narrow"] == "thin"


def test_names_that_are_no_questions_are_ignored(catalog: Path, tmp_path: Path) -> None:
    _, recorded = rendered(catalog, tmp_path / "to", project_name="Late-Flights")

    assert "project_name" not in recorded


def test_empty_answers_are_left_to_copier() -> None:
    assert read_answers('{"kind": "", "deep": "false"}') == {"deep": "false"}
