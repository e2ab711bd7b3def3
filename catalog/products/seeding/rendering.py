"""Renders the template with Copier itself; runs where Copier can be imported.

Reads one JSON object from standard input: `catalog_url`, `tag`, `destination`, `answers`.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ANSWERS_FILE = ".copier-answers.yml"


def render(
    *, catalog_url: str, tag: str, destination: Path, answers: Mapping[str, Any]
) -> dict[str, Any]:
    """Render one release of the catalog, exactly as `copier copy` would for a person.

    A launch form asks everything at once, so it also holds answers to questions that do not
    apply. Copier would use those without recording them, and `copier update` would then start
    from something else. So answers that Copier does not record are taken back, the earliest
    first, since a later question may depend on it, until all that are given are recorded.

    Args:
        catalog_url: what Copier clones; Git is configured to find the seed's tree there.
        tag: the release.
        destination: an empty or missing folder.
        answers: question to answer, in the order of the questions.

    Returns:
        The answers that apply.

    Raises:
        Exception: whatever Copier raises on an answer that it does not accept.
    """
    # Only this module needs Copier, which the rest of the seed must run without.
    import yaml  # noqa: PLC0415
    from copier import run_copy  # noqa: PLC0415

    applying = dict(answers)
    while True:
        with tempfile.TemporaryDirectory(prefix="render-") as scratch:
            trial = Path(scratch) / "repository"
            run_copy(
                catalog_url,
                trial,
                data=dict(applying),
                vcs_ref=tag,
                defaults=True,
                quiet=True,
                unsafe=False,
            )
            recorded = yaml.safe_load((trial / ANSWERS_FILE).read_text(encoding="utf-8"))
            stray = next((name for name in applying if name not in recorded), None)
            if stray is None:
                shutil.copytree(trial, destination, dirs_exist_ok=True)
                return applying
            del applying[stray]


def main() -> int:
    """Render what standard input asks for; one line on standard error says what went wrong."""
    request = json.load(sys.stdin)
    try:
        render(
            catalog_url=request["catalog_url"],
            tag=request["tag"],
            destination=Path(request["destination"]),
            answers=request["answers"],
        )
    except Exception as error:  # noqa: BLE001 - its words are the message
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
