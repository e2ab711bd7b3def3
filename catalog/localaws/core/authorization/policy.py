"""Policy documents: parsed once, asked whether a statement speaks of a request."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from catalog.localaws.core.authorization.conditions import holds, values_of
from catalog.localaws.core.authorization.wildcards import Context, arn_matches, matches

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A principal, as resource-based policies name it.

    Attributes:
        arns: every ARN that means exactly this caller (role and session; user).
        account: its account id; empty for an AWS service.
        service: its service principal, when it is an AWS service.
        federated: the identity provider behind it (ARN or host), if any.
    """

    arns: tuple[str, ...] = ()
    account: str = ""
    service: str = ""
    federated: str = ""


Grant = Literal["none", "account", "direct"]


@dataclass(frozen=True)
class Statement:
    """One statement.

    An empty `actions` with `not_actions` set means NotAction, and so on; `principals` None means
    an identity-based policy.
    """

    effect: Effect
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]] | None
    not_principals: Mapping[str, tuple[str, ...]] | None
    conditions: Mapping[str, Mapping[str, Any]]

    def covers(self, *, action: str, resource: str | None, context: Context) -> bool:
        """Tell whether action, resource and conditions match; `resource` None: do not ask."""
        return (
            self._covers_action(action)
            and (resource is None or self._covers_resource(resource, context))
            and holds(self.conditions, context)
        )

    def _covers_action(self, action: str) -> bool:
        if self.not_actions:
            return not any(matches(a, action, ignore_case=True) for a in self.not_actions)
        return any(matches(a, action, ignore_case=True) for a in self.actions)

    def _covers_resource(self, resource: str, context: Context) -> bool:
        if self.not_resources:
            return not any(_resource_matches(r, resource, context) for r in self.not_resources)
        return any(_resource_matches(r, resource, context) for r in self.resources)

    def names(self, caller: Caller) -> Grant:
        """Tell whether the statement's principal is this caller, its whole account, or neither."""
        if self.not_principals is not None:
            return "none" if _grant(self.not_principals, caller) != "none" else "direct"
        return _grant(self.principals or {}, caller)


def _resource_matches(pattern: str, resource: str, context: Context) -> bool:
    if resource == "*":
        return pattern == "*"
    return arn_matches(pattern, resource, context=context)


def _grant(principals: Mapping[str, tuple[str, ...]], caller: Caller) -> Grant:
    if "*" in principals.get("AWS", ()) and not caller.federated:
        return "direct"
    if caller.service:
        return "direct" if caller.service in principals.get("Service", ()) else "none"
    if caller.federated:
        return "direct" if caller.federated in principals.get("Federated", ()) else "none"
    named = principals.get("AWS", ())
    if any(arn in named for arn in caller.arns):
        return "direct"
    whole = (caller.account, f"arn:aws:iam::{caller.account}:root")
    return "account" if any(arn in named for arn in whole) else "none"


class MalformedPolicyError(ValueError):
    """A document that IAM would have refused."""


@functools.lru_cache(maxsize=4096)
def parse_policy(document: str) -> tuple[Statement, ...]:
    """Parse a policy document.

    Raises:
        MalformedPolicyError: when it is not one.
    """
    try:
        body = json.loads(document)
        statements = body["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedPolicyError(f"Not a policy document: {document[:200]!r}") from error
    if isinstance(statements, dict):
        statements = [statements]
    return tuple(_statement(statement) for statement in statements)


def _statement(body: Mapping[str, Any]) -> Statement:
    effect = body.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicyError(f"Effect must be Allow or Deny, got {effect!r}")
    return Statement(
        effect=effect,
        actions=_list(body, "Action"),
        not_actions=_list(body, "NotAction"),
        resources=_list(body, "Resource"),
        not_resources=_list(body, "NotResource"),
        principals=_principals(body, "Principal"),
        not_principals=_principals(body, "NotPrincipal"),
        conditions=body.get("Condition", {}),
    )


def _list(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return values_of(body[name]) if name in body else ()


def _principals(body: Mapping[str, Any], name: str) -> Mapping[str, tuple[str, ...]] | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return {"AWS": (value,)}
    return {kind: values_of(names) for kind, names in value.items()}
