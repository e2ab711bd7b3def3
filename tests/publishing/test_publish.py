"""Publishing to an organization: what users then see, and what a second run does."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace

import pytest

from catalog.bundles.model import Release
from catalog.errors import ForeignResource, InvalidInput, StalePlan, VersionConflict
from catalog.publishing import (
    PlanOptions,
    apply_plan,
    check_fresh,
    make_plan,
    plan_to_dict,
    plan_to_json,
    read_plan,
)


def products_of(hub, region=""):
    """Return the hub's products by name, with their tags and artifacts."""
    client = hub.client(region=region)
    found = {}
    for view in client.search_products_as_admin()["ProductViewDetails"]:
        product = view["ProductViewSummary"]["ProductId"]
        detail = client.describe_product_as_admin(Id=product)
        artifacts = client.list_provisioning_artifacts(ProductId=product)
        found[view["ProductViewSummary"]["Name"]] = {
            "id": product,
            "summary": detail["ProductViewDetail"]["ProductViewSummary"],
            "tags": {t["Key"]: t["Value"] for t in detail["Tags"]},
            "artifacts": {a["Name"]: a for a in artifacts["ProvisioningArtifactDetails"]},
        }
    return found


def only_portfolio(hub, region=""):
    (portfolio,) = hub.client(region=region).list_portfolios()["PortfolioDetails"]
    return portfolio


