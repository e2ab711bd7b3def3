"""The signature is the real credential helper's, and AWS's URLs lead to this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.localaws.git.login import signature
from catalog.localaws.git.reports import with_reasons
from catalog.localaws.git.urls import CODECOMMIT, CODECONNECTIONS, is_strict, strict_url

ENDPOINT = "http://localhost:4566"


def test_where_aws_urls_lead():
    assert CODECOMMIT.aws_url("eu-west-1") == (
        "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/"
    )
    assert CODECOMMIT.local_url(ENDPOINT, account="111111111111", region="eu-west-1") == (
        "http://localhost:4566/codecommit/111111111111/eu-west-1/v1/repos/"
    )
    strict = strict_url(
        ENDPOINT, remote=CODECONNECTIONS, account="111111111111", region="eu-west-1"
    )
    assert strict == (
        "http://codeconnections.eu-west-1.amazonaws.com.localhost:4566/codeconnections/git-http/"
    )
    assert is_strict(strict.split("/")[2])
    assert not is_strict("localhost:4566")


@pytest.mark.slow
def test_the_signature_is_the_credential_helpers():
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI"}
    answer = subprocess.run(
        [
            str(Path(sys.executable).parent / "aws"),
            "codecommit",
            "credential-helper",
            "--ignore-host-check",
            "get",
        ],
        input="protocol=http\nhost=localhost:4566\npath=codecommit/1/eu-west-1/v1/repos/r\n",
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "eu-west-1", **keys},
    ).stdout
    said = dict(line.split("=", 1) for line in answer.splitlines())
    when, _, given_signature = said["password"].partition("Z")
    assert said["username"] == "AKIDEXAMPLE"
    assert given_signature == signature(
        secret_key="wJalrXUtnFEMI",
        when=when,
        region="eu-west-1",
        host="localhost",
        path="/codecommit/1/eu-west-1/v1/repos/r",
    )


def line(content: bytes) -> bytes:
    return f"{len(content) + 4:04x}".encode() + content


@settings(deadline=None)
@given(
    reason=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1),
    progress=st.lists(st.binary(min_size=1, max_size=200)),
    references=st.integers(min_value=1, max_value=500),
)
def test_a_refusal_is_reworded_and_everything_else_kept(reason, progress, references):
    names = [f"refs/heads/b{number}".encode() for number in range(references)]
    report = line(b"unpack ok\n")
    report += b"".join(line(b"ng " + n + b" pre-receive hook declined\n") for n in names)
    report += b"0000"
    answer = b"".join(line(b"\x02" + text) for text in progress)
    answer += line(b"\x01" + report[:60_000])
    if report[60_000:]:
        answer += line(b"\x01" + report[60_000:])
    changed = with_reasons(answer + b"0000", reason)

    bands = {1: b"", 2: b""}
    place = 0
    while (size := int(changed[place : place + 4], 16)) != 0:
        content = changed[place + 4 : place + size]
        bands[content[0]] += content[1:]
        place += size
    assert place + 4 == len(changed)
    assert bands[2] == b"".join(progress)
    wanted = line(b"unpack ok\n")
    wanted += b"".join(line(b"ng " + n + b" " + reason.encode() + b"\n") for n in names)
    assert bands[1] == wanted + b"0000"
