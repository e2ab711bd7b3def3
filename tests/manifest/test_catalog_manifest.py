"""catalog.yml and template.yml: what is accepted, and how everything else is reported."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from catalog.errors import InvalidInput
from catalog.manifest import load_all, load_catalog, load_template
from catalog.manifest.schema import SCHEMAS, drifted

ROOT = Path(__file__).parents[2]

VALID = """\
catalog: acme
url: https://github.com/acme/catalog
organization: o-a1b2c3d4e5
hub: {account: "111122223333"}
regions: [eu-west-1, us-east-1]
assets: {bucket_prefix: acme-catalog}
portfolios:
  ml:
    name: ML
    provider: Platform
    templates: [training-pipeline]
    principals: ["arn:aws:iam:::role/*sagemaker*"]
targets:
  - ou: ou-ab12-c3d4e5f6
    portfolios: [ml]
"""


def problems_of(tmp_path: Path, text: str, *, templates=("training-pipeline",)) -> list[str]:
    path = tmp_path / "catalog.yml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_catalog(path=path, templates=templates, shown_as="catalog.yml")
    return [str(p) for p in caught.value.problems]


def test_the_shipped_example_is_valid():
    manifest = load_catalog(path=ROOT / "catalog.yml", templates=["training-pipeline"])
    assert manifest.launch_role_of(portfolio="ml-projects") == "SageMakerCatalogLaunchRole"
    assert manifest.regions_of(target=manifest.targets[0]) == manifest.regions


def test_anchors_and_merge_keys_work(tmp_path):
    text = VALID.replace(
        "targets:\n  - ou: ou-ab12-c3d4e5f6\n    portfolios: [ml]\n",
        "targets:\n  - &t\n    ou: ou-ab12-c3d4e5f6\n    portfolios: [ml]\n"
        "    regions: [eu-west-1]\n"
        "  - <<: *t\n    regions: [us-east-1]\n",
    )
    path = tmp_path / "catalog.yml"
    path.write_text(text)
    manifest = load_catalog(path=path)
    assert [t.regions for t in manifest.targets] == [("eu-west-1",), ("us-east-1",)]
    assert manifest.targets[1].ou == "ou-ab12-c3d4e5f6"


def test_every_problem_is_reported_at_once_with_its_line(tmp_path):
    text = (
        VALID.replace('"111122223333"', "111122223333")
        .replace("us-east-1", "us-esat-1")
        .replace("[training-pipeline]", "[training-pipelin]")
        .replace("ou-ab12-c3d4e5f6", "ou-1")
        .replace("portfolios: [ml]", "portfolios: [mk]")
        .replace("provider: Platform", "provder: Platform")
    )
    found = problems_of(tmp_path, text)
    assert [f.split(" ")[0] for f in found] == [
        f"catalog.yml:{n}" for n in (4, 5, 8, 10, 11, 14, 15)
    ]
    assert 'must be text, not a number (quote it: "111122223333")' in found[0]
    assert "did you mean 'us-east-1'?" in found[1]
    assert "portfolios.ml.provider" in found[2]
    assert "did you mean 'provider'?" in found[3]
    assert "no template is called 'training-pipelin'" in found[4]
    assert "did you mean 'training-pipeline'?" in found[4]
    assert "targets[0].ou" in found[5]
    assert "no portfolio is called 'mk'" in found[6]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("catalog: acme", "catalog: acme\ncatalog: two", "key 'catalog' appears twice"),
        ("catalog: acme", "catalog: Acme ML", "lower-case words"),
        ("url: https", "url: httpx", "is not a URL that git can clone"),
        ("https://github", "https://me:secret@github", "must not carry a password"),
        ('"111122223333"', '"11112222333"', "12-digit account id"),
        ('"111122223333"', "011122223333", None),
        ("o-a1b2c3d4e5", "o-1", "organization id such as"),
        ("[eu-west-1, us-east-1]", "[eu-west-1, eu-west-1]", "'eu-west-1' appears twice"),
        ("[eu-west-1, us-east-1]", "[]", "needs at least 1 entries"),
        ("[eu-west-1, us-east-1]", "[eu-west-1, cn-north-1]", "different partitions"),
        ("[eu-west-1, us-east-1]", "eu-west-1", "must be a list, not text"),
        ("acme-catalog", "Acme_Catalog", "lower-case letters"),
        ("arn:aws:iam:::role/*sagemaker*", "*", "ARN pattern without account id"),
        (
            "arn:aws:iam:::role/*sagemaker*",
            "arn:aws:iam::111122223333:role/x",
            "without account id",
        ),
        ("arn:aws:iam:::role/*sagemaker*", "arn:aws:iam:::ro?e/x", "ARN pattern"),
        ("    portfolios: [ml]", "    portfolios: [ml, ml]", "'ml' appears twice"),
        ("    portfolios: [ml]", "    portfolios: [ml]\n    regions: [eu-west-3]", "no region of"),
        ("ou: ou-ab12-c3d4e5f6", "organization: o-zzzzzzzzzz", "another organization"),
        ("ou: ou-ab12-c3d4e5f6", "x: 1", "exactly one of"),
        (
            "    portfolios: [ml]",
            "    portfolios: [ml]\n    distribution: replicate",
            "not available yet",
        ),
        (
            "    portfolios: [ml]",
            "    portfolios: [ml]\n    distribution: post",
            "one of 'organization'",
        ),
        ("  - ou: ou-ab12-c3d4e5f6", '  - accounts: ["111122223333"]', "name the OU"),
        (
            "  - ou: ou-ab12-c3d4e5f6",
            '  - accounts: ["444455556666"]\n    distribution: account',
            None,
        ),
        (
            "  - ou: ou-ab12-c3d4e5f6",
            '  - accounts: ["111122223333"]\n    distribution: studio-s3',
            "is the hub itself",
        ),
        (
            "    portfolios: [ml]",
            '    portfolios: [ml]\n    exclude: {accounts: ["444455556666"]}',
            "reaches everything below it",
        ),
        (
            "    portfolios: [ml]",
            "    portfolios: [ml]\n    distribution: account\n    exclude: {acounts: []}",
            "did you mean 'accounts'?",
        ),
        (
            "targets:\n",
            "targets:\n  - {ou: ou-ab12-c3d4e5f6, portfolios: [ml], distribution: studio-s3}\n",
            None,
        ),
        ("  ml:\n", "  ml: &a\n", None),
        (
            "targets:\n",
            "targets:\n  - ou: ou-ab12-c3d4e5f6\n    portfolios: [ml]\n",
            "already goes to ou-ab12-c3d4e5f6",
        ),
        ("provider: Platform", "provider: " + "x" * 51, "longer than 50"),
        ("provider: Platform", "tags: {'aws:x': y}", "must not start with 'aws:'"),
        ("provider: Platform", "tags: {'sagemaker:studio-visibility': y}", "by the catalog itself"),
        ("hub: {account", "hub: [{account", "not valid YAML"),
        ("catalog: acme", "catalog: !!python/object:os.system acme", "not used here"),
        ("catalog: acme", "catalog: &a [*a]", "contains itself"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, old, new, expected):
    text = VALID.replace(old, new)
    assert text != VALID
    if expected is None:
        (tmp_path / "catalog.yml").write_text(text)
        assert load_catalog(path=tmp_path / "catalog.yml").catalog == "acme"
        return
    found = problems_of(tmp_path, text)
    assert any(expected in f for f in found), found
    assert all(f.startswith("catalog.yml") for f in found)


def test_more_than_ten_patterns_are_refused(tmp_path):
    patterns = ", ".join(f'"arn:aws:iam:::role/r{i}*"' for i in range(11))
    text = VALID.replace('"arn:aws:iam:::role/*sagemaker*"', patterns)
    assert any("at most 10 entries" in f for f in problems_of(tmp_path, text))


def test_two_portfolios_of_one_name_are_refused(tmp_path):
    other = "other: {name: ML, provider: P, templates: [training-pipeline], principals: []}"
    text = VALID.replace("targets:", f"  {other}\ntargets:")
    assert any("is also that of 'ml'" in f for f in problems_of(tmp_path, text))


@pytest.mark.parametrize(
    "text", ["", "[]", "just text", "a: b: c", "\x00", "--- 1\n--- 2\n", "{" * 1500]
)
def test_anything_but_a_manifest_is_reported(tmp_path, text):
    assert problems_of(tmp_path, text)


def test_missing_and_binary_files_are_reported(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        load_catalog(path=tmp_path / "none.yml")
    (tmp_path / "bin.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load_catalog(path=tmp_path / "bin.yml")


def test_aliases_that_multiply_are_stopped(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert any("expands to more than" in f for f in problems_of(tmp_path, "\n".join(lines)))


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
)
words = st.sampled_from(
    [
        "catalog",
        "url",
        "hub",
        "account",
        "regions",
        "portfolios",
        "targets",
        "ou",
        "ml",
        "principals",
        "templates",
        "assets",
        "tags",
        "distribution",
        "organization",
        "spokes",
        "eu-west-1",
        "111122223333",
    ]
)
documents = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | scalars, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(document=documents)
def test_no_document_ends_in_a_traceback(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "random.yml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(document, stream)
    with pytest.raises(InvalidInput):
        load_catalog(path=path, templates=["ml"])


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_no_text_ends_in_a_traceback(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "random.yml"
    path.write_text(text, newline="")
    with pytest.raises(InvalidInput):
        load_catalog(path=path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_valid_manifest_with_one_value_replaced_never_ends_in_a_traceback(tmp_path_factory, data):
    document = YAML(typ="safe", pure=True).load(VALID)
    node = document
    while True:
        key = data.draw(st.sampled_from(range(len(node)) if isinstance(node, list) else list(node)))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(documents)
        break
    path = tmp_path_factory.getbasetemp() / "mutated.yml"
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(document, stream)
    try:
        load_catalog(path=path, templates=["training-pipeline"])
    except InvalidInput as error:
        problems = error.problems
        assert problems
        assert all(p.where.line for p in problems)


TEMPLATE = """\
name: training-pipeline
title: Training pipeline
summary: Trains a model.
version: 0.1.0
owner: ML Platform
support: {email: ml@acme.example, url: https://acme.example/ml}
"""


def write_template(root: Path, text: str) -> Path:
    folder = root / "templates" / "training-pipeline"
    folder.mkdir(parents=True)
    (folder / "template.yml").write_text(text)
    return folder / "template.yml"


def test_a_template_manifest_loads(tmp_path):
    manifest = load_template(path=write_template(tmp_path, TEMPLATE))
    assert (manifest.version, manifest.support.email) == ("0.1.0", "ml@acme.example")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("version: 0.1.0", "version: 0.1", "must be text, not a number"),
        ("version: 0.1.0", "version: v0.1.0", "must be a semantic version"),
        ("version: 0.1.0", "version: 01.1.0", "must be a semantic version"),
        ("version: 0.1.0", "version: 0.1.0\ndeprecated_versions: [0.1.0]", "listed as deprecated"),
        ("name: training-pipeline", "name: other", "the folder is 'training-pipeline'"),
        ("ml@acme.example", "nobody", "must be an e-mail address"),
        ("https://acme.example/ml", "nowhere", "is not an http(s) URL"),
    ],
)
def test_a_wrong_template_manifest_is_named(tmp_path, old, new, expected):
    path = write_template(tmp_path, TEMPLATE.replace(old, new))
    with pytest.raises(InvalidInput) as caught:
        load_template(path=path)
    assert any(expected in str(p) for p in caught.value.problems), caught.value


def test_problems_of_all_files_come_together(tmp_path):
    write_template(tmp_path, TEMPLATE.replace("0.1.0", "one"))
    (tmp_path / "catalog.yml").write_text(VALID.replace("o-a1b2c3d4e5", "o-1"))
    with pytest.raises(InvalidInput) as caught:
        load_all(root=tmp_path)
    files = {p.where.file for p in caught.value.problems}
    assert files == {"catalog.yml", "templates/training-pipeline/template.yml"}


def test_published_schemas_match_the_models():
    assert drifted(folder=ROOT / "schemas") == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_describe_their_keys_and_close_them(name):
    schema = json.loads((ROOT / "schemas" / name).read_text())
    assert schema["additionalProperties"] is False
    assert all("description" in p or "$ref" in p for p in schema["properties"].values())
