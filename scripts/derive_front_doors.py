"""Derives the front doors from `templates/*/questions.yml`.

Writes the root `copier.yml` and `cookiecutter.json`, and for each template `cookiecutter.json` and
the two Cookiecutter hooks. `--check` writes nothing, names what differs and exits 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from scripts.template_sources import ROOT, SKELETON, Question, Template, load_templates

NOTICE = "Derived from templates/*/questions.yml by scripts/derive_front_doors.py: do not edit."
HOOKS = Path(__file__).resolve().parent / "hook_sources"
NEXT_STEPS = "Next: cd into the new folder, then `git init`, `make test`, `make pipeline`."


def main() -> int:
    """Write the derived files, or compare them with what is there."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in derived_files(load_templates()).items():
        current = path.read_text(encoding="utf-8") if path.exists() else None
        if current == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for path in stale:
        print(f"{'differs' if check else 'wrote'}: {path}")
    return 1 if check and stale else 0


def derived_files(templates: list[Template], root: Path = ROOT) -> dict[Path, str]:
    """Return every derived file and its text."""
    files = {
        root / "copier.yml": copier_yml(templates),
        root / "cookiecutter.json": _json(chooser(templates)),
    }
    for template in templates:
        files[template.root / "cookiecutter.json"] = _json(cookiecutter_json(template))
        files[template.root / "hooks" / "pre_gen_project.py"] = pre_hook(template)
        files[template.root / "hooks" / "post_gen_project.py"] = post_hook(template)
    return files


def copier_yml(templates: list[Template]) -> str:
    """Return the root `copier.yml` for these templates.

    Questions that several templates share are written once; they must then be the same, since
    Copier would silently let the last one win.

    Raises:
        ValueError: two templates ask different questions under one name.
    """
    document: dict[str, Any] = {
        "_min_copier_version": "9.15.0",
        "_templates_suffix": "",
        "_envops": {"undefined": "jinja2.StrictUndefined"},
        "_answers_file": ".copier-answers.yml",
        "_subdirectory": "templates/{{ template }}/{% raw %}" + SKELETON + "{% endraw %}",
        "_exclude": [
            f"{{% if template == '{t.name}' and not ({when}) %}}/{path}{{% endif %}}"
            for t in templates
            for path, when in t.only_when.items()
        ],
        "_message_after_copy": NEXT_STEPS,
        "template": {
            "type": "str",
            "help": "Which template",
            "choices": {t.title: t.name for t in templates},
            "default": templates[0].name,
        },
    }
    for question, owners in _merged(templates):
        everywhere = len(owners) == len(templates)
        document[question.name] = _copier_question(question, None if everywhere else owners)
    document["cookiecutter"] = {
        "type": "yaml",
        "when": False,
        "default": "{{ dict(" + ", ".join(_namespace(templates)) + ") | to_json }}",
    }
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return f"# {NOTICE}\n{body}"


def _merged(templates: list[Template]) -> list[tuple[Question, list[str]]]:
    found: dict[str, tuple[Question, list[str]]] = {}
    for template in templates:
        for question in template.questions:
            known = found.setdefault(question.name, (question, []))
            if known[0] != question:
                raise ValueError(
                    f"{question.name}: {template.name} and {known[1][0]} define it differently"
                )
            known[1].append(template.name)
    return list(found.values())


def _copier_question(question: Question, owners: list[str] | None) -> dict[str, Any]:
    body: dict[str, Any] = {"type": question.kind}
    if question.help:
        body["help"] = question.help
    if question.choices:
        body["choices"] = list(question.choices)
    body["default"] = question.default
    if question.pattern:
        # `$` alone would accept a trailing line break.
        pattern = json.dumps(f"(?:{question.pattern})\\Z")
        message = json.dumps(f"expected: {question.help}", ensure_ascii=False)
        body["validator"] = (
            f"{{% if not ({question.name} | regex_search({pattern})) %}}"
            f"{{{{ {message} }}}}{{% endif %}}"
        )
    conditions = [] if question.condition is None else [f"({question.condition})"]
    if owners is not None:
        conditions.append(f"template in {owners!r}")
    if question.computed:
        body["when"] = False
    elif conditions:
        body["when"] = "{{ " + " and ".join(conditions) + " }}"
    return body


