# Derived from templates/*/questions.yml by scripts/derive_front_doors.py: do not edit.
"""Finishes a project as Copier would have left it."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ANSWERS = json.loads({{ dict(template=cookiecutter.__template, project_name=cookiecutter.project_name, project_slug=cookiecutter.project_slug, description=cookiecutter.description, problem_type=cookiecutter.problem_type, framework=cookiecutter.framework, tuning=cookiecutter.tuning, ci=cookiecutter.ci, deploy=cookiecutter.deploy) | tojson | tojson }})
SOURCE = json.loads({{ dict(template=cookiecutter._template, folder=cookiecutter._repo_dir) | tojson | tojson }})
ANSWERS_FILE = ".copier-answers.yml"
HEADER = "# Changes here will be overwritten by Copier; NEVER EDIT MANUALLY\n"


def remove(path):
    target = Path(path)
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()


def git(*arguments):
    """The output of a git command in the template's checkout, or None where it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", SOURCE["folder"], *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def origin():
    """Where `copier update` will find the template: the address given, made independent of here."""
    given = SOURCE["template"]
    if urlsplit(given).scheme or given.startswith("git@"):
        return given
    local = Path(given).expanduser()
    return str(local.resolve()) if local.is_dir() else git("remote", "get-url", "origin")


def record_answers():
    """Write the answers file that makes the project updatable, if the template is at a tag."""
    tag = git("describe", "--tags", "--exact-match")
    changed = git("status", "--porcelain")
    source = origin()
    if not tag or changed or not source:
        print("The template is not at a release tag: see `make template-status` on updates.")
        return
    document = {"_commit": tag, "_src_path": source, **ANSWERS}
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=False, indent=4)
    Path(ANSWERS_FILE).write_text(HEADER + text, encoding="utf-8", newline="\n")


{% if not (cookiecutter.ci == 'github') %}remove('.github'){% endif %}
{% if not (cookiecutter.ci == 'gitlab') %}remove('.gitlab-ci.yml'){% endif %}
{% if not (cookiecutter.deploy) %}remove('infra'){% endif %}
{% if not (cookiecutter.deploy) %}remove('tests/test_infra.py'){% endif %}
# Cookiecutter renders a local checkout with whatever Git ignores in it.
for name in ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"):
    for folder in list(Path().rglob(name)):
        shutil.rmtree(folder)
record_answers()
print("Next: cd into the new folder, then `git init`, `make test`, `make pipeline`.")