def test_members_of_the_ou_see_the_product_that_studio_lists(hub):
    member = hub.organization.members["research"]
    role = f"arn:aws:iam::{member}:role/AmazonSageMaker-sagemaker-role"
    hub.client("iam", account=member).create_role(
        RoleName="AmazonSageMaker-sagemaker-role",
        AssumeRolePolicyDocument=hub.trust,
    )
    allow = {"Effect": "Allow", "Action": "servicecatalog:*", "Resource": "*"}
    hub.client("iam", account=member).put_role_policy(
        RoleName="AmazonSageMaker-sagemaker-role",
        PolicyName="use",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    hub.publish(hub.desired())
    for region in hub.organization.regions:
        scientist = hub.local.session(account=member, role_arn=role)
        client = scientist.client("servicecatalog", region_name=region)
        (view,) = client.search_products()["ProductViewSummaries"]
        assert view["Name"] == "Train"
        product = hub.client(region=region).describe_product_as_admin(Id=view["ProductId"])
        tags = {t["Key"]: t["Value"] for t in product["Tags"]}
        assert tags["sagemaker:studio-visibility"] == "true"
        assert tags["kind"] == "train"


def test_the_artifact_records_where_it_came_from(hub, make_bundle):
    bundle = make_bundle()
    hub.publish(hub.desired(bundle))
    artifact = products_of(hub)["Train"]["artifacts"]["1.0.0"]
    text, _, record = artifact["Description"].rpartition("sagemaker-catalog: ")
    assert text.startswith("## 1.0.0\n\n- Works.")
    assert json.loads(record) == {
        "catalog": "acme",
        "template": "train",
        "version": "1.0.0",
        "digest": bundle.digest,
        "release": "v1.0.0",
        "url": "https://github.com/acme/catalog",
    }


def test_the_assets_bucket_is_closed_to_the_world_and_open_to_the_organization(hub):
    hub.publish(hub.desired())
    for region in hub.organization.regions:
        s3, bucket = hub.client("s3", region=region), f"acme-catalog-{region}"
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(block.values()) == {True}
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        deny, allow = policy["Statement"]
        assert (deny["Effect"], deny["Condition"]) == (
            "Deny",
            {"Bool": {"aws:SecureTransport": "false"}},
        )
        assert allow["Condition"] == {
            "StringEquals": {"aws:PrincipalOrgID": hub.organization.organization_id}
        }
        assert {a.split(":")[1] for a in allow["Action"]} == {"GetObject", "GetObjectTagging"}
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert [k.split("/")[0] for k in keys] == ["products", "seeds"]
        tags = s3.get_object_tagging(Bucket=bucket, Key=keys[0])["TagSet"]
        assert tags == [{"Key": "servicecatalog:provisioning", "Value": "true"}]
        body = s3.get_object(Bucket=bucket, Key=keys[0])["Body"].read().decode()
        assert "v1.0.0 https://github.com/acme/catalog" in body
        assert "__CATALOG" not in body


def test_an_unchanged_publish_changes_nothing_and_reads_little(hub, make_bundle):
    bundles = [make_bundle(f"t{i}") for i in range(5)]
    portfolios = {
        key: {
            "name": key,
            "provider": "P",
            "templates": [b.template for b in bundles],
            "principals": ["arn:aws:iam:::role/*sagemaker*"],
        }
        for key in ("ml", "research")
    }
    manifest = hub.manifest(
        portfolios=portfolios,
        targets=[{"ou": hub.organization.ous["data-science"], "portfolios": ["ml", "research"]}],
    )
    desired = hub.desired(*bundles, manifest=manifest)
    hub.publish(desired)
    publisher = hub.publisher()
    assert hub.publish(desired, aws=publisher).empty
    assert publisher.mutating_calls() == {}
    per_region = Counter(
        operation
        for (_, region, service, operation), count in publisher.calls.items()
        for _ in range(count)
        if region == "eu-west-1" and service == "servicecatalog"
    )
    assert per_region == {
        "DescribeProductAsAdmin": len(bundles),
        "ListProvisioningArtifacts": len(bundles),
        "DescribeConstraint": len(bundles) * len(portfolios),
        "ListPortfolios": 1,
        "SearchProductsAsAdmin": 1 + len(portfolios),
        "DescribePortfolio": len(portfolios),
        "ListConstraintsForPortfolio": len(portfolios),
        "ListPrincipalsForPortfolio": len(portfolios),
        "DescribePortfolioShares": 3 * len(portfolios),
    }
    fast = hub.publisher()
    assert hub.plan(desired, aws=fast, fast=True).empty
    assert not [key for key in fast.calls if key[3] == "DescribeConstraint"]


def test_a_new_version_is_added_beside_the_old_one(hub, make_bundle):
    hub.publish(hub.desired(make_bundle()))
    first = products_of(hub)["Train"]
    later = Release(tag="v1.1.0", catalog_url="https://github.com/acme/catalog")
    plan = hub.publish(hub.desired(make_bundle(version="1.1.0"), release=later))
    assert Counter(a.kind.value for a in plan.actions) == {
        "object.put": 4,
        "artifact.create": 2,
    }
    second = products_of(hub)["Train"]
    assert second["id"] == first["id"]
    assert second["artifacts"]["1.0.0"] == first["artifacts"]["1.0.0"]
    assert '"release":"v1.1.0"' in second["artifacts"]["1.1.0"]["Description"]


def test_an_unchanged_template_keeps_the_release_it_was_first_published_with(hub, make_bundle):
    hub.publish(hub.desired(make_bundle()))
    later = Release(tag="v9.0.0", catalog_url="https://github.com/acme/catalog")
    assert hub.plan(hub.desired(make_bundle(), release=later)).empty


def test_changed_content_without_a_new_version_is_refused(hub, make_bundle):
    hub.publish(hub.desired(make_bundle()))
    publisher = hub.publisher()
    with pytest.raises(VersionConflict, match=r"'train' has changed but its version 1\.0\.0") as e:
        hub.publish(hub.desired(make_bundle(content="changed")), aws=publisher)
    assert "Bump version" in e.value.next_step
    assert publisher.mutating_calls() == {}


def test_a_development_release_publishes_once_per_content(hub, make_bundle):
    dev = Release(tag="dev-0123456789ab", catalog_url="u", updatable=False)
    hub.publish(hub.desired(make_bundle(), release=dev))
    assert list(products_of(hub)["Train"]["artifacts"]) == ["1.0.0-dev.g0123456789ab"]
    next_commit = Release(tag="dev-aaaaaaaaaaaa", catalog_url="u", updatable=False)
    assert hub.plan(hub.desired(make_bundle(), release=next_commit)).empty
    changed = hub.desired(make_bundle(content="changed"), release=next_commit)
    assert [a.kind.value for a in hub.publish(changed).actions].count("artifact.create") == 2


def test_a_deprecated_version_is_marked(hub, make_bundle):
    hub.publish(hub.desired(make_bundle()))
    hub.publish(hub.desired(make_bundle(version="2.0.0", deprecated_versions=("1.0.0",))))
    artifacts = products_of(hub)["Train"]["artifacts"]
    assert (artifacts["1.0.0"]["Guidance"], artifacts["1.0.0"]["Active"]) == ("DEPRECATED", True)
    assert artifacts["2.0.0"].get("Guidance", "DEFAULT") == "DEFAULT"


def test_drift_of_the_bucket_is_undone(hub):
    desired = hub.desired()
    hub.publish(desired)
    s3, bucket = hub.client("s3"), "acme-catalog-eu-west-1"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    seed = desired.regions["eu-west-1"].objects[0].key
    s3.delete_object(Bucket=bucket, Key=seed)
    plan = hub.publish(desired)
    assert {a.kind.value for a in plan.actions} == {"bucket.configure", "object.put"}
    changed = {c.attribute for a in plan.actions for c in a.changes}
    assert changed == {"versioning", "policy", "public-access-block"}
    assert hub.plan(desired).empty


def test_flags_of_a_share_are_restored_and_unnamed_shares_are_withdrawn(hub):
    desired = hub.desired()
    hub.publish(desired)
    client, portfolio = hub.client(), only_portfolio(hub)["Id"]
    ou = {"Type": "ORGANIZATIONAL_UNIT", "Value": hub.organization.ous["data-science"]}
    token = client.update_portfolio_share(
        PortfolioId=portfolio, OrganizationNode=ou, SharePrincipals=False
    )["PortfolioShareToken"]
    hub.local.wait(
        lambda: (
            client.describe_portfolio_share_status(PortfolioShareToken=token)["Status"]
            == "COMPLETED"
        )
    )
    client.create_portfolio_share(
        PortfolioId=portfolio, AccountId=hub.organization.members["staging"]
    )
    plan = hub.publish(desired)
    assert [a.kind.value for a in plan.actions] == ["share.update", "share.delete"]
    assert [a.destructive for a in plan.actions] == [False, True]
    assert hub.plan(desired).empty


def test_tags_that_others_set_stay_and_tags_taken_out_of_the_manifest_go(hub, make_bundle):
    hub.publish(hub.desired())
    product = products_of(hub)["Train"]["id"]
    hub.client().update_product(Id=product, AddTags=[{"Key": "cost-center", "Value": "7"}])
    hub.publish(hub.desired(make_bundle(tags={"stage": "beta"})))
    tags = products_of(hub)["Train"]["tags"]
    assert (tags["cost-center"], tags["stage"]) == ("7", "beta")
    assert "kind" not in tags


def test_a_template_withdrawn_from_a_portfolio_is_kept_for_its_projects(hub, make_bundle):
    two = hub.manifest(
        portfolios={
            "ml": {
                "name": "ML",
                "provider": "P",
                "templates": ["train", "batch"],
                "principals": [],
            }
        }
    )
    bundles = (make_bundle(), make_bundle("batch"))
    hub.publish(hub.desired(*bundles, manifest=two))
    one = hub.manifest(
        portfolios={"ml": {"name": "ML", "provider": "P", "templates": ["train"], "principals": []}}
    )
    desired = hub.desired(*bundles, manifest=one)
    plan = hub.publish(desired)
    assert Counter(a.kind.value for a in plan.actions) == {
        "constraint.delete": 2,
        "association.delete": 2,
    }
    assert "Batch" in products_of(hub)
    again = hub.plan(desired)
    assert again.empty
    assert any('"Batch"' in note and "kept for the projects" in note for note in again.notes)
    unused = frozenset(
        products_of(hub, region)["Batch"]["id"] for region in hub.organization.regions
    )
    prune = make_plan(
        desired=desired,
        observed=hub.observe(desired),
        options=PlanOptions(unused_products=unused),
    )
    assert [a.kind.value for a in prune.actions] == ["product.delete"] * 2
    hub.apply(prune, desired).raise_for_failure()
    assert "Batch" not in products_of(hub)


def test_a_portfolio_that_leaves_a_region_is_taken_down_there_only(hub):
    hub.publish(hub.desired())
    manifest = hub.manifest()
    target = manifest.targets[0].model_dump(exclude_none=True, mode="json")
    narrowed = hub.manifest(targets=[{**target, "regions": ["us-east-1"]}])
    desired = hub.desired(manifest=narrowed)
    hub.publish(desired)
    assert hub.client(region="eu-west-1").list_portfolios()["PortfolioDetails"] == []
    assert only_portfolio(hub, "us-east-1")["DisplayName"] == "ML"
    assert hub.plan(desired).empty


def test_foreign_portfolios_and_products_are_left_alone(hub):
    client = hub.client()
    foreign = client.create_portfolio(DisplayName="ML", ProviderName="someone")["PortfolioDetail"]
    other = client.create_portfolio(
        DisplayName="Theirs",
        ProviderName="someone",
        Tags=[{"Key": "sagemaker-catalog:catalog", "Value": "other-catalog"}],
    )["PortfolioDetail"]
    desired = hub.desired()
    plan = hub.publish(desired)
    assert any('another portfolio "ML"' in note for note in plan.notes)
    found = {p["Id"]: p for p in client.list_portfolios()["PortfolioDetails"]}
    assert len(found) == 3
    assert (found[foreign["Id"]], found[other["Id"]]) == (foreign, other)
    assert hub.plan(desired).empty


def test_a_portfolio_is_adopted_only_when_named(hub):
    client = hub.client()
    theirs = client.create_portfolio(
        DisplayName="ML",
        ProviderName="someone",
        Tags=[{"Key": "sagemaker-catalog:portfolio", "Value": "ml"}],
    )["PortfolioDetail"]["Id"]
    desired = hub.desired()
    plan = hub.plan(desired, adopt=frozenset({theirs}))
    hub.apply(plan, desired).raise_for_failure()
    assert only_portfolio(hub)["Id"] == theirs
    assert hub.plan(desired).empty


def test_a_stackset_constraint_in_the_way_is_named(hub):
    desired = hub.desired()
    hub.publish(desired)
    observed = hub.observe(desired)
    seen = observed.regions["eu-west-1"]
    (portfolio,) = seen.portfolios
    stackset = replace(portfolio.constraints[0], type="STACKSET")
    changed = replace(seen, portfolios=(replace(portfolio, constraints=(stackset,)),))
    regions = {**observed.regions, "eu-west-1": changed}
    with pytest.raises(ForeignResource, match="STACKSET constraint"):
        make_plan(desired=desired, observed=replace(observed, regions=regions))


def test_a_version_that_somebody_else_published_is_in_the_way(hub, make_bundle):
    hub.publish(hub.desired())
    product = products_of(hub)["Train"]["id"]
    hub.client().create_provisioning_artifact(
        ProductId=product,
        Parameters={
            "Name": "2.0.0",
            "Info": {"LoadTemplateFromURL": "https://s3.amazonaws.com/" + key_of_template(hub)},
            "Type": "CLOUD_FORMATION_TEMPLATE",
        },
    )
    with pytest.raises(ForeignResource, match=r"version 2\.0\.0 .* was not published by this"):
        hub.plan(hub.desired(make_bundle(version="2.0.0")))


def key_of_template(hub) -> str:
    bucket = "acme-catalog-eu-west-1"
    listed = hub.client("s3").list_objects_v2(Bucket=bucket, Prefix="products/")
    return f"{bucket}/{listed['Contents'][0]['Key']}"


def test_a_saved_plan_is_applied_as_it_was_shown(hub, tmp_path):
    desired = hub.desired()
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(hub.plan(desired)))
    saved = read_plan(path)
    observed = hub.observe(desired)
    current = make_plan(desired=desired, observed=observed)
    check_fresh(saved=saved, current=current, observed=observed)
    hub.apply(saved, desired).raise_for_failure()
    assert hub.plan(desired).empty
    observed = hub.observe(desired)
    current = make_plan(desired=desired, observed=observed)
    with pytest.raises(StalePlan, match="AWS has changed"):
        check_fresh(saved=saved, current=current, observed=observed)


