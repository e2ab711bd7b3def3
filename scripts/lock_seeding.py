"""Locks the packages that seeding renders with: Copier at the versions that this project uses.

Run it after `uv lock` has changed Copier or anything that Copier needs. `--check` writes nothing
and exits 1 when the lock is not what it would write.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "catalog" / "products" / "seeding" / "locks"


def main() -> int:
    """Write the lock, or compare it with what is there."""
    text = lock()
    target = LOCKS / "requirements.txt"
    if target.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"differs: {target.relative_to(ROOT)}; run `python scripts/lock_seeding.py`")
        return 1
    target.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote: {target.relative_to(ROOT)}")
    return 0


def lock() -> str:
    """Return the lock: every Python and platform in one, each file pinned by hash."""
    local = ROOT / ".uv" / "bin" / "uv"
    uv = str(local) if local.exists() else shutil.which("uv")
    if uv is None:
        sys.exit("uv is missing: run `make setup`")
    # The project's own versions, so that a repository rendered by the build is the one that
    # `copier copy` makes here.
    exported = subprocess.run(
        [uv, "export", "--frozen", "--quiet", "--no-emit-project", "--no-dev", "--no-hashes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text(exported, encoding="utf-8")
        command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--constraint", str(constraints), str(LOCKS / "requirements.in")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
