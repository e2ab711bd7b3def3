"""Fail when a derived file differs from its source.

`python -m scripts.check_derived` names each file; `--write` derives them all again.
"""

from __future__ import annotations

import subprocess
import sys

# Each takes --check, prints what differs and exits 1; without it, it writes. Order matters: the
# shared partials are copied into the skeletons before what is rendered from them is derived.
DERIVERS: tuple[str, ...] = (
    "scripts.copy_shared",
    "scripts.derive_front_doors",
    "scripts.compile_definitions",
    "scripts.render_examples",
)


def main() -> int:
    """Run every deriver and return the exit code."""
    flags = [] if "--write" in sys.argv[1:] else ["--check"]
    failed = 0
    for module in DERIVERS:
        finished = subprocess.run([sys.executable, "-m", module, *flags], check=False)
        if finished.returncode:
            print(f"{module}: derived files are out of date; run `make derive`")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
