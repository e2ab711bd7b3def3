"""Whether every account can start a project, and what to do where it cannot. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from catalog.publishing import ownership
from catalog.publishing.assets import canonical
from catalog.publishing.observed import ObservedPortfolio, ObservedRegion
from catalog.publishing.quotas import usages
from catalog.spokes.facts import (
    Account,
    Document,
    Expectation,
    ExpectedRole,
    Facts,
    LaunchRole,
    Place,
    SeenPortfolio,
)

_SERVICE_CATALOG = "servicecatalog.amazonaws.com"
_SAGEMAKER = "sagemaker.amazonaws.com"
_PUBLISH = "Run publish-catalog."


class Check(StrEnum):
    """What was looked at."""

    ORGANISATION_ACCESS = "organisation-access"
    DELEGATED_ADMINISTRATOR = "delegated-administrator"
    TARGETS = "targets"
    ACCOUNT_REACHABLE = "account-reachable"
    LAUNCH_ROLE = "launch-role"
    LAUNCH_ROLE_TRUST = "launch-role-trust"
    LAUNCH_ROLE_POLICY = "launch-role-policy"
    PERMISSIONS_BOUNDARY = "permissions-boundary"
    PUBLISHED = "published"
    SHARE = "share"
    PRINCIPAL = "principal"
    LAUNCH_PATH = "launch-path"
    STUDIO_TAG = "studio-tag"
    ASSETS = "assets"
    ENCRYPTION_KEY = "encryption-key"
    QUOTA = "quota"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that keeps, or will soon keep, people from starting projects.

    Attributes:
        account: where.
        region: where; None for what is the same in every region.
        message: what is wrong.
        fix: what to do about it.
        blocking: False where projects can still be started.
    """

    check: Check
    account: str
    region: str | None
    message: str
    fix: str
    blocking: bool = True


