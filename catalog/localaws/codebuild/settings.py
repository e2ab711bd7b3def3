"""What tests can make CodeBuild do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class BuildSettings:
    """Behaviour of all builds; change it while the local AWS runs.

    Attributes:
        minute_seconds: how long one minute of a build or queue timeout lasts, in seconds.
        never_start: builds stay QUEUED until their queue timeout.
        refuse_start: StartBuild answers AccountLimitExceededException with this message.
    """

    minute_seconds: float = 60.0
    never_start: bool = False
    refuse_start: str = ""
