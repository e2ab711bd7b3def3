"""A data scientist starts a project from a template in S3: made by the passed role, and seeded."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tiny_catalogs import commit_all, template_files, write_tree

from catalog.bundles.build import build_bundle
from catalog.bundles.front_door import reduced_copier_yml
from catalog.bundles.model import Asset, Release
from catalog.bundles.wheels import build_wheel_set, host_wheel_set, wheel_set_key, wheels_prefix
from catalog.localaws.sagemaker_projects.studio import s3_templates
from catalog.publishing import desired_state
from catalog.spokes.roles import StudioRoles, roles_template
from catalog.spokes.rollout import apply_roles, observe_roles, plan_roles

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
RELEASE = Release(tag="v1.2.3", catalog_url="https://git.example.com/platform/catalog.git")
STUDIO = StudioRoles(
    launch_role="StudioLaunch", use_policy="StudioUse", bucket_prefix="acme-catalog"
)


@pytest.fixture
def bundle(tmp_path):
    root = write_tree(tmp_path / "catalog", template_files("flights"))
    (root / "copier.yml").write_text(reduced_copier_yml(root=root, template="flights"))
    commit_all(root, tag=RELEASE.tag)
    return build_bundle(root=root, template="flights")


def wheels():
    tag, platform = host_wheel_set()
    archive = build_wheel_set(python_tag=tag, platform=platform, cache_dir=ROOT / ".cache")
    content = archive.read_bytes()
    key = wheel_set_key(python_tag=tag, platform=platform)
    return Asset(key=key, sha256=sha256(content).hexdigest(), content=content)


@pytest.mark.slow
def test_a_project_from_s3_is_launched_by_the_passed_role_and_seeded(hub, bundle):
    account = hub.organization.members["research"]
    aws = hub.publisher(
        role_for=lambda a: None if a == hub.account else "OrganizationAccountAccessRole"
    )
    admin = hub.local.session(account=account, region=REGION)
    domain = admin.client("sagemaker").create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{account}:role/scientist"},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
    )["DomainArn"]
    manifest = hub.manifest(
        regions=[REGION],
        portfolios={
            "ml": {"name": "ML", "provider": "P", "templates": ["flights"], "principals": []}
        },
        targets=[{"accounts": [account], "portfolios": ["ml"], "distribution": "studio-s3"}],
    )
    desired = desired_state(
        manifest=manifest,
        bundles={"flights": bundle},
        release=RELEASE,
        wheels=[wheels()],
        wheels_prefix=wheels_prefix(),
    )
    roles = roles_template(launch_role="Launch", studio=STUDIO)
    place = {"aws": aws, "region": REGION, "catalog": "acme", "template": roles}
    assert (
        apply_roles(actions=plan_roles(observe_roles(accounts=[account], **place)), **place) == {}
    )
    hub.publish(desired, aws=aws)

    iam = admin.client("iam")
    trust = hub.trust.replace("servicecatalog", "sagemaker")
    scientist = iam.create_role(RoleName="scientist", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = f"arn:aws:iam::{account}:policy/{STUDIO.use_policy}"
    iam.attach_role_policy(RoleName="scientist", PolicyArn=policy)
    session = hub.local.session(account=account, region=REGION, role_arn=scientist)
    (template,) = s3_templates(session, domain_arn=domain, region=REGION)

    sagemaker = session.client("sagemaker")
    provider = {"TemplateName": "flights", "TemplateURL": template.url}
    launch = {"RoleARN": f"arn:aws:iam::{account}:role/{STUDIO.launch_role}"}

    def ended(name):
        found = {}

        def over():
            found.update(sagemaker.describe_project(ProjectName=name))
            return not found["ProjectStatus"].endswith("InProgress")

        assert hub.local.wait(over, 90)
        return found

    made = sagemaker.create_project(
        ProjectName="Late-Flights",
        TemplateProviders=[{"CfnTemplateProvider": {**provider, **launch}}],
    )
    project = ended("Late-Flights")
    assert project["ProjectStatus"] == "CreateCompleted", json.dumps(project, default=str)
    repository = f"sagemaker-Late-Flights-{made['ProjectId']}"
    answers = admin.client("codecommit").get_file(
        repositoryName=repository, filePath=".copier-answers.yml"
    )
    assert "project_name: Late-Flights" in answers["fileContent"].decode()

    # Without the role it is the scientist's own rights that count, and they are not enough.
    sagemaker.create_project(
        ProjectName="Bare", TemplateProviders=[{"CfnTemplateProvider": provider}]
    )
    assert ended("Bare")["ProjectStatus"] == "CreateFailed"
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("sts").assume_role(RoleArn=launch["RoleARN"], RoleSessionName="me")