_Report = Callable[[Check, str, str], Finding]


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """How one portfolio reaches one account in one region.

    Attributes:
        roles: ARNs of the execution roles that may start projects from it.
        findings: of this account and region; also of the account, when they hold everywhere.
    """

    account: str
    region: str
    portfolio: str
    roles: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether projects can be started here."""
        return not any(finding.blocking for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All findings, and the readiness of each account, region and portfolio."""

    findings: tuple[Finding, ...]
    readiness: tuple[Readiness, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing keeps anybody from starting a project."""
        return not any(finding.blocking for finding in self.findings)


def diagnose(facts: Facts) -> Diagnosis:
    """Return what stands in the way, for the organisation, the hub and each account and region."""
    general = [*_organisation(facts), *_hub(facts)]
    by_account = {name: tuple(_account(facts, seen)) for name, seen in facts.accounts.items()}
    by_place = {key: list(_place(facts, place)) for key, place in facts.places.items()}
    readiness = []
    for expected in facts.expectations:
        place = (expected.account, expected.region)
        roles, findings = _reach(facts, expected)
        by_place[place] += findings
        readiness.append((expected, roles, (*general, *by_account[expected.account], *findings)))
    findings = [
        *general,
        *(finding for found in by_account.values() for finding in found),
        *(finding for found in by_place.values() for finding in found),
    ]
    return Diagnosis(
        findings=tuple(dict.fromkeys(findings)),
        readiness=tuple(
            Readiness(
                account=expected.account,
                region=expected.region,
                portfolio=expected.portfolio,
                roles=roles,
                findings=tuple(
                    dict.fromkeys(
                        f
                        for f in (*found, *by_place[expected.account, expected.region])
                        if f.region in (None, expected.region)
                    )
                ),
            )
            for expected, roles, found in readiness
        ),
    )


def matches(*, pattern: str, arn: str) -> bool:
    """Return whether a principal, or a pattern without account id, covers a role.

    `*` stands for any number of characters, `/` included, and `?` for none or one
    (API Reference, AssociatePrincipalWithPortfolio).
    """
    if ":iam:::" not in pattern:
        return pattern == arn
    expression = "".join({"*": ".*", "?": ".?"}.get(c, re.escape(c)) for c in pattern)
    return bool(re.fullmatch(expression, re.sub(r":iam::\d{12}:", ":iam:::", arn)))


def trusted(trust: Document) -> frozenset[str]:
    """Return everyone whom a trust policy lets assume the role: services, ARNs, `*`."""
    found: set[str] = set()
    for statement in _list(trust.get("Statement", ())):
        if statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal", {})
        if isinstance(principal, str):
            found.add(principal)
        else:
            found.update(name for names in principal.values() for name in _list(names))
    return frozenset(found)


def _organisation(facts: Facts) -> Iterator[Finding]:
    seen = facts.organisation
    hub = facts.hub
    administers = hub == seen.management or hub in (seen.administrators or ())
    # Only an administrator may ask for it.
    if seen.access != "ENABLED" and (seen.access or administers):
        state = f"is {seen.access.lower()}" if seen.access else "cannot be read from the hub"
        yield Finding(
            check=Check.ORGANISATION_ACCESS,
            account=hub,
            region=None,
            message=f"Service Catalog's access to the organisation {state}",
            fix="In the management account: aws servicecatalog enable-aws-organizations-access",
        )
    if not administers:
        yield Finding(
            check=Check.DELEGATED_ADMINISTRATOR,
            account=hub,
            region=None,
            message="the hub is not a delegated administrator of Service Catalog",
            fix="In the management account: aws organizations register-delegated-administrator "
            f"--account-id {hub} --service-principal {_SERVICE_CATALOG}",
        )
    if seen.targets_error:
        yield Finding(
            check=Check.TARGETS,
            account=hub,
            region=None,
            message=f"the accounts of the targets cannot be listed: {seen.targets_error.message}",
            fix=seen.targets_error.next_step or "Let the hub read AWS Organizations.",
        )


def _hub(facts: Facts) -> Iterator[Finding]:
    for name, error in facts.observed.failures.items():
        # A region of the hub, or `account/region`.
        account, _, region = name.rpartition("/")
        yield _unreadable(account or facts.hub, region, error.message, error.next_step)
    for seen in facts.observed.regions.values():
        for usage in usages(seen):
            if usage.nearly_full:
                yield Finding(
                    check=Check.QUOTA,
                    account=facts.hub,
                    region=usage.region,
                    message=f"{usage.what}: {usage.used} of {usage.quota} (AWS's default quota)",
                    fix="Retire and delete what nobody uses, or ask for more in Service Quotas.",
                    blocking=False,
                )


def _account(facts: Facts, seen: Account) -> Iterator[Finding]:
    if seen.error:
        yield _unreadable(seen.account, None, seen.error.message, seen.error.next_step)
        return
    for name, role in seen.launch_roles.items():
        if role is None:
            yield Finding(
                check=Check.LAUNCH_ROLE,
                account=seen.account,
                region=None,
                message=f"launch role {name} does not exist",
                fix=_PUBLISH
                if facts.expected_roles[name].policies is not None
                else f"Create the role {name}, which catalog.yml names.",
            )
            continue
        yield from _trust(seen.account, name, role)
        yield from _policies(seen.account, facts.expected_roles[name], role)
    if seen.boundary is False:
        yield Finding(
            check=Check.PERMISSIONS_BOUNDARY,
            account=seen.account,
            region=None,
            message="the policy named in spokes.permissions_boundary does not exist",
            fix="Create that policy in the account: launches give its ARN to every role they make.",
        )


def _trust(account: str, name: str, role: LaunchRole) -> Iterator[Finding]:
    who = trusted(role.trust)
    fix = f"Set its trust policy to {_SERVICE_CATALOG} alone."
    if _SERVICE_CATALOG not in who:
        yield Finding(
            check=Check.LAUNCH_ROLE_TRUST,
            account=account,
            region=None,
            message=f"launch role {name} does not trust {_SERVICE_CATALOG}",
            fix=fix,
        )
    others = sorted(who - {_SERVICE_CATALOG})
    if others:
        yield Finding(
            check=Check.LAUNCH_ROLE_TRUST,
            account=account,
            region=None,
            message=f"launch role {name} can also be assumed by {', '.join(others)}",
            fix=fix,
            blocking=False,
        )


def _policies(account: str, expected: ExpectedRole, role: LaunchRole) -> Iterator[Finding]:
    if expected.policies is None:
        return
    names = sorted({*expected.policies, *role.policies})
    differing = [
        name
        for name in names
        if _text(expected.policies.get(name)) != _text(role.policies.get(name))
    ]
    if differing:
        yield Finding(
            check=Check.LAUNCH_ROLE_POLICY,
            account=account,
            region=None,
            message=f"launch role {expected.name} differs from the catalog's in its policy "
            + ", ".join(differing),
            fix=f"{_PUBLISH} If the plan shows nothing, the role was changed by hand: delete the "
            "policy and update the stack sagemaker-catalog-roles.",
        )


def _place(facts: Facts, place: Place) -> Iterator[Finding]:
    if place.error:
        yield _unreadable(place.account, place.region, place.error.message, place.error.next_step)
        return
    error = place.asset_error
    if error is None:
        return
    bucket = facts.bucket[place.region]
    if "kms:" in error.message:
        yield Finding(
            check=Check.ENCRYPTION_KEY,
            account=place.account,
            region=place.region,
            message=f"the key that encrypts s3://{bucket}/{place.asset} cannot be used: "
            f"{error.message}",
            fix="Let the organisation kms:Decrypt with the key (its key policy), or encrypt the "
            "bucket with AES256 as publish-catalog does and upload the objects again.",
        )
    else:
        yield Finding(
            check=Check.ASSETS,
            account=place.account,
            region=place.region,
            message=f"s3://{bucket}/{place.asset} cannot be read: {error.message}",
            fix=f"{_PUBLISH} It restores the bucket's policy. If it stays so, a service control "
            "policy or VPC endpoint policy is in the way.",
        )


def _reach(facts: Facts, expected: Expectation) -> tuple[tuple[str, ...], list[Finding]]:
    """Return the execution roles that may launch here, and what is wrong with the portfolio."""
    place = facts.places[expected.account, expected.region]
    account = facts.accounts[expected.account]
    region = facts.observed.regions.get(expected.region)
    if place.error or account.error or region is None:
        return (), []

    def finding(check: Check, message: str, fix: str) -> Finding:
        return Finding(
            check=check,
            account=expected.account,
            region=expected.region,
            message=message,
            fix=fix,
        )

    portfolio = _owned(region, expected.portfolio)
    if portfolio is None:
        message = f"portfolio {expected.portfolio} is not published"
        return (), [finding(Check.PUBLISHED, message, _PUBLISH)]
    label = f'portfolio "{portfolio.name}" ({portfolio.id})'
    roles, problems = _execution_roles(account, facts.patterns[expected.portfolio], label, finding)
    seen = place.portfolios.get(portfolio.id)
    if seen is None:
        to = f"to {expected.node}" if expected.node else "to the account, and accept it there"
        problems.append(
            finding(
                Check.SHARE,
                f"{label} does not reach the account",
                f"{_PUBLISH} It shares the portfolio {to}.",
            )
        )
        return (), problems
    problems += _launch_path(portfolio, seen, expected, roles, label, finding)
    problems += _products(region, portfolio, seen, label, finding)
    return roles, problems


def _execution_roles(
    account: Account, patterns: tuple[str, ...], label: str, finding: _Report
) -> tuple[tuple[str, ...], list[Finding]]:
    matched = sorted(
        arn for arn in account.roles if any(matches(pattern=p, arn=arn) for p in patterns)
    )
    usable = tuple(arn for arn in matched if _SAGEMAKER in trusted(account.roles[arn]))
    if usable:
        return usable, []
    named = ", ".join(patterns)
    if matched:
        message = (
            f"principals of {label} match only roles that SageMaker may not assume: "
            + ", ".join(matched)
        )
    else:
        message = f"no role of the account matches the principals of {label}: {named}"
    fix = (
        "Create the SageMaker execution role under a matching name, or add its pattern to "
        "principals in catalog.yml."
    )
    return (), [finding(Check.PRINCIPAL, message, fix)]


def _launch_path(
    portfolio: ObservedPortfolio,
    seen: SeenPortfolio,
    expected: Expectation,
    roles: tuple[str, ...],
    label: str,
    finding: _Report,
) -> Iterator[Finding]:
    # Whether recipients are shown the patterns that came with the share is documented nowhere;
    # the share's own flag in the hub says the same.
    shared = any(s.share_principals for s in portfolio.shares if s.node == expected.node)
    effective = seen.principals | (
        {arn for arn, kind in portfolio.principals if kind == "IAM_PATTERN"} if shared else set()
    )
    if roles and not any(matches(pattern=p, arn=arn) for p in effective for arn in roles):
        yield finding(
            Check.LAUNCH_PATH,
            f"{label} reaches the account without principals: no launch path for {roles[0]}",
            f"{_PUBLISH} It shares principal names with the portfolio.",
        )


def _products(
    region: ObservedRegion,
    portfolio: ObservedPortfolio,
    seen: SeenPortfolio,
    label: str,
    finding: _Report,
) -> Iterator[Finding]:
    owned = {product.id: product for product in region.products}
    for product_id in sorted(portfolio.product_ids & owned.keys()):
        product = owned[product_id]
        name = f'product "{product.name}" ({product_id})'
        constraints = [
            c for c in portfolio.constraints if c.product_id == product_id and c.type == "LAUNCH"
        ]
        if product_id not in seen.products:
            yield finding(Check.LAUNCH_PATH, f"{name} is not visible in {label}", _PUBLISH)
            continue
        if not constraints:
            message = f"{name} has no launch constraint in {label}"
            yield finding(Check.LAUNCH_PATH, message, _PUBLISH)
        if not any(a.active and a.guidance != "DEPRECATED" for a in product.artifacts):
            message = f"{name} offers no version that can be launched"
            yield finding(Check.LAUNCH_PATH, message, "Publish a version that is not deprecated.")
        if seen.products[product_id].get(ownership.VISIBILITY_TAG) != "true":
            in_hub = product.tags.get(ownership.VISIBILITY_TAG) == "true"
            fix = (
                "The hub's product carries the tag, but it does not reach this account: use "
                "distribution replicate or studio-s3 for it."
                if in_hub
                else _PUBLISH
            )
            message = f"{name} carries no tag {ownership.VISIBILITY_TAG}: Studio does not list it"
            yield finding(Check.STUDIO_TAG, message, fix)


def _owned(region: ObservedRegion, key: str) -> ObservedPortfolio | None:
    return next(
        (p for p in region.portfolios if p.tags.get(ownership.PORTFOLIO_TAG) == key),
        None,
    )


def _unreadable(account: str, region: str | None, message: str, next_step: str) -> Finding:
    return Finding(
        check=Check.ACCOUNT_REACHABLE,
        account=account,
        region=region,
        message=f"it cannot be examined: {message}",
        fix=next_step or "Let spokes.admin_role read IAM, Service Catalog and S3 there.",
    )


def _text(document: Document | None) -> str:
    if document is None:
        return ""
    # Through JSON first: IAM hands documents back as its own types.
    return canonical(json.loads(json.dumps(document)))


def _list(value: Any) -> list[Any]:
    if isinstance(value, str | Mapping):
        return [value]
    return list(value)
