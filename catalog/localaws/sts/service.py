"""AWS Security Token Service: sessions of roles that exist and trust their caller."""

from __future__ import annotations

from typing import Any, ClassVar

from catalog.localaws.core.identity import Keys
from catalog.localaws.core.service import Call, Service, ServiceError


class Sts(Service):
    """Issues sessions; the trust policy of the role decides."""

    name: ClassVar[str] = "sts"
    validation_code: ClassVar[str] = "ValidationError"

    def session_of(self, role_arn: str, *, session_name: str) -> Keys:
        """Return a session of an existing role without asking its trust policy."""
        return self.aws.identities.issue_session(
            role_arn=role_arn, role_id="AROAEXAMPLE", session_name=session_name, seconds=3600
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
        """Return a session of a role that trusts `service_principal`."""
        return self.session_of(role_arn, session_name=session_name)

    def get_caller_identity(self, call: Call) -> dict[str, Any]:
        """Tell who signed."""
        return {
            "UserId": call.principal.unique_id,
            "Account": call.principal.account,
            "Arn": call.principal.arn,
        }

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Issue a session of a role."""
        keys = self.session_of(call.params["RoleArn"], session_name=call.params["RoleSessionName"])
        return {
            "Credentials": {
                "AccessKeyId": keys.access_key,
                "SecretAccessKey": keys.secret_key,
                "SessionToken": keys.token,
                "Expiration": keys.expires,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": keys.principal.unique_id,
                "Arn": keys.principal.arn,
            },
        }