def test_a_saved_plan_of_other_templates_is_refused(hub, make_bundle):
    saved = hub.plan(hub.desired())
    other = hub.desired(make_bundle(content="changed"))
    observed = hub.observe(other)
    current = make_plan(desired=other, observed=observed)
    with pytest.raises(StalePlan, match="the templates have changed"):
        check_fresh(saved=saved, current=current, observed=observed)
    report = hub.apply(saved, other)
    assert {type(e) for e in report.errors.values()} == {StalePlan}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}', "\x00"])
def test_a_file_that_is_no_plan_is_refused(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InvalidInput, match="is not a saved plan"):
        read_plan(tmp_path / "plan.json")


def test_a_plan_holds_no_content_and_survives_json(hub):
    desired = hub.desired()
    plan = hub.plan(desired)
    text = plan_to_json(plan)
    assert json.loads(text) == json.loads(json.dumps(plan_to_dict(plan)))
    assert "AWSTemplateFormatVersion" not in text


def test_a_publish_that_is_told_to_stop_reports_what_is_left(hub):
    desired = hub.desired()
    plan = hub.plan(desired)
    stop = threading.Event()
    steps = []

    def progress(step):
        steps.append(step)
        if step.state == "done":
            stop.set()

    report = apply_plan(
        plan=plan, aws=hub.aws, contents=desired.contents, progress=progress, stop=stop, workers=1
    )
    assert report.interrupted
    assert list(report.states.values()).count("done") == 1
    hub.publish(desired)
    assert hub.plan(desired).empty
