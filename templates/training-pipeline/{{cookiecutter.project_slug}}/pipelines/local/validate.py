"""Requests against the service's own model, where botocore is installed."""

from __future__ import annotations

import functools
from typing import Any

from .errors import JobError
from .jobs import Kind, Request


@functools.cache
def _service() -> Any:
    try:
        import botocore.session  # noqa: PLC0415  # optional
    except ImportError:
        return None
    return botocore.session.get_session().get_service_model("sagemaker")


def available() -> bool:
    """Whether requests can be validated."""
    return _service() is not None


def validate(kind: Kind, request: Request) -> None:
    """Check a resolved request as boto3 would.

    Raises:
        JobError: boto3 would refuse to send it.
    """
    if (service := _service()) is None:
        return
    from botocore.validate import ParamValidator  # noqa: PLC0415  # optional

    shape = service.operation_model(kind.operation).input_shape
    named = {kind.name_field: "name", **request} if kind.name_field in shape.members else request
    report = ParamValidator().validate(named, shape)
    if report.has_errors():
        raise JobError(
            f"not a valid {kind.operation} request:\n{report.generate_report()}",
            next_step="Correct the step in the pipeline and compile it again.",
        )
