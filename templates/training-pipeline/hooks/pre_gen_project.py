# Derived from templates/*/questions.yml by scripts/derive_front_doors.py: do not edit.
"""Refuses answers that Copier's validators would refuse."""

import json
import re
import sys

RULES = {% raw %}{
    "project_name": [
        "^(?=.{1,40}$)[A-Za-z0-9]([ -]*[A-Za-z0-9])*$",
        "Name of the project (letters, digits, single spaces or hyphens between them; up to 40)"
    ],
    "project_slug": [
        "^(?=.{1,40}$)(?!(pandas-stubs|pre-commit|pytest-cov|python-dateutil|scikit-learn|typing-extensions)$)[a-z0-9]+(-[a-z0-9]+)*$",
        "Name of the repository (lower-case letters, digits, hyphens between them; up to 40; not the name of a library it needs)"
    ],
    "description": [
        "^[^\"'`\\\\{}<>%\\x00-\\x1f]{1,200}$",
        "One sentence on what the model is for (up to 200 characters; no quotes, backslashes, braces, angle brackets or percent signs)"
    ]
}{% endraw %}
ANSWERS = json.loads({{ dict(project_name=cookiecutter.project_name, project_slug=cookiecutter.project_slug, description=cookiecutter.description) | tojson | tojson }})

problems = [
    f"{name}: {ANSWERS[name]!r} is not accepted; expected: {text}"
    for name, (pattern, text) in RULES.items()
    if not re.search(f"(?:{pattern})\\Z", ANSWERS[name])
]
if problems:
    sys.exit("\n".join(problems))
