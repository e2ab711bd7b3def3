"""Ownership records, tokens, releases and the order of a plan: no AWS in sight."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bundles.model import Release
from catalog.errors import UncleanTree
from catalog.manifest.values import SEMVER
from catalog.publishing import artifact_name, read_release
from catalog.publishing.assets import canonical, digest_of_template_url, template_key, template_url
from catalog.publishing.ownership import (
    ArtifactRecord,
    artifact_description,
    artifact_record,
    product_tags,
    tag_changes,
)
from catalog.publishing.tokens import token

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
records = st.builds(
    ArtifactRecord,
    catalog=words,
    template=words,
    version=words,
    digest=words,
    release=words,
    url=words,
)


@given(record=records, changelog=st.text(max_size=200))
def test_an_artifact_record_survives_its_description(record, changelog):
    assert artifact_record(artifact_description(changelog=changelog, record=record)) == record


@given(record=records, lines=st.integers(1, 3000))
def test_a_long_changelog_is_cut_to_what_aws_holds(record, lines):
    description = artifact_description(changelog="- A line.\n" * lines, record=record)
    assert len(description) <= 8192
    assert artifact_record(description) == record


@given(text=st.text(max_size=300))
def test_no_other_description_is_taken_for_a_record(text):
    assert artifact_record(text) is None
    assert artifact_record(f"sagemaker-catalog: {text}") is None


tag_maps = st.dictionaries(st.sampled_from(["a", "b", "c", "theirs"]), st.sampled_from("xyz"))


@given(before=tag_maps, after=tag_maps, theirs=tag_maps)
def test_tags_of_others_survive_and_ours_become_as_wanted(before, after, theirs):
    was = {**theirs, **product_tags(catalog="c", template="t", tags=before)}
    wanted = product_tags(catalog="c", template="t", tags=after)
    add, remove = tag_changes(observed=was, desired=wanted)
    now = {k: v for k, v in {**was, **add}.items() if k not in remove}
    assert {k: now.get(k) for k in wanted} == wanted
    assert {k for k in now if k not in wanted} == set(theirs) - set(before) - set(wanted)
    assert tag_changes(observed=now, desired=wanted) == ({}, ())


def test_a_token_depends_on_everything_it_stands_for():
    base = {
        "catalog": "c",
        "account": "1",
        "region": "r",
        "kind": "k",
        "subject": "s",
        "content": {"a": 1},
    }
    variants = [{**base, name: "other"} for name in ("catalog", "account", "region", "kind")]
    variants += [{**base, "content": {"a": 2}}, {**base, "generation": 1}, base]
    tokens = [token(**v) for v in variants]
    assert len(set(tokens)) == len(variants)
    assert token(**base) == tokens[-1]
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}", t) for t in tokens)


def test_a_template_url_tells_its_digest_and_release():
    key = template_key(
        template="t", version="1.0.0+b", release="v1", digest="d" * 64, sha256="e" * 64
    )
    url = template_url(bucket="b", region="eu-west-1", key=key)
    assert digest_of_template_url(url, template="t", version="1.0.0+b") == ("d" * 64, "v1")
    assert digest_of_template_url(url, template="other", version="1.0.0+b") is None
    assert digest_of_template_url("https://elsewhere/x.yaml", template="t", version="1") is None


def test_policies_that_aws_deems_equal_compare_equal():
    first = {"Statement": [{"Action": ["b", "a"], "Resource": ["x"]}], "Version": "1"}
    second = {"Version": "1", "Statement": {"Resource": "x", "Action": ["a", "b"]}}
    assert canonical(first) == canonical(second)
    assert canonical(first) != canonical({**first, "Version": "2"})


def git(root, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_tree_at_an_annotated_tag_is_a_release(checkout):
    git(checkout, "tag", "-a", "v1.2.0", "-m", "release")
    assert read_release(root=checkout, catalog_url="u", dev=False) == Release(
        tag="v1.2.0", catalog_url="u", updatable=True
    )


def test_anything_else_is_refused_with_what_to_do(checkout, tmp_path_factory):
    with pytest.raises(UncleanTree, match="carries no annotated tag"):
        read_release(root=checkout, catalog_url="u", dev=False)
    git(checkout, "tag", "light")
    with pytest.raises(UncleanTree, match="carries no annotated tag"):
        read_release(root=checkout, catalog_url="u", dev=False)
    (checkout / "file").write_text("2")
    with pytest.raises(UncleanTree, match="uncommitted changes: file") as caught:
        read_release(root=checkout, catalog_url="u", dev=False)
    assert "--dev" in caught.value.next_step
    with pytest.raises(UncleanTree, match="is not a git checkout"):
        read_release(root=tmp_path_factory.mktemp("bare"), catalog_url="u", dev=False)


def test_a_development_version_names_its_commit_and_is_valid_semver(checkout):
    clean = read_release(root=checkout, catalog_url="u", dev=True)
    assert not clean.updatable
    (checkout / "file").write_text("2")
    dirty = read_release(root=checkout, catalog_url="u", dev=True)
    names = [
        artifact_name(version=version, digest="abcdef0123456789", release=release)
        for version in ("1.0.0", "1.0.0-rc.1", "1.0.0+build")
        for release in (clean, dirty)
    ]
    assert all(re.fullmatch(SEMVER, name) for name in names), names
    assert len(set(names)) == len(names)
    assert names[0] == f"1.0.0-dev.g{clean.tag.removeprefix('dev-')}"
    assert names[1].endswith(".dabcdef01")


def test_a_commit_of_digits_only_is_still_valid_semver():
    release = Release(tag="dev-012345678901", catalog_url="u", updatable=False)
    name = artifact_name(version="1.0.0", digest="d" * 64, release=release)
    assert re.fullmatch(SEMVER, name)


def test_a_plan_lists_every_action_after_what_it_needs(hub, make_bundle):
    plan = hub.plan(hub.desired(make_bundle()))
    position = {action.id: i for i, action in enumerate(plan.actions)}
    assert len(position) == len(plan.actions)
    for action in plan.actions:
        assert all(position[need] < position[action.id] for need in action.needs)
    share = next(a for a in plan.actions if a.kind.value == "share.create")
    needed = {plan.actions[position[n]].kind.value for n in share.needs}
    assert {"association.create", "constraint.create", "principal.associate"} <= needed
