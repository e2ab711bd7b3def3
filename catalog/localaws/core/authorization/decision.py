"""IAM's evaluation logic: explicit deny first, then who must allow.

As in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
Service control policies and resource control policies are not emulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.localaws.core.authorization.policy import Caller, Grant, Statement
from catalog.localaws.core.authorization.wildcards import Context

Policy = tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """May this caller do `action` to `resource`?"""

    action: str
    resource: str
    context: Context
    caller: Caller


@dataclass(frozen=True, kw_only=True)
class Policies:
    """What bears on a question.

    Attributes:
        identity: of the role, user and its groups.
        boundary: the permissions boundary, if there is one.
        session: handed over when the role was assumed, if any.
        resource: the resource's own policy, if it has one.
        resource_decides: whether identity policies count only where the resource's policy lets
            them (KMS keys, role trust).
        cross_account: whether the resource belongs to another account.
        administrator: whether the caller holds its account's own keys.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()
    resource: Policy | None = None
    resource_decides: bool = False
    cross_account: bool = False
    administrator: bool = False


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer; `reason` is the end of AWS's sentence when it is no."""

    allowed: bool
    reason: str = field(default="")


_ALLOWED = Decision(allowed=True)


def decide(question: Question, policies: Policies) -> Decision:
    """Answer a question by IAM's rules."""
    denied_by = _denied_by(question, policies)
    if denied_by:
        return Decision(allowed=False, reason=f"with an explicit deny in {denied_by}")
    grant = _resource_grant(question, policies.resource)
    needs_grant = policies.cross_account or policies.resource_decides
    if needs_grant and grant == "none":
        return _not_allowed(question, "no resource-based policy")
    if policies.administrator:
        return _ALLOWED
    nobody = ""
    if not _any_allows(question, policies.identity) and (
        policies.cross_account or grant != "direct"
    ):
        nobody = "no identity-based policy"
    elif policies.boundary is not None and not _allows(question, policies.boundary):
        nobody = "no permissions boundary"
    elif policies.session and not _any_allows(question, policies.session):
        nobody = "no session policy"
    return _not_allowed(question, nobody) if nobody else _ALLOWED


def _not_allowed(question: Question, nobody: str) -> Decision:
    return Decision(allowed=False, reason=f"because {nobody} allows the {question.action} action")


def _denied_by(question: Question, policies: Policies) -> str:
    if any(_denies(question, policy) for policy in policies.identity):
        return "an identity-based policy"
    if policies.boundary is not None and _denies(question, policies.boundary):
        return "a permissions boundary"
    if any(_denies(question, policy) for policy in policies.session):
        return "a session policy"
    if policies.resource is not None and _denies(
        question, tuple(s for s in policies.resource if s.names(question.caller) != "none")
    ):
        return "a resource-based policy"
    return ""


def _covering(question: Question, policy: Iterable[Statement], effect: str) -> Iterable[Statement]:
    for statement in policy:
        # A trust policy's statements name no resource: it is the role they belong to.
        resource = question.resource
        asked = resource if statement.resources or statement.not_resources else None
        if statement.effect == effect and statement.covers(
            action=question.action, resource=asked, context=question.context
        ):
            yield statement


def _denies(question: Question, policy: Policy) -> bool:
    return any(True for _ in _covering(question, policy, "Deny"))


def _allows(question: Question, policy: Policy) -> bool:
    return any(True for _ in _covering(question, policy, "Allow"))


def _any_allows(question: Question, policies: Iterable[Policy]) -> bool:
    return any(_allows(question, policy) for policy in policies)


def _resource_grant(question: Question, policy: Policy | None) -> Grant:
    found: Grant = "none"
    for statement in _covering(question, policy or (), "Allow"):
        named = statement.names(question.caller)
        if named == "direct":
            return "direct"
        found = named if named != "none" else found
    return found
