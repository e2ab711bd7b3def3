"""The template this repository was made from: which version, what is newer, and how to get it."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ANSWERS_FILE = ".copier-answers.yml"
COPIER = "copier>=9.15,<10"
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)$")


class TemplateError(Exception):
    """What stands in the way, and what to do about it."""


def answers() -> dict[str, str]:
    """Return what the answers file records, with `_commit` and `_src_path`.

    Raises:
        TemplateError: there is no such file.
    """
    path = ROOT / ANSWERS_FILE
    if not path.exists():
        table = _table()
        raise TemplateError(
            f"Made from {table['name']} {table['version']}, but without {ANSWERS_FILE}, which "
            "updates start from.\n"
            "Next: make template-adopt FROM=<URL of the template catalog> TAG=<its release that "
            "this repository was made from>, and commit the file."
        )
    found = re.findall(r"^(\w+): *(.*)$", path.read_text(encoding="utf-8"), flags=re.M)
    return {key: value.strip("'\"") for key, value in found}


def _table() -> dict[str, str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, str] = document["tool"]["template"]
    return table


def _release(tag: str) -> tuple[int, ...] | None:
    match = _RELEASE.match(tag)
    return tuple(int(part) for part in match.groups()) if match else None


def releases(source: str) -> list[str]:
    """Return the release tags of the catalog, oldest first.

    Raises:
        TemplateError: the catalog cannot be reached.
    """
    url = re.sub(r"^gh:/?", "https://github.com/", re.sub(r"^gl:/?", "https://gitlab.com/", source))
    listed = subprocess.run(
        ["git", "ls-remote", "--tags", "--refs", url.removeprefix("git+")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if listed.returncode:
        raise TemplateError(
            f"Cannot read the releases of {url}: {listed.stderr.strip()}\n"
            "Next: check the network and your access to that repository."
        )
    tags = re.findall(r"refs/tags/(\S+)$", listed.stdout, flags=re.M)
    return sorted((t for t in tags if _release(t)), key=lambda t: _release(t) or ())


def status() -> int:
    """Say which version this is and whether there is a newer one."""
    recorded = answers()
    current, source = recorded["_commit"], recorded["_src_path"]
    print(f"{_table()['name']} {_table()['version']}, from {source} at {current}")
    mine = _release(current)
    newer = [tag for tag in releases(source) if mine is None or (_release(tag) or ()) > mine]
    if newer:
        print(f"newer: {', '.join(newer)}\nNext: make template-update")
    else:
        print("this is the newest version")
    return 0


def update(*, to: str | None, changed: list[str]) -> int:
    """Merge another version of the template; exit code 1 if conflicts are left.

    Raises:
        TemplateError: it would switch to another template, or Copier refuses.
    """
    recorded = answers()
    mine = _table()["name"]
    switched = [a for a in changed if a.partition("=")[0] == "template"]
    if switched or recorded.get("template") != mine:
        raise TemplateError(
            f"This repository is a {mine}. Switching to another template would delete its files.\n"
            "Next: start a new repository from the other template."
        )
    command = ["update", "--defaults", "--skip-tasks"]
    command += [f"--vcs-ref={to}"] if to else []
    for answer in changed:
        command += ["--data", answer]
    if _copier([*command, "."]).returncode:
        raise TemplateError("Copier refused; its message is above. Nothing was merged.")
    conflicts = _git("diff", "--name-only", "--diff-filter=U").split()
    conflicts += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("[!.]*/**/*.rej"))]
    if conflicts:
        print("Conflicts, marked in the files:", *conflicts, sep="\n  ")
        print("Next: resolve them, run `make test lint`, commit.")
        return 1
    print(f"Now at {answers()['_commit']}. Next: make test lint, look at `git diff`, commit.")
    return 0


def adopt(*, source: str, tag: str) -> int:
    """Write the answers file that Copier would have written for `tag` of `source`.

    Raises:
        TemplateError: missing arguments, or Copier cannot render that tag.
    """
    if not source or not tag:
        raise TemplateError("Next: make template-adopt FROM=<URL> TAG=<release tag>")
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["template"]
    command = ["copy", "--defaults", "--quiet", f"--vcs-ref={tag}"]
    for name, value in {"template": table["name"], **table["answers"]}.items():
        command += ["--data", f"{name}={value}"]
    with tempfile.TemporaryDirectory() as folder:
        if _copier([*command, source, folder]).returncode:
            raise TemplateError(f"Copier could not render {tag} of {source}; see above.")
        shutil.copyfile(Path(folder) / ANSWERS_FILE, ROOT / ANSWERS_FILE)
    print(f"wrote {ANSWERS_FILE}. Next: commit it, then make template-status")
    return 0


def _copier(arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["uv", "tool", "run", "--from", COPIER, "copier", *arguments], cwd=ROOT, check=False
    )


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.template")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status")
    updating = commands.add_parser("update")
    updating.add_argument("--to")
    updating.add_argument("--answer", action="append", default=[])
    adopting = commands.add_parser("adopt")
    adopting.add_argument("--source", required=True)
    adopting.add_argument("--tag", required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "status":
            return status()
        if options.command == "update":
            return update(to=options.to, changed=options.answer)
        return adopt(source=options.source, tag=options.tag)
    except TemplateError as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
