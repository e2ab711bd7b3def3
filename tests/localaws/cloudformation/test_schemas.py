"""The derived resource schemas are those that AWS publishes for the types that are emulated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from catalog.localaws.cloudformation.resources import RESOURCE_TYPES, find_handler
from catalog.localaws.cloudformation.schema import UNRESOLVED, load_schema

ROOT = Path(__file__).parents[3]


def test_schemas_are_current() -> None:
    script = ROOT / "scripts" / "refresh_resource_schemas.py"
    checked = subprocess.run(
        [sys.executable, str(script), "--check"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.stdout, checked.returncode) == ("", 0), checked.stderr


@pytest.mark.parametrize("name", sorted(RESOURCE_TYPES))
def test_handlers_name_properties_that_exist(name: str) -> None:
    handler = find_handler(name)
    assert handler is not None
    known = set(load_schema(name).document["properties"])
    assert (handler.handled or set()) <= known


@pytest.mark.parametrize(
    ("given", "coerced"),
    [
        ({"EnableKeyRotation": "true"}, {"EnableKeyRotation": True}),
        ({"PendingWindowInDays": "7"}, {"PendingWindowInDays": 7}),
        ({"Description": 5}, {"Description": "5"}),
        ({"Description": UNRESOLVED}, {"Description": UNRESOLVED}),
        ({"Tags": [{"Key": "a", "Value": True}]}, {"Tags": [{"Key": "a", "Value": "true"}]}),
    ],
)
def test_scalars_become_what_the_schema_wants(
    given: dict[str, Any], coerced: dict[str, Any]
) -> None:
    assert load_schema("AWS::KMS::Key").coerce(given) == coerced


@pytest.mark.parametrize(
    ("type_name", "old", "new", "verdict"),
    [
        ("AWS::KMS::Key", {"Description": "a"}, {"Description": "b"}, "False"),
        ("AWS::S3::Bucket", {"BucketName": "a"}, {"BucketName": "b"}, "True"),
        ("AWS::S3::Bucket", {"BucketName": "a"}, {"BucketName": UNRESOLVED}, "Conditional"),
        ("AWS::S3::Bucket", {"BucketName": "a"}, {}, "True"),
        ("AWS::Lambda::Permission", {"Principal": "a"}, {"Principal": "b"}, "True"),
        ("Custom::Thing", {"A": "1"}, {"A": "2"}, "Conditional"),
    ],
)
def test_replacement_follows_the_create_only_properties(
    type_name: str, old: dict[str, Any], new: dict[str, Any], verdict: str
) -> None:
    handler = find_handler(type_name)
    assert handler is not None
    assert handler.replacement(old, new) == verdict
