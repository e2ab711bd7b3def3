"""Idempotency tokens that a second run, or a second publisher, makes again.

botocore fills in a random token where none is given, so a create that is repeated after a lost
response would make a duplicate. These tokens depend only on what is created and where.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def token(
    *,
    catalog: str,
    account: str,
    region: str,
    kind: str,
    subject: str,
    content: Mapping[str, Any],
    generation: int = 0,
) -> str:
    """Return the token of one create.

    Args:
        catalog: name of the catalog.
        account: account the resource is created in.
        region: its region.
        kind: what is created, such as `portfolio`.
        subject: which one, such as the portfolio's key.
        content: the request's other parameters: a token names one request only.
        generation: raised when a replayed token answers with an id that no longer exists.
    """
    text = json.dumps(
        [catalog, account, region, kind, subject, content, generation],
        sort_keys=True,
        separators=(",", ":"),
    )
    # AWS: [a-zA-Z0-9][a-zA-Z0-9_-]*, at most 128 characters.
    return f"catalog-{hashlib.sha256(text.encode()).hexdigest()}"
