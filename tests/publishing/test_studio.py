"""Templates that Studio reads from S3: what users see there, and what a second run does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bundles.model import Release
from catalog.cli.planning import plan_lines
from catalog.cli.publication import Outlook, Sources
from catalog.errors import VersionConflict
from catalog.localaws.sagemaker_projects.studio import s3_templates
from catalog.manifest import Reach
from catalog.publishing import make_plan
from catalog.publishing.assets import StudioName, read_studio_key

REGION = "eu-west-1"
BUCKET = f"acme-catalog-{REGION}"
LOCATION = "sagemaker:projectS3TemplatesLocation"


class Studio:
    """A hub that serves Studio domains of member accounts."""

    def __init__(self, hub):
        self.hub = hub
        self.members = hub.organization.members
        hub.aws = hub.publisher(
            role_for=lambda a: None if a == hub.account else "OrganizationAccountAccessRole"
        )
        self.s3 = hub.client("s3", region=REGION)

    def domain(self, account, name="studio"):
        made = self.hub.client("sagemaker", account=account, region=REGION).create_domain(
            DomainName=name,
            AuthMode="IAM",
            DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{account}:role/x"},
            SubnetIds=["subnet-1"],
            VpcId="vpc-1",
        )
        return made["DomainArn"]

    def tags(self, account, arn):
        client = self.hub.client("sagemaker", account=account, region=REGION)
        return {t["Key"]: t["Value"] for t in client.list_tags(ResourceArn=arn)["Tags"]}

    def desired(self, *bundles, names=("research",), targets=None, **options):
        accounts = [self.members[name] for name in names]
        s3 = {"accounts": accounts, "portfolios": ["ml"], "distribution": "studio-s3"}
        manifest = self.hub.manifest(regions=[REGION], targets=targets or [s3])
        return self.hub.desired(*bundles, manifest=manifest, **options)

    def visible(self):
        """Return the keys that carry Studio's tag."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="studio/").get("Contents", ())
        return [
            item["Key"]
            for item in listed
            if {"Key": "sagemaker:studio-visibility", "Value": "true"}
            in self.s3.get_object_tagging(Bucket=BUCKET, Key=item["Key"])["TagSet"]
        ]


@pytest.fixture
def studio(hub):
    return Studio(hub)


