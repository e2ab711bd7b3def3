"""How the catalog knows what it owns: tags, and records in descriptions that lists return.

Lists of portfolios and products carry no tags, so each also has a mark in a field that lists do
carry. The mark only says where to look; the tags decide.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from catalog.errors import InvalidInput, Location, Problem

CATALOG_TAG = "sagemaker-catalog:catalog"
PORTFOLIO_TAG = "sagemaker-catalog:portfolio"
TEMPLATE_TAG = "sagemaker-catalog:template"
# Names the tags that came from manifests, so that one taken out of a manifest is removed while
# tags that others have put on a resource stay.
MANAGED_TAG = "sagemaker-catalog:managed-tags"
# SageMaker Developer Guide, "Create Custom Project Templates": what makes Studio list a product.
VISIBILITY_TAG = "sagemaker:studio-visibility"
# The same page, "Using templates from Amazon S3": where a Studio domain looks for templates.
LOCATION_TAG = "sagemaker:projectS3TemplatesLocation"
_OWN_TAGS = frozenset({CATALOG_TAG, PORTFOLIO_TAG, TEMPLATE_TAG, MANAGED_TAG, VISIBILITY_TAG})

_RECORD = "sagemaker-catalog: "
_RETIRED = "retired"
# Service Catalog: a provisioning artifact's description holds 8192 characters.
_ARTIFACT_DESCRIPTION_LIMIT = 8192


@dataclass(frozen=True, kw_only=True)
class ArtifactRecord:
    """What an artifact's description records for machines.

    Attributes:
        catalog: name of the catalog that published it.
        template: folder name of the template.
        version: version in `template.yml`.
        digest: of the bundle.
        release: release tag it was first published with.
        url: of the catalog's repository, for `copier update`.
    """

    catalog: str
    template: str
    version: str
    digest: str
    release: str
    url: str


def portfolio_tags(*, catalog: str, key: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return all tags of a portfolio."""
    return _with_managed({CATALOG_TAG: catalog, PORTFOLIO_TAG: key}, tags, f"portfolio {key}")


def product_tags(*, catalog: str, template: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Return all tags of a product."""
    own = {CATALOG_TAG: catalog, TEMPLATE_TAG: template, VISIBILITY_TAG: "true"}
    return _with_managed(own, tags, f"template {template}")


def tag_changes(
    *, observed: Mapping[str, str], desired: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the tags to set and the keys to remove; tags that others have set are kept."""
    managed = _OWN_TAGS | set(observed.get(MANAGED_TAG, "").split())
    add = {k: v for k, v in desired.items() if observed.get(k) != v}
    remove = tuple(sorted(k for k in observed if k in managed and k not in desired))
    return add, remove


def owns(*, catalog: str, tags: Mapping[str, str]) -> bool:
    """Return whether a resource with these tags belongs to the catalog."""
    return tags.get(CATALOG_TAG) == catalog


def portfolio_description(*, catalog: str, key: str, text: str) -> str:
    """Return a portfolio's description with the catalog's mark as its last line."""
    return f"{text}\n\n{_portfolio_mark(catalog, key)}".strip()


def portfolio_is_marked(*, catalog: str, description: str) -> bool:
    """Return whether a portfolio's description carries the catalog's mark."""
    return f"[sagemaker-catalog {catalog}/" in description


def product_distributor(*, catalog: str) -> str:
    """Return the catalog's mark of products, which is their `Distributor`."""
    return f"sagemaker-catalog {catalog}"


def artifact_description(*, changelog: str, record: ArtifactRecord) -> str:
    """Return the changelog, shortened if need be, and the record as the last line."""
    line = _RECORD + json.dumps(asdict(record), sort_keys=True, separators=(",", ":"))
    room = _ARTIFACT_DESCRIPTION_LIMIT - len(line) - 2
    text = changelog.strip()
    if len(text) > room:
        text = text[: room - 2].rstrip() + " …"
    return f"{text}\n\n{line}" if text else line


def artifact_record(description: str) -> ArtifactRecord | None:
    """Return the record of an artifact's description, or None if it carries none."""
    found = _record(description)
    names = ArtifactRecord.__dataclass_fields__
    if found is None or set(names) - set(found):
        return None
    return ArtifactRecord(**{name: found[name] for name in names})


def is_retired(description: str) -> bool:
    """Return whether an artifact's record says that its version was retired."""
    found = _record(description)
    return bool(found and found.get(_RETIRED))


def retired_description(description: str, *, day: str) -> str:
    """Return an artifact's description with the day of its retirement in the record.

    Without it the next publish would set the guidance back.

    Args:
        description: one that carries a record.
        day: ISO date.
    """
    record = json.dumps(
        {**(_record(description) or {}), _RETIRED: day}, sort_keys=True, separators=(",", ":")
    )
    text = description.rpartition(_RECORD)[0].rstrip()
    room = _ARTIFACT_DESCRIPTION_LIMIT - len(_RECORD) - len(record) - 2
    return f"{text[:room]}\n\n{_RECORD}{record}".lstrip()


def constraint_parameters(*, role: str) -> str:
    """Return a launch constraint's parameters: launch as the role of that name in the account."""
    return json.dumps({"LocalRoleName": role}, separators=(",", ":"))


def constraint_description(*, catalog: str, role: str) -> str:
    """Return a launch constraint's description, which records a hash of its parameters."""
    record = {"catalog": catalog, "hash": _short_hash(constraint_parameters(role=role))}
    line = _RECORD + json.dumps(record, sort_keys=True, separators=(",", ":"))
    return f"Launch as local role {role}\n\n{line}"


def same_parameters(first: str, second: str) -> bool:
    """Return whether two constraint parameter texts mean the same."""
    try:
        return bool(json.loads(first) == json.loads(second))
    except ValueError:
        return first == second


def _record(description: str) -> dict[str, str] | None:
    matches = re.findall(rf"^{re.escape(_RECORD)}(\{{.*\}})$", description, flags=re.MULTILINE)
    if not matches:
        return None
    try:
        found = json.loads(matches[-1])
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        return None
    return found


def _portfolio_mark(catalog: str, key: str) -> str:
    return f"[sagemaker-catalog {catalog}/{key}]"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _with_managed(own: Mapping[str, str], tags: Mapping[str, str], what: str) -> dict[str, str]:
    if not tags:
        return dict(own)
    managed = " ".join(sorted(tags))
    if len(managed) > 256:
        message = f"the tag names of {what} are {len(managed)} characters together, 256 at most"
        raise InvalidInput([Problem(message=message, where=Location())])
    return {**own, **tags, MANAGED_TAG: managed}
