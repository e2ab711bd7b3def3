"""docs/local-aws.md says what the code does."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from catalog.localaws.core import coverage
from catalog.localaws.core.faults import Fault, Switches

DOCUMENT = Path(__file__).parents[3] / "docs" / "local-aws.md"


def test_the_table_of_operations_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    command = f"python -m catalog.localaws.core.coverage {DOCUMENT.name}"
    assert text == coverage.filled(text), f"run: {command}"


def test_the_table_lists_what_is_really_there() -> None:
    operations = coverage.emulated_operations()
    assert {"AssumeRole", "GetCallerIdentity"} <= set(operations["sts"])
    assert "CreateAccount" in operations["organizations"]
    assert "ListPolicies" not in operations["organizations"]


def test_every_switch_is_described_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)`", DOCUMENT.read_text(), re.MULTILINE))
    defaults = {field.name: str(field.default) for field in dataclasses.fields(Switches)}
    assert {name: rows.get(name) for name in defaults} == defaults


def test_every_fault_is_described() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [fault.name for fault in Fault if f"`{fault.name}`" not in text] == []
