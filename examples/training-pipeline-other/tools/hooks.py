"""Runs the pre-commit hooks on all files, as a commit would."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Return the exit code of the hooks, or 0 where there is no repository yet."""
    top = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if top.returncode or Path(top.stdout.strip()).resolve() != ROOT:
        print("Hooks skipped: not a Git repository yet. Next: git init && git add --all")
        return 0
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
