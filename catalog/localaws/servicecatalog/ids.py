"""Identifiers and ARNs in the forms that AWS gives them."""

from __future__ import annotations

import hashlib
import random

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM = random.SystemRandom()


def new_id(prefix: str, *, length: int = 13) -> str:
    """Return `prefix-` followed by `length` random letters and digits."""
    return f"{prefix}-{''.join(_RANDOM.choices(_ALPHABET, k=length))}"


def derived_id(prefix: str, *parts: str) -> str:
    """Return an identifier that is the same whenever `parts` are (launch paths have no record)."""
    number = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest())
    digits = []
    for _ in range(13):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return f"{prefix}-{''.join(digits)}"


def portfolio_arn(*, account: str, region: str, portfolio_id: str) -> str:
    """Return a portfolio's ARN (service `catalog`)."""
    return f"arn:aws:catalog:{region}:{account}:portfolio/{portfolio_id}"


def product_arn(*, account: str, region: str, product_id: str) -> str:
    """Return a product's ARN (service `catalog`)."""
    return f"arn:aws:catalog:{region}:{account}:product/{product_id}"


def provisioned_product_arn(*, account: str, region: str, name: str, provisioned_id: str) -> str:
    """Return a provisioned product's ARN (service `servicecatalog`)."""
    return f"arn:aws:servicecatalog:{region}:{account}:stack/{name}/{provisioned_id}"


def stack_name(*, account: str, provisioned_id: str) -> str:
    """Return the name of the CloudFormation stack behind a provisioned product."""
    return f"SC-{account}-{provisioned_id}"
