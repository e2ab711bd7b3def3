"""Copies folders of `templates/_shared` into the skeletons that declare them in files.yml.

Cookiecutter cannot include from outside a template, so each skeleton carries a copy, in which
Jinja's delimiters are escaped. `--check` writes nothing, names what differs and exits 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.template_sources import ROOT, Template, load_templates

IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def main() -> int:
    """Copy, or compare."""
    check = "--check" in sys.argv[1:]
    changes = [change for template in load_templates() for change in _sync(template, check=check)]
    for path in changes:
        print(f"{'differs' if check else 'wrote'}: {path.relative_to(ROOT)}")
    return 1 if check and changes else 0


def expected_copies(template: Template, root: Path = ROOT) -> dict[Path, bytes]:
    """Return every copied file of a skeleton and its content."""
    copies = {}
    for source, place in template.shared.items():
        folder = root / "templates" / "_shared" / source
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not IGNORED & set(relative.parts):
                copies[template.skeleton / place / relative] = escaped(path.read_bytes())
    return copies


def escaped(content: bytes) -> bytes:
    """Return text that renders to `content` in both engines.

    Raises:
        ValueError: the content itself ends a raw block.
    """
    if not re.search(rb"\{[{%#]", content):
        return content
    if re.search(rb"\{%[-+]?\s*endraw", content):
        raise ValueError("shared files cannot contain the end of a raw block")
    return b"{% raw %}" + content + b"{% endraw %}"


def _sync(template: Template, *, check: bool) -> list[Path]:
    expected = expected_copies(template)
    present = {
        path
        for place in template.shared.values()
        for path in (template.skeleton / place).rglob("*")
        if path.is_file() and not IGNORED & set(path.parts)
    }
    changed = sorted(p for p, new in expected.items() if p not in present or p.read_bytes() != new)
    surplus = sorted(present - expected.keys())
    if not check:
        for path in changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(expected[path])
        for path in surplus:
            path.unlink()
    return changed + surplus


if __name__ == "__main__":
    sys.exit(main())