def test_a_domain_lists_the_template_and_nothing_of_service_catalog_is_made(studio):
    account = studio.members["research"]
    arn = studio.domain(account)
    iam = studio.hub.client("iam", account=account)
    allow = {"Effect": "Allow", "Action": ["s3:*", "sagemaker:ListTags"], "Resource": "*"}
    role = iam.create_role(RoleName="scientist", AssumeRolePolicyDocument=studio.hub.trust)
    iam.put_role_policy(
        RoleName="scientist",
        PolicyName="read",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    plan = studio.hub.publish(studio.desired())
    assert {a.kind.value for a in plan.actions} == {
        "bucket.create",
        "bucket.configure",
        "object.put",
        "domain.tag",
    }
    assert studio.tags(account, arn)[LOCATION] == f"s3://{BUCKET}/studio/ml/"
    session = studio.hub.local.session(account=account, role_arn=role["Role"]["Arn"])
    (template,) = s3_templates(session, domain_arn=arn, region=REGION)
    assert template.name.startswith("train_1.0.0_")
    assert template.url.startswith(f"https://{BUCKET}.s3.{REGION}.amazonaws.com/studio/ml/train_")
    assert studio.hub.client(region=REGION).list_portfolios()["PortfolioDetails"] == []
    (cors,) = studio.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert cors["AllowedOrigins"] == ["https://*.sagemaker.aws"]
    assert set(cors["AllowedMethods"]) == {"GET", "HEAD"}


def test_the_folder_is_open_to_the_organization_and_to_nobody_else(studio):
    studio.hub.publish(studio.desired())
    policy = json.loads(studio.s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    organization = studio.hub.organization.organization_id
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            equal = statement["Condition"]["StringEquals"]
            assert equal == {"aws:PrincipalOrgID": organization}
    stranger = studio.hub.local.session(account="999999999999").client("s3", region_name=REGION)
    (key,) = studio.visible()
    for read in (stranger.get_object, stranger.get_object_tagging):
        with pytest.raises(stranger.exceptions.ClientError, match="AccessDenied"):
            read(Bucket=BUCKET, Key=key)


def test_an_unchanged_publish_changes_nothing(studio):
    studio.domain(studio.members["research"])
    desired = studio.desired()
    studio.hub.publish(desired)
    mark = studio.hub.local.calls.mark()
    assert studio.hub.publish(desired).empty
    assert studio.hub.local.calls.mutating_since(mark) == []


def test_only_the_current_version_is_visible_and_older_ones_stay(studio, make_bundle):
    studio.hub.publish(studio.desired(make_bundle()))
    first = studio.visible()
    plan = studio.hub.publish(studio.desired(make_bundle(version="1.1.0")))
    assert [a.kind.value for a in plan.actions] == ["object.put", "object.put", "object.tag"]
    (now,) = studio.visible()
    assert "_1.1.0_" in now
    assert studio.s3.head_object(Bucket=BUCKET, Key=first[0])
    # Going back shows the older one again, without a copy.
    studio.hub.publish(studio.desired(make_bundle()))
    assert studio.visible() == first


def test_changed_content_without_a_new_version_is_refused(studio, make_bundle):
    studio.hub.publish(studio.desired(make_bundle()))
    with pytest.raises(VersionConflict, match="'train' has changed"):
        studio.hub.plan(studio.desired(make_bundle(content="changed")))


def test_a_later_release_keeps_an_unchanged_template(studio, make_bundle):
    studio.hub.publish(studio.desired(make_bundle()))
    later = Release(tag="v9.0.0", catalog_url="https://github.com/acme/catalog")
    assert studio.hub.plan(studio.desired(make_bundle(), release=later)).empty


def test_drift_is_undone(studio):
    account = studio.members["research"]
    arn = studio.domain(account)
    desired = studio.desired()
    studio.hub.publish(desired)
    (key,) = studio.visible()
    studio.s3.delete_object_tagging(Bucket=BUCKET, Key=key)
    studio.s3.delete_bucket_cors(Bucket=BUCKET)
    client = studio.hub.client("sagemaker", account=account, region=REGION)
    client.add_tags(ResourceArn=arn, Tags=[{"Key": LOCATION, "Value": "s3://elsewhere/"}])
    plan = studio.hub.publish(desired)
    assert {a.kind.value for a in plan.actions} == {"bucket.configure", "object.tag", "domain.tag"}
    assert studio.visible() == [key]
    assert studio.tags(account, arn)[LOCATION] == f"s3://{BUCKET}/studio/ml/"
    assert studio.hub.plan(desired).empty


def test_a_domain_that_somebody_else_has_pointed_elsewhere_is_left_alone(studio):
    account = studio.members["research"]
    arn = studio.domain(account)
    client = studio.hub.client("sagemaker", account=account, region=REGION)
    client.add_tags(ResourceArn=arn, Tags=[{"Key": LOCATION, "Value": "s3://theirs/x/"}])
    desired = studio.desired()
    plan = studio.hub.publish(desired)
    assert studio.tags(account, arn) == {LOCATION: "s3://theirs/x/"}
    assert any("s3://theirs/x/" in note and "left alone" in note for note in plan.notes)
    assert studio.hub.plan(desired).empty


def test_an_account_that_no_target_names_any_more_is_let_go(studio):
    arns = {name: studio.domain(studio.members[name]) for name in ("research", "forecasting")}
    studio.hub.publish(studio.desired(names=("research", "forecasting")))
    narrowed = studio.desired(names=("research",))
    plan = studio.hub.publish(narrowed)
    assert [(a.kind.value, a.destructive) for a in plan.actions] == [
        ("domain.untag", True),
        ("object.delete", True),
    ]
    assert studio.tags(studio.members["forecasting"], arns["forecasting"]) == {}
    assert LOCATION in studio.tags(studio.members["research"], arns["research"])
    assert studio.hub.plan(narrowed).empty


def test_a_change_to_service_catalog_and_back_converges(studio):
    arn = studio.domain(studio.members["research"])
    ou = {"ou": studio.hub.organization.ous["data-science"], "portfolios": ["ml"]}
    studio.hub.publish(studio.desired())
    catalog = studio.desired(targets=[ou])
    studio.hub.publish(catalog)
    assert studio.visible() == []
    assert studio.tags(studio.members["research"], arn) == {}
    with pytest.raises(studio.s3.exceptions.ClientError, match="NoSuchCORSConfiguration"):
        studio.s3.get_bucket_cors(Bucket=BUCKET)
    assert studio.hub.plan(catalog).empty
    both = studio.desired(
        targets=[
            ou,
            {
                "accounts": [studio.members["research"]],
                "portfolios": ["ml"],
                "distribution": "studio-s3",
            },
        ]
    )
    studio.hub.publish(both)
    assert len(studio.visible()) == 1
    assert studio.hub.plan(both).empty


def test_an_account_that_cannot_be_entered_is_named_and_the_others_are_served(studio):
    arn = studio.domain(studio.members["research"])
    closed = studio.members["forecasting"]
    trust = json.loads(studio.hub.trust)
    studio.hub.client("iam", account=closed).update_assume_role_policy(
        RoleName="OrganizationAccountAccessRole", PolicyDocument=json.dumps(trust)
    )
    desired = studio.desired(names=("research", "forecasting"))
    plan = studio.hub.plan(desired)
    assert list(plan.unreachable) == [f"{closed}/{REGION}"]
    report = studio.hub.apply(plan, desired)
    assert not report.succeeded
    rows = {row[0]: row for row in report.table()}
    assert "may not assume" in rows[closed][-1]
    assert LOCATION in studio.tags(studio.members["research"], arn)


def test_accounts_of_an_ou_are_those_that_organizations_names(studio):
    ou = studio.hub.organization.ous["data-science"]
    target = {"ou": ou, "portfolios": ["ml"], "distribution": "studio-s3"}
    account = studio.members["research"]
    arn = studio.domain(account)
    desired = studio.desired(
        targets=[target], reaches=[Reach(accounts=frozenset([account]), units=frozenset([ou]))]
    )
    studio.hub.publish(desired)
    assert LOCATION in studio.tags(account, arn)


def test_the_plan_shows_each_account_with_what_changes_there(studio):
    account = studio.members["research"]
    studio.domain(account)
    desired = studio.desired()
    observed = studio.hub.observe(desired)
    plan = make_plan(desired=desired, observed=observed)
    sources = Sources(
        root=Path(),
        manifest=studio.hub.manifest(),
        release=Release(tag="v1.0.0", catalog_url="https://github.com/acme/catalog"),
        bundles={},
        wheels=(),
        wheels_prefix="wheels",
    )
    outlook = Outlook(desired=desired, roles=(), role_actions=(), plan=plan, observed=observed)
    shown = "\n".join(plan_lines(outlook=outlook, sources=sources))
    _, found, rest = shown.partition(f"[bold]{account} {REGION}[/]")
    assert found
    assert "Studio domain studio" in rest
    assert f"tag {LOCATION}: (absent) -> s3://{BUCKET}/studio/ml/" in rest


words = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", fullmatch=True)


@given(
    folder=words,
    template=words,
    version=st.sampled_from(["1.0.0", "1.0.0-rc.1+b.2", "0.1.0-dev.gabc"]),
    digest=st.text("0123456789abcdef", min_size=16, max_size=16),
)
def test_a_key_tells_what_it_holds(folder, template, version, digest):
    name = StudioName(template=template, version=version, digest=digest, sha256=digest[:12])
    key = name.key(folder=f"studio/{folder}/")
    assert read_studio_key(key) == (f"studio/{folder}/", name)
