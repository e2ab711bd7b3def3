"""What a template becomes: the values that bundling, publishing and the fleet exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PLACEHOLDER_RELEASE_TAG = "__CATALOG_RELEASE_TAG__"
PLACEHOLDER_CATALOG_URL = "__CATALOG_URL__"
PLACEHOLDER_ASSETS_BUCKET_PREFIX = "__CATALOG_ASSETS_BUCKET_PREFIX__"
PLACEHOLDER_WHEELS_PREFIX = "__CATALOG_WHEELS_PREFIX__"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A CloudFormation parameter, derived from a template question.

    Attributes:
        name: CloudFormation logical name (`ProblemType` for `problem_type`).
        question: the question it came from; None for SageMaker's own two and for those that the
            product adds (repository provider, connection, permissions boundary).
        default: the default; empty where the question's default is computed.
        allowed_values: choices, empty when free text.
        allowed_pattern: anchored regular expression, or None.
        description: the question's help.
        group: heading in `AWS::CloudFormation::Interface`.
    """

    name: str
    question: str | None
    default: str | None
    allowed_values: tuple[str, ...] = ()
    allowed_pattern: str | None = None
    description: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file that the CloudFormation template refers to by its content-addressed key.

    Attributes:
        key: S3 key, which contains `sha256`; the same in every region and organisation.
        sha256: lower-case hex digest of `content`.
    """

    key: str
    sha256: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Release:
    """Where a bundle is published from; metadata of the artifact, not of the digest.

    Attributes:
        tag: the catalog's annotated release tag, or `dev-<commit>` for `--dev`.
        catalog_url: public URL of the catalog's repository.
        updatable: False for `--dev`: `copier update` has no tag to start from.
    """

    tag: str
    catalog_url: str
    updatable: bool = True


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A template, ready to publish. Same commit, same bytes, same digest, on any machine.

    Attributes:
        template: folder name under `templates/`.
        version: SemVer from `template.yml`.
        digest: lower-case hex sha256 over the canonical template and every asset.
        cloudformation: canonical YAML, with the PLACEHOLDER_* strings still in it.
        changelog: the CHANGELOG.md entry of this version, as Markdown.
        support: mapping with `description`, `email`, `url`; any may be missing.
    """

    template: str
    version: str
    digest: str
    cloudformation: str = field(repr=False)
    assets: tuple[Asset, ...] = field(repr=False)
    parameters: tuple[Parameter, ...]
    title: str
    summary: str
    owner: str
    changelog: str = ""
    support: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    deprecated_versions: tuple[str, ...] = ()

    def filled(self, *, release: Release, assets_bucket_prefix: str, wheels_prefix: str) -> str:
        """Return the CloudFormation YAML of one published artifact.

        Args:
            release: the tag and URL that repos of this artifact will record.
            assets_bucket_prefix: buckets are named `<prefix>-<region>`; the template appends
                `-${AWS::Region}` itself, so one body serves every region.
            wheels_prefix: key prefix of the wheel sets (`wheels/<lock sha256>`).
        """
        text = self.cloudformation
        for placeholder, value in (
            (PLACEHOLDER_RELEASE_TAG, release.tag),
            (PLACEHOLDER_CATALOG_URL, release.catalog_url),
            (PLACEHOLDER_ASSETS_BUCKET_PREFIX, assets_bucket_prefix),
            (PLACEHOLDER_WHEELS_PREFIX, wheels_prefix),
        ):
            text = text.replace(placeholder, value)
        return text


Route = Literal["service-catalog", "studio-s3"]
