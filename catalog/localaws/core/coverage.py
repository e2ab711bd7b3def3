"""What the local AWS emulates, read off its classes: the table in docs/local-aws.md.

`python -m catalog.localaws.core.coverage FILE` rewrites the table in FILE; a test fails when it
is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from botocore import xform_name

from catalog.localaws.core.wire import service_model
from catalog.localaws.services import SERVICES

BEGIN, END = "<!-- operations: begin -->", "<!-- operations: end -->"


def emulated_operations() -> Mapping[str, list[str]]:
    """Return, by botocore service name, the operations this project answers itself."""
    return {
        cls.name: [
            operation
            for operation in service_model(cls.name).operation_names
            if hasattr(cls, xform_name(operation))
        ]
        for cls in sorted(SERVICES, key=lambda cls: cls.name)
    }


def table() -> str:
    """Return the Markdown table of emulated operations."""
    lines = ["| Service | Answered by this project | The rest |", "| --- | --- | --- |"]
    rest = {cls.name: "moto" if cls.falls_back_to_moto else "`NotEmulated`" for cls in SERVICES}
    for service, operations in emulated_operations().items():
        named = ", ".join(sorted(operations)) or "checks only"
        lines.append(f"| {service} | {named} | {rest[service]} |")
    return "\n".join(lines)


def filled(text: str) -> str:
    """Return a document with the table between its two markers brought up to date."""
    before, _, tail = text.partition(BEGIN)
    _, _, after = tail.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(filled(document.read_text(encoding="utf-8")), encoding="utf-8")
