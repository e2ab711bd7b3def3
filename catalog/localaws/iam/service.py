"""AWS Identity and Access Management: moto's, plus what moto lets pass and cannot do."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from catalog.localaws.core.authorization.conditions import OPERATORS
from catalog.localaws.core.service import Call, Service, ServiceError

_DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument")
_PRINCIPAL_ARN = re.compile(r"^(\d{12}|\*|arn:aws:(iam|sts)::\d{12}:.+)$")


class Iam(Service):
    """Refuses policy documents that AWS refuses, and simulates policies."""

    name: ClassVar[str] = "iam"
    validation_code: ClassVar[str] = "ValidationError"

    def before_moto(self, call: Call) -> None:
        """Check policy documents, and make AWS managed policies known."""
        for member in _DOCUMENTS:
            if member in call.params:
                trust = call.operation in ("CreateRole", "UpdateAssumeRolePolicy")
                _check_document(call.params[member], trust=trust)
        self.aws.authorizer.stored.know_managed_policies(call.params, account=call.account)

    def simulate_principal_policy(self, call: Call) -> dict[str, Any]:
        """Evaluate a role's or user's policies for actions on resources."""
        extra = {
            entry["ContextKeyName"].lower(): entry["ContextKeyValues"][0]
            for entry in call.params.get("ContextEntries", [])
            if entry.get("ContextKeyValues")
        }
        results = []
        for action in call.params["ActionNames"]:
            for resource in call.params.get("ResourceArns", ["*"]):
                allowed = self.aws.authorizer.simulate(
                    call.params["PolicySourceArn"], action=action, resource=resource, extra=extra
                )
                results.append(
                    {
                        "EvalActionName": action,
                        "EvalResourceName": resource,
                        "EvalDecision": "allowed" if allowed else "implicitDeny",
                    }
                )
        return {"EvaluationResults": results, "IsTruncated": False}


def _check_document(document: str, *, trust: bool) -> None:
    """Refuse what IAM's grammar refuses.

    Raises:
        ServiceError: `MalformedPolicyDocument`.
    """
    try:
        body = json.loads(document)
    except ValueError:
        raise _malformed("This policy contains invalid Json") from None
    statements = body.get("Statement") if isinstance(body, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _malformed("Syntax errors in policy.")
    for statement in statements:
        _check_statement(statement, trust=trust)


def _check_statement(statement: Any, *, trust: bool) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed("Syntax errors in policy.")
    if ("Action" in statement) == ("NotAction" in statement):
        raise _malformed("Policy statement must contain actions.")
    if trust and "Resource" in statement:
        raise _malformed("Has prohibited field Resource")
    if trust and not ("Principal" in statement or "NotPrincipal" in statement):
        raise _malformed("AssumeRole policy must contain principals.")
    if not trust and ("Principal" in statement or "NotPrincipal" in statement):
        raise _malformed("Policy document should not specify a principal.")
    if not trust and ("Resource" in statement) == ("NotResource" in statement):
        raise _malformed("Policy statement must contain resources.")
    for operator in statement.get("Condition", {}):
        bare = operator.lower().rpartition(":")[2].removesuffix("ifexists")
        if bare != "null" and bare not in OPERATORS:
            raise _malformed(f"Invalid Condition type : {operator}.")
    if trust:
        _check_principals(statement.get("Principal", {}))


def _check_principals(principals: Any) -> None:
    named = principals.get("AWS", []) if isinstance(principals, dict) else []
    for arn in [named] if isinstance(named, str) else named:
        if not _PRINCIPAL_ARN.match(arn):
            raise _malformed(f'Invalid principal in policy: "AWS":"{arn}"')


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message)
