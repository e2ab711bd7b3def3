"""Principals of a portfolio: which ARNs are allowed, and which IAM principals they cover.

Grammar as the API reference of AssociatePrincipalWithPortfolio gives it: an IAM_PATTERN is an
IAM ARN without an account id, whose resource id may hold `*` (any number of characters, `/`
included) and `?` (zero or one character); the resource type holds neither.
"""

from __future__ import annotations

import re

from catalog.localaws.servicecatalog import errors

_IAM = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(role|user|group)/[\w+=,.@/-]{1,576}")
_PATTERN = re.compile(r"arn:aws[a-z-]*:iam:::(role|user|group)/[\w+=,.@/*?-]{1,576}")


def validate(*, principal_arn: str, principal_type: str) -> None:
    """Refuse an ARN that its type does not allow.

    Raises:
        ServiceError: InvalidParametersException.
    """
    form = _PATTERN if principal_type == "IAM_PATTERN" else _IAM
    if not form.fullmatch(principal_arn):
        raise errors.invalid(
            f"Principal ARN {principal_arn} is not valid for principal type {principal_type}."
        )


def covers(*, principal_arn: str, principal_type: str, caller_arn: str) -> bool:
    """Return whether an associated principal is, or matches, the caller's IAM identity."""
    if principal_type != "IAM_PATTERN":
        return principal_arn == caller_arn
    with_account = re.sub(r"(?<=:iam::)\d{12}(?=:)", "", caller_arn)
    return bool(_expression(principal_arn).fullmatch(with_account))


def _expression(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": ".?"}
    return re.compile("".join(wildcards.get(char, re.escape(char)) for char in pattern))