def _namespace(templates: list[Template]) -> Iterable[str]:
    for question, _ in _merged(templates):
        yield f"{_key(question)}={question.name} | default('')"
    versions = {t.name: t.version for t in templates}
    yield "__template=template"
    yield f"__template_version={json.dumps(versions)}[template]"
    yield "__answers=_copier_conf.answers_file | string"


def _key(question: Question) -> str:
    return f"__{question.name}" if question.computed else question.name


def chooser(templates: list[Template]) -> dict[str, Any]:
    """Return the root `cookiecutter.json`, which asks for the template."""
    return {
        "templates": {
            t.name: {
                "path": f"./templates/{t.name}",
                "title": t.title,
                "description": t.summary,
            }
            for t in templates
        }
    }


def cookiecutter_json(template: Template) -> dict[str, Any]:
    """Return a template's `cookiecutter.json`."""
    document: dict[str, Any] = {}
    for question in template.questions:
        default: Any = question.default
        if isinstance(default, str):
            default = _qualified(default, template)
        if question.choices:
            first = str(question.default)
            default = [first, *(c for c in question.choices if c != first)]
        document[_key(question)] = default
    document["__template"] = template.name
    document["__template_version"] = template.version
    document["__answers"] = ""
    document["__prompts__"] = {q.name: q.help for q in template.asked}
    return document


def _qualified(text: str, template: Template) -> str:
    keys = {q.name: _key(q) for q in template.questions}

    def qualify(block: re.Match[str]) -> str:
        # Names inside string literals stay as they are.
        parts = re.split(r"('[^']*'|\"[^\"]*\")", block[0])
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(
                r"(?<![\w.])[a-z]\w*",
                lambda m: f"cookiecutter.{keys[m[0]]}" if m[0] in keys else m[0],
                parts[i],
            )
        return "".join(parts)

    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", qualify, text, flags=re.S)


def pre_hook(template: Template) -> str:
    """Return the hook that refuses what Copier's validators refuse."""
    rules = {q.name: [q.pattern, q.help] for q in template.asked if q.pattern}
    answers = ", ".join(f"{name}=cookiecutter.{name}" for name in rules)
    return _hook(
        "pre_gen_project.py",
        {
            "__RULES__": _literal(rules),
            "__ANSWERS__": f"{{{{ dict({answers}) | tojson | tojson }}}}",
        },
    )


def post_hook(template: Template) -> str:
    """Return the hook that leaves out what Copier excludes and records the answers."""
    removals = "\n".join(
        f"{{% if not ({_qualified('{{' + when + '}}', template)[2:-2]}) %}}"
        f"remove({path!r})"
        "{% endif %}"
        for path, when in template.only_when.items()
    )
    recorded = [f"{q.name}=cookiecutter.{q.name}" for q in template.asked if q.condition is None]
    conditional = [
        f"{q.name}=cookiecutter.{q.name}" for q in template.asked if q.condition is not None
    ]
    if conditional:
        raise NotImplementedError(f"{template.name}: conditional questions in the answers file")
    answers = ", ".join(["template=cookiecutter.__template", *recorded])
    return _hook(
        "post_gen_project.py",
        {
            "__REMOVALS__": removals,
            "__ANSWERS__": f"{{{{ dict({answers}) | tojson | tojson }}}}",
            "__SOURCE__": "{{ dict(template=cookiecutter._template, folder=cookiecutter._repo_dir) "
            "| tojson | tojson }}",
            "__NEXT_STEPS__": json.dumps(NEXT_STEPS),
        },
    )


def _hook(name: str, values: dict[str, str]) -> str:
    text = (HOOKS / f"{name}.txt").read_text(encoding="utf-8")
    for marker, value in values.items():
        text = text.replace(marker, value)
    return f"# {NOTICE}\n{text}"


def _literal(value: Any) -> str:
    text = json.dumps(value, indent=4, ensure_ascii=False)
    # The hook passes through Jinja before Python reads it.
    return "{% raw %}" + text + "{% endraw %}"


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
