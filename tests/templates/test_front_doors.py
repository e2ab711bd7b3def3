"""The derived files, the grammar of questions, and what happens with several templates."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from scripts import copy_shared, derive_front_doors, render_examples
from scripts.template_sources import ROOT, SourceError, Template, load_template, load_templates


def test_derived_files_are_up_to_date() -> None:
    for path, text in derive_front_doors.derived_files(load_templates()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make derive`"


def test_a_drifted_shared_copy_is_found_and_repaired(
    training_pipeline: Template, tmp_path: Path
) -> None:
    source = tmp_path / "templates" / "_shared" / "local_runner"
    source.mkdir(parents=True)
    (source / "one.py").write_text("print('one')\n")
    (source / "braces.py").write_text('text = f"{{x}}"\n')
    template = dataclasses.replace(training_pipeline, root=tmp_path / "templates" / "t")
    copies = copy_shared.expected_copies(template, tmp_path)
    assert sorted(path.name for path in copies) == ["braces.py", "one.py"]
    assert copies[template.skeleton / "pipelines/local/one.py"] == b"print('one')\n"
    assert b"{% raw %}" in copies[template.skeleton / "pipelines/local/braces.py"]


def test_escaping_a_file_that_ends_raw_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="raw block"):
        copy_shared.escaped(b"{% endraw %}")


QUESTION = {
    "type": "str",
    "help": "Size",
    "group": "Model",
    "default": "small",
    "choices": ["small", "large"],
}


def template_with(tmp_path: Path, *, name: str = "one", **questions: object) -> Template:
    folder = tmp_path / "templates" / name
    folder.mkdir(parents=True)
    (folder / "template.yml").write_text(
        yaml.safe_dump({"name": name, "title": name.title(), "summary": "", "version": "0.1.0"})
    )
    (folder / "questions.yml").write_text(yaml.safe_dump(questions))
    return load_template(folder)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "int"}, "neither str nor bool"),
        ({"default": "huge"}, "not one of the choices"),
        ({"default": None}, "default is missing"),
        ({"choices": [1, 2], "default": "1"}, "literal strings"),
        ({"help": ""}, "help and group"),
        ({"choices": []}, "needs a pattern"),
        ({"choices": [], "pattern": "[a-z]+"}, "not anchored"),
        ({"when": "size == 'x'"}, "Jinja expression"),
        ({"validator": "x"}, "unknown keys"),
        ({"type": "bool"}, "default is missing or of another type"),
    ],
)
def test_questions_outside_the_grammar_are_refused(
    tmp_path: Path, change: dict[str, object], expected: str
) -> None:
    with pytest.raises(SourceError, match=expected):
        template_with(tmp_path, size={**QUESTION, **change})


def test_a_shared_question_is_asked_once(tmp_path: Path) -> None:
    own = {**QUESTION, "help": "Own"}
    both = [
        template_with(tmp_path, name="one", size=QUESTION, extra=own),
        template_with(tmp_path, name="two", size=QUESTION),
    ]
    document = yaml.safe_load(derive_front_doors.copier_yml(both))
    assert "when" not in document["size"]
    assert document["extra"]["when"] == "{{ template in ['one'] }}"
    assert document["template"]["choices"] == {"One": "one", "Two": "two"}


def test_one_name_for_two_questions_is_refused(tmp_path: Path) -> None:
    both = [
        template_with(tmp_path, name="one", size=QUESTION),
        template_with(tmp_path, name="two", size={**QUESTION, "help": "Another size"}),
    ]
    with pytest.raises(ValueError, match="size: two and one define it differently"):
        derive_front_doors.copier_yml(both)


def test_names_in_defaults_are_qualified_outside_of_strings(tmp_path: Path) -> None:
    text = {"type": "str", "help": "h", "group": "g", "pattern": "^.*$"}
    template = template_with(
        tmp_path,
        size={**text, "default": "size"},
        label={**text, "default": "size: {{ size ~ ' size ' ~ other.size }}"},
    )
    document = derive_front_doors.cookiecutter_json(template)
    assert document["size"] == "size"
    assert document["label"] == "size: {{ cookiecutter.size ~ ' size ' ~ other.size }}"


def test_every_parameter_of_the_product_has_a_question() -> None:
    for template in load_templates(ROOT):
        assert {"project_name", "project_slug"} <= {q.name for q in template.asked}
        assert template.version == load_template(template.root).version


def test_a_changed_example_is_named(tmp_path: Path) -> None:
    for folder in ("expected", "present"):
        (tmp_path / folder / "one").mkdir(parents=True)
        (tmp_path / folder / "one" / "same.txt").write_text("same")
        (tmp_path / folder / "one" / "changed.txt").write_text(folder)
    (tmp_path / "present" / "one" / "surplus.txt").write_text("")
    (tmp_path / "present" / "README.md").write_text("of the folder")
    assert render_examples.differences(tmp_path / "expected", tmp_path / "present") == {
        "one/changed.txt",
        "one/surplus.txt",
    }
