"""The gateway's question to the policy engine: may this principal make this request?"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog.localaws.core.authorization import context as keys
from catalog.localaws.core.authorization.actions import PASSED_ROLES, PREFIXES, actions_of
from catalog.localaws.core.authorization.decision import Policies, Policy, Question, decide
from catalog.localaws.core.authorization.encryption import key_uses, requested_key
from catalog.localaws.core.authorization.policy import Caller, parse_policy
from catalog.localaws.core.authorization.resources import MOTO_SERVED, bucket_arn
from catalog.localaws.core.authorization.stored import Holder, StoredPolicies, StoredRole
from catalog.localaws.core.moto_bridge import MotoBridge
from catalog.localaws.core.service import Principal, Service, ServiceError
from catalog.localaws.core.wire import Target

if TYPE_CHECKING:
    from catalog.localaws.core.local import LocalAws

# Services whose resources have policies of their own, which bind administrators too.
_OWN_POLICIES = frozenset({"s3", "kms"})
_DENIALS = {"sns": "AuthorizationError", "ec2": "UnauthorizedOperation"}


class Authorizer:
    """Decides requests by IAM's rules. Thread-safe."""

    def __init__(self, aws: LocalAws, *, services: Sequence[Service], moto: MotoBridge) -> None:
        self._aws = aws
        self._services = {service.name: service for service in services}
        self.stored = StoredPolicies(moto)

    def check(
        self, target: Target, principal: Principal, params: dict[str, Any], *, via: str
    ) -> None:
        """Refuse a request that policies do not allow.

        Raises:
            ServiceError: access denied, with AWS's sentence.
        """
        service, operation = target.service, target.operation.name
        if principal.is_administrator and service not in _OWN_POLICIES:
            return
        if not principal.access_key and service != "s3":
            raise ServiceError(
                "MissingAuthenticationToken", "Request is missing Authentication Token", status=403
            )
        holder = self._holder(principal)
        context = self._context(target, principal, params, holder=holder, via=via)
        prefix = PREFIXES.get(target.model.signing_name, target.model.signing_name)
        own = self._services.get(service)
        actions = (own.actions.get(operation) if own else None) or actions_of(
            service, prefix, operation, params
        )
        for resource in self._resources(target, principal, params):
            for action in actions:
                self._ask(
                    service,
                    principal,
                    holder,
                    action=action,
                    resource=resource,
                    context=self._with_resource(context, resource, service=service, params=params),
                )
        self._check_passed_roles(target, principal, holder, params, context=context)
        for use in key_uses(self.stored, target, params, account=principal.account):
            self._ask(
                service,
                principal,
                holder,
                action=use.action,
                resource=use.key_arn,
                context=context
                | keys.kms_keys({}, account=principal.account)
                | {"kms:viaservice": f"s3.{use.region}.amazonaws.com"},
            )

    def demand(
        self,
        principal: Principal,
        *,
        service: str,
        action: str,
        resource: str,
        region: str,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse an action that is not an API request of its own, such as `codecommit:GitPush`.

        Raises:
            ServiceError: access denied, with AWS's sentence.
        """
        if principal.is_administrator:
            return
        holder = self._holder(principal)
        context = keys.request_keys({}, region=region, via="") | dict(extra or {})
        context |= self._principal_keys(principal, holder)
        self._ask(service, principal, holder, action=action, resource=resource, context=context)

    def is_trusted(
        self, role: StoredRole, *, caller: Caller, action: str, context: Mapping[str, str]
    ) -> bool:
        """Tell whether a role's trust policy admits an AWS service or identity provider."""
        question = Question(action=action, resource=role.arn, context=context, caller=caller)
        trust = Policies(resource=parse_policy(role.trust_policy), resource_decides=True)
        return decide(question, trust).allowed

    def demand_trust(
        self,
        principal: Principal,
        role: StoredRole,
        *,
        action: str,
        region: str,
        extra: Mapping[str, str],
    ) -> None:
        """Refuse a principal that may not assume a role: its trust and the caller's own policies.

        Raises:
            ServiceError: `AccessDenied`, with AWS's sentence.
        """
        holder = self._holder(principal)
        context = keys.request_keys({}, region=region, via="") | dict(extra)
        context |= self._principal_keys(principal, holder)
        decision = decide(
            Question(action=action, resource=role.arn, context=context, caller=_caller(principal)),
            Policies(
                identity=holder.identity,
                boundary=holder.boundary,
                session=tuple(_parsed(document) for document in principal.session_policies),
                resource=parse_policy(role.trust_policy),
                resource_decides=True,
                cross_account=role.arn.split(":")[4] != principal.account,
                administrator=principal.is_administrator,
            ),
        )
        if not decision.allowed:
            raise denial("sts", principal, action=action, resource=role.arn, reason=decision.reason)

    def simulate(
        self, principal_arn: str, *, action: str, resource: str, extra: Mapping[str, str]
    ) -> bool:
        """Tell whether the policies of a role or user allow an action, resource policies aside."""
        principal = Principal(
            account=principal_arn.split(":")[4],
            arn=principal_arn,
            role_arn=principal_arn if ":role/" in principal_arn else None,
            access_key="simulated",
        )
        holder = self._holder(principal)
        context = self._principal_keys(principal, holder) | dict(extra)
        question = Question(
            action=action, resource=resource, context=context, caller=_caller(principal)
        )
        policies = Policies(identity=holder.identity, boundary=holder.boundary)
        return decide(question, policies).allowed

    # Parts of a check

    def _holder(self, principal: Principal) -> Holder:
        if principal.role_arn:
            return self.stored.role_holder(principal.role_arn) or Holder()
        if ":user/" in principal.arn:
            return self.stored.user_holder(principal.arn) or Holder()
        return Holder()

    def _principal_keys(
        self, principal: Principal, holder: Holder
    ) -> dict[str, str | tuple[str, ...]]:
        return keys.principal_keys(
            principal, tags=holder.tags, organizations=self._aws.organizations
        )

    def _context(
        self,
        target: Target,
        principal: Principal,
        params: dict[str, Any],
        *,
        holder: Holder,
        via: str,
    ) -> dict[str, str | tuple[str, ...]]:
        context = keys.request_keys(params, region=target.region, via=via)
        context |= self._principal_keys(principal, holder)
        if target.service == "s3":
            context |= keys.s3_keys(params)
        elif target.service == "kms":
            context |= keys.kms_keys(params, account=principal.account)
            if via and via != keys.INTERNAL:
                context["kms:viaservice"] = via.replace(".", f".{target.region}.", 1)
        elif target.service == "application-autoscaling":
            context |= keys.autoscaling_keys(params)
        elif target.service == "iam":
            about = self._iam_subject(principal, params)
            context |= keys.iam_keys(params, boundary=about.boundary_arn if about else "")
            for key, value in (about.tags if about else {}).items():
                context[f"iam:resourcetag/{key}".lower()] = value
                context[f"aws:resourcetag/{key}".lower()] = value
        elif target.service == "sts":
            for member, key in (
                ("ExternalId", "externalid"),
                ("RoleSessionName", "rolesessionname"),
            ):
                if member in params:
                    context[f"sts:{key}"] = str(params[member])
        return context

    def _iam_subject(self, principal: Principal, params: dict[str, Any]) -> Holder | None:
        if "RoleName" not in params:
            return None
        arn = self.stored.role_arn(principal.account, str(params["RoleName"]))
        return self.stored.role_holder(arn) if arn else None

    def _resources(
        self, target: Target, principal: Principal, params: dict[str, Any]
    ) -> Iterator[str]:
        service, operation = target.service, target.operation.name
        account, region = principal.account, target.region
        own = self._services.get(service)
        find = (own.resources.get(operation) if own else None) or MOTO_SERVED.get(service, {}).get(
            operation
        )
        if service == "kms":
            yield requested_key(self.stored, params, account=account, region=region)
        elif find is None:
            yield from bucket_arn(params, account, region) if service == "s3" else ("*",)
        elif service == "iam" and operation != "CreateRole" and "RoleName" in params:
            existing = self.stored.role_arn(account, str(params["RoleName"]))
            yield from (existing,) if existing else find(params, account, region)
        else:
            yield from find(params, account, region)

    def _with_resource(
        self,
        context: dict[str, str | tuple[str, ...]],
        resource: str,
        *,
        service: str,
        params: dict[str, Any],
    ) -> dict[str, str | tuple[str, ...]]:
        more: dict[str, str | tuple[str, ...]] = {}
        owner = resource.split(":")[4] if resource.count(":") >= 5 else ""
        if service == "s3" and "Bucket" in params:
            bucket = self.stored.bucket(str(params["Bucket"]))
            owner = bucket.account if bucket else owner
            _, tags = self.stored.object_details(str(params["Bucket"]), str(params.get("Key", "")))
            more |= {f"s3:existingobjecttag/{k}".lower(): v for k, v in tags.items()}
        if owner:
            more["aws:resourceaccount"] = owner
            organization = self._aws.organizations.organization_id(owner)
            if organization:
                more["aws:resourceorgid"] = organization
        own = self._services.get(service)
        tags = self.stored.key_tags(resource) if service == "kms" else {}
        tags = tags or (own.tags_of(resource) if own else None) or {}
        for key, value in tags.items():
            more[f"aws:resourcetag/{key}".lower()] = value
        return context | more

    def _check_passed_roles(
        self,
        target: Target,
        principal: Principal,
        holder: Holder,
        params: dict[str, Any],
        *,
        context: dict[str, str | tuple[str, ...]],
    ) -> None:
        service, operation = target.service, target.operation.name
        own = self._services.get(service)
        find = (own.passed_roles.get(operation) if own else None) or PASSED_ROLES.get(
            service, {}
        ).get(operation)
        for role_arn, receiver in find(params) if find else ():
            self._ask(
                service,
                principal,
                holder,
                action="iam:PassRole",
                resource=role_arn,
                context=context | {"iam:passedtoservice": receiver},
            )

    def _ask(
        self,
        service: str,
        principal: Principal,
        holder: Holder,
        *,
        action: str,
        resource: str,
        context: Mapping[str, str | tuple[str, ...]],
    ) -> None:
        policy, owner = self._resource_policy(action, resource)
        anonymous = not principal.access_key
        decision = decide(
            Question(action=action, resource=resource, context=context, caller=_caller(principal)),
            Policies(
                identity=holder.identity,
                boundary=holder.boundary,
                session=tuple(_parsed(document) for document in principal.session_policies),
                resource=policy,
                resource_decides=anonymous or (action.startswith("kms:") and policy is not None),
                cross_account=bool(owner) and owner != principal.account and not anonymous,
                administrator=principal.is_administrator,
            ),
        )
        if not decision.allowed:
            raise denial(
                service, principal, action=action, resource=resource, reason=decision.reason
            )

    def _resource_policy(self, action: str, resource: str) -> tuple[Policy | None, str]:
        if action.startswith("s3:") and resource.startswith("arn:aws:s3:::"):
            name = resource.removeprefix("arn:aws:s3:::").split("/", 1)[0]
            bucket = self.stored.bucket(name) if action != "s3:CreateBucket" else None
            return (bucket.policy, bucket.account) if bucket else (None, "")
        if action.startswith("kms:") and ":key/" in resource:
            _, _, _, region, account, _ = resource.split(":", 5)
            key = self.stored.kms_key(resource, account=account, region=region)
            return (key[1], account) if key else (None, account)
        return None, ""


def denial(
    service: str, principal: Principal, *, action: str, resource: str, reason: str
) -> ServiceError:
    """Return AWS's refusal, in the dialect of `service`."""
    from catalog.localaws.core.wire import service_model  # noqa: PLC0415 - avoids a cycle

    protocol = service_model(service).protocol
    shown = f'"{resource}"' if service == "s3" else resource
    plain = protocol in ("query", "rest-xml", "ec2")
    return ServiceError(
        _DENIALS.get(service, "AccessDenied" if plain else "AccessDeniedException"),
        f"User: {principal.arn} is not authorized to perform: {action} on resource: {shown} "
        f"{reason}",
        status=403 if plain or protocol == "rest-json" else 400,
    )


def _caller(principal: Principal) -> Caller:
    arns = (principal.arn, principal.role_arn) if principal.role_arn else (principal.arn,)
    return Caller(arns=tuple(a for a in arns if a), account=principal.account)


@functools.lru_cache(maxsize=256)
def _parsed(document: str) -> Policy:
    return parse_policy(document)
