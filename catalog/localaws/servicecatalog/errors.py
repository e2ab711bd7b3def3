"""Service Catalog's errors, with the sentences that users have recorded from AWS.

Where no recording exists the sentence is this project's; clients must match on the code.
"""

from __future__ import annotations

from catalog.localaws.core.service import ServiceError

_LAUNCH_ROLE_DENIED = "Access denied while assuming the role "


def not_found(message: str) -> ServiceError:
    """Return ResourceNotFoundException."""
    return ServiceError("ResourceNotFoundException", message)


def invalid(message: str) -> ServiceError:
    """Return InvalidParametersException."""
    return ServiceError("InvalidParametersException", message)


def limit(message: str) -> ServiceError:
    """Return LimitExceededException."""
    return ServiceError("LimitExceededException", message)


def duplicate(message: str) -> ServiceError:
    """Return DuplicateResourceException."""
    return ServiceError("DuplicateResourceException", message)


def in_use(message: str) -> ServiceError:
    """Return ResourceInUseException."""
    return ServiceError("ResourceInUseException", message)


def invalid_state(message: str) -> ServiceError:
    """Return InvalidStateException."""
    return ServiceError("InvalidStateException", message)


def unsupported(message: str) -> ServiceError:
    """Return OperationNotSupportedException."""
    return ServiceError("OperationNotSupportedException", message)


def not_emulated(message: str) -> ServiceError:
    """Return the local AWS's own refusal of a feature it does not have."""
    return ServiceError("NotEmulated", message, status=501)


def bad_token() -> ServiceError:
    """Return the error for a page token that the list never gave out."""
    return invalid("Invalid page token.")


def shared_with_you(what: str) -> ServiceError:
    """Return the refusal to change something that belongs to another account."""
    return invalid(f"You cannot {what} that was shared with you.")


def launch_role_denied(role_arn: str) -> ServiceError:
    """Return what a launch, or the form before it, answers when the launch role is not there."""
    return invalid(f"{_LAUNCH_ROLE_DENIED}{role_arn}")
