"""Every failure a user can meet: what is wrong, where, what to do next, and its exit code.

Exit code 1 is kept for `publish-catalog plan`, where it means "error" (0: nothing to do,
2: changes). Everywhere else each kind below ends the process with its own code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place a message points at: a file, or an account and region.

    Attributes:
        file: path as the user wrote it.
        line: 1-based line in `file`.
        key: dotted key in `file`, such as `portfolios[0].name`.
        account: 12-digit AWS account id.
        region: AWS region name.
    """

    file: str | None = None
    line: int | None = None
    key: str | None = None
    account: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        parts = []
        if self.file:
            parts.append(f"{self.file}:{self.line}" if self.line else self.file)
        if self.key:
            parts.append(self.key)
        if self.account or self.region:
            parts.append("/".join(p for p in (self.account, self.region) if p))
        return " ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong; validation reports all of them at once."""

    message: str
    where: Location
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if str(self.where) else self.message
        return f"{text} ({self.hint})" if self.hint else text


class CatalogError(Exception):
    """Base of all errors that end a command with a message and no traceback.

    Args:
        message: what is wrong.
        where: the place it is wrong at.
        next_step: what to do about it.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, where: Location | None = None, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where and str(self.where) else self.message
        return f"{text}\nNext: {self.next_step}" if self.next_step else text


class InvalidInput(CatalogError):
    """Files that fail validation; `problems` holds every finding."""

    exit_code = 10
    kind = "invalid input"

    def __init__(self, problems: list[Problem], *, next_step: str = "Fix the lines above.") -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems), next_step=next_step)


class TemplateError(CatalogError):
    """A template that cannot become a bundle."""

    exit_code = 11
    kind = "template error"


class VersionConflict(CatalogError):
    """A published version whose content has changed without a bump."""

    exit_code = 12
    kind = "version conflict"


class UncleanTree(CatalogError):
    """Publishing to real accounts from something that is not a clean release tag."""

    exit_code = 13
    kind = "unclean tree"


class WheelsUnavailable(CatalogError):
    """The wheels that seeding installs Copier from cannot be put together."""

    exit_code = 14
    kind = "wheels unavailable"


class CredentialsError(CatalogError):
    """No credentials, or expired ones."""

    exit_code = 20
    kind = "credentials"


class AccessDeniedError(CatalogError):
    """A missing permission: names account, region, operation and action."""

    exit_code = 21
    kind = "access denied"


class UnreachableAccount(CatalogError):
    """An account whose role cannot be assumed, or a region that does not answer."""

    exit_code = 22
    kind = "unreachable account"


class QuotaExceeded(CatalogError):
    """An AWS quota stands in the way."""

    exit_code = 23
    kind = "quota exceeded"


class AwsCallFailed(CatalogError):
    """Any other refusal by AWS."""

    exit_code = 24
    kind = "AWS call failed"


class StalePlan(CatalogError):
    """A saved plan that no longer matches what AWS has."""

    exit_code = 30
    kind = "stale plan"


class PartialFailure(CatalogError):
    """Some actions failed; everything independent of them was done."""

    exit_code = 31
    kind = "partial failure"


class ForeignResource(CatalogError):
    """Something in the way that this catalog does not own."""

    exit_code = 32
    kind = "foreign resource"


class ConfirmationNeeded(CatalogError):
    """A change that wants a yes: `--yes`, or a terminal to ask on."""

    exit_code = 33
    kind = "confirmation needed"


class StillInUse(CatalogError):
    """Projects use what was to be taken away, or nobody can tell whether they do."""

    exit_code = 34
    kind = "still in use"


class LocalAwsError(CatalogError):
    """The embedded local AWS cannot start or cannot do what was asked."""

    exit_code = 40
    kind = "local AWS"
