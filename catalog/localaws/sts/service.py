"""AWS Security Token Service: sessions of roles that exist and trust their caller.

Differences from AWS: an account's own keys (`LocalAws.session(account=...)`) may assume roles, and
the signature of a web identity token is not verified, since no identity provider is at hand.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any, ClassVar

from catalog.localaws.core.authorization.policy import Caller
from catalog.localaws.core.identity import Keys
from catalog.localaws.core.service import Call, Service, ServiceError

DEFAULT_SECONDS = 3600
CHAINED_SECONDS = 3600


class Sts(Service):
    """Issues sessions; the trust policy of the role decides."""

    name: ClassVar[str] = "sts"
    validation_code: ClassVar[str] = "ValidationError"
    falls_back_to_moto: ClassVar[bool] = False

    # For the local AWS itself

    def session_of(self, role_arn: str, *, session_name: str) -> Keys:
        """Return a session of an existing role without asking its trust policy.

        Raises:
            ServiceError: `AccessDenied` when the role does not exist.
        """
        role = self.aws.authorizer.stored.role(role_arn)
        if role is None:
            raise _denied(f"The role {role_arn} does not exist in the local AWS.")
        return self.aws.identities.issue_session(
            role_arn=role_arn,
            role_id=role.unique_id,
            session_name=session_name,
            seconds=role.max_session_seconds,
        )

    def assume_as_service(
        self,
        role_arn: str,
        *,
        service_principal: str,
        session_name: str,
        source_account: str | None = None,
        source_arn: str | None = None,
    ) -> Keys:
        """Return a session of a role that trusts `service_principal`.

        Raises:
            ServiceError: `AccessDenied` when the role does not exist or does not trust it.
        """
        role = self.aws.authorizer.stored.role(role_arn)
        refusal = (
            f"{service_principal} is not authorized to perform: sts:AssumeRole on resource: "
            f"{role_arn}"
        )
        if role is None:
            raise _denied(refusal)
        context = {"aws:sourceaccount": source_account or role_arn.split(":")[4]}
        if source_arn:
            context["aws:sourcearn"] = source_arn
        allowed = self.aws.authorizer.is_trusted(
            role, caller=Caller(service=service_principal), action="sts:AssumeRole", context=context
        )
        if not allowed:
            raise _denied(refusal)
        return self.session_of(role_arn, session_name=session_name)

    # Operations

    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """Tell who signed."""
        principal = call.principal
        return {"UserId": principal.unique_id, "Account": principal.account, "Arn": principal.arn}

    def get_access_key_info(self, call: Call) -> dict[str, Any]:
        """Tell which account an access key belongs to."""
        keys = self.aws.identities.find(call.params["AccessKeyId"])
        if keys is None:
            raise ServiceError("ValidationError", "The specified access key id does not exist.")
        return {"Account": keys.principal.account}

    def get_session_token(self, call: Call) -> dict[str, Any]:
        """Issue temporary credentials of the same account or user."""
        if call.principal.role_arn:
            raise _denied("Cannot call GetSessionToken with session credentials")
        seconds = call.params.get("DurationSeconds", DEFAULT_SECONDS)
        keys = self.aws.identities.issue_copy(call.principal, seconds=seconds)
        return {"Credentials": _credentials(keys)}

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Issue a session of a role that trusts the caller."""
        role_arn = call.params["RoleArn"]
        role = self.aws.authorizer.stored.role(role_arn) if _is_role(role_arn) else None
        if role is None:
            raise _denied(
                f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on "
                f"resource: {role_arn}"
            )
        tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])}
        context = {"sts:rolesessionname": call.params["RoleSessionName"]}
        if "ExternalId" in call.params:
            context["sts:externalid"] = call.params["ExternalId"]
        context |= {f"aws:requesttag/{key}".lower(): value for key, value in tags.items()}
        for action in ("sts:AssumeRole", *(("sts:TagSession",) if tags else ())):
            self.aws.authorizer.demand_trust(
                call.principal, role, action=action, region=call.region, extra=context
            )
        seconds = call.params.get("DurationSeconds", DEFAULT_SECONDS)
        _check_duration(
            seconds, role_seconds=role.max_session_seconds, chained=bool(call.principal.role_arn)
        )
        policies = (call.params["Policy"],) if call.params.get("Policy") else ()
        keys = self.aws.identities.issue_session(
            role_arn=role_arn,
            role_id=role.unique_id,
            session_name=call.params["RoleSessionName"],
            seconds=seconds,
            session_policies=policies,
            session_tags=tags,
        )
        return _session(keys)

    def assume_role_with_web_identity(self, call: Call) -> dict[str, Any]:
        """Issue a session of a role that trusts an OpenID Connect provider."""
        role_arn = call.params["RoleArn"]
        claims = _claims(call.params["WebIdentityToken"])
        host = str(claims.get("iss", "")).removeprefix("https://")
        role = self.aws.authorizer.stored.role(role_arn) if _is_role(role_arn) else None
        if role is None:
            raise _denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
        provider = f"arn:aws:iam::{role_arn.split(':')[4]}:oidc-provider/{host}"
        if not self.aws.authorizer.stored.has_oidc_provider(provider):
            raise ServiceError(
                "InvalidIdentityToken",
                f"No OpenIDConnect provider found in your account for https://{host}",
            )
        context = {f"{host}:{name}".lower(): str(claims[name]) for name in claims}
        context["sts:rolesessionname"] = call.params["RoleSessionName"]
        trusted = self.aws.authorizer.is_trusted(
            role,
            caller=Caller(federated=provider),
            action="sts:AssumeRoleWithWebIdentity",
            context=context,
        )
        if not trusted:
            raise _denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
        seconds = call.params.get("DurationSeconds", DEFAULT_SECONDS)
        _check_duration(seconds, role_seconds=role.max_session_seconds, chained=False)
        keys = self.aws.identities.issue_session(
            role_arn=role_arn,
            role_id=role.unique_id,
            session_name=call.params["RoleSessionName"],
            seconds=seconds,
        )
        return _session(keys) | {
            "SubjectFromWebIdentityToken": str(claims.get("sub", "")),
            "Provider": provider,
            "Audience": str(claims.get("aud", "")),
        }


def _is_role(arn: str) -> bool:
    return arn.count(":") == 5 and arn.startswith("arn:aws:iam::") and ":role/" in arn


def _denied(message: str) -> ServiceError:
    return ServiceError("AccessDenied", message, status=403)


def _check_duration(seconds: int, *, role_seconds: int, chained: bool) -> None:
    if chained and seconds > CHAINED_SECONDS:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining.",
        )
    if seconds > role_seconds:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise ServiceError(
            "InvalidIdentityToken", "The ID Token provided is not a valid JWT."
        ) from error
    if not isinstance(claims, dict):
        raise ServiceError("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    if float(claims.get("exp", time.time() + 1)) <= time.time():
        raise ServiceError("ExpiredTokenException", "Token expired")
    return claims


def _credentials(keys: Keys) -> dict[str, Any]:
    return {
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "SessionToken": keys.token,
        "Expiration": keys.expires,
    }


def _session(keys: Keys) -> dict[str, Any]:
    return {
        "Credentials": _credentials(keys),
        "AssumedRoleUser": {
            "AssumedRoleId": keys.principal.unique_id,
            "Arn": keys.principal.arn,
        },
    }
