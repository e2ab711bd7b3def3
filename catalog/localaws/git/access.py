"""Permissions that Git clients need and that no API operation carries."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Principal


def require(
    aws: LocalAws,
    *,
    principal: Principal,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> None:
    """Check a permission.

    Args:
        aws: where.
        principal: who asks.
        action: such as `codecommit:GitPush`.
        resource: the ARN acted on.
        context: condition keys (`codecommit:References`) and their values.

    Raises:
        ServiceError: `AccessDeniedException`, with AWS's sentence.
    """
    _, _, service, region, _, _ = resource.split(":", 5)
    aws.authorizer.demand(
        principal,
        service=service,
        action=action,
        resource=resource,
        region=region,
        extra={key.lower(): value for key, value in (context or {}).items()},
    )
