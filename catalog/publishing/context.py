"""What carrying out an action needs: AWS, ids learnt on the way, contents, patience."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from catalog.aws import Aws, error_code
from catalog.errors import AwsCallFailed, CatalogError, Location, StalePlan
from catalog.publishing.tokens import token

T = TypeVar("T")


class StoppedError(CatalogError):
    """The publish was asked to stop; what had begun was brought to an end or will be resumed."""

    exit_code = 130
    kind = "interrupted"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for AWS to make true what it said.

    Attributes:
        first: seconds before the second look.
        longest: seconds between looks at most.
        settle: seconds for a new association or id to become visible.
        finish: seconds for something asynchronous to end.
    """

    first: float = 0.1
    longest: float = 5.0
    settle: float = 20.0
    finish: float = 900.0


@dataclass(kw_only=True)
class Context:
    """Shared by all actions of one apply; safe between threads.

    Attributes:
        contents: bytes of the objects to upload, by sha256.
        ids: known ids by region and reference.
    """

    aws: Aws
    catalog: str
    contents: Mapping[str, bytes]
    patience: Patience = field(default_factory=Patience)
    stop: threading.Event = field(default_factory=threading.Event)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def call(self, account: str, region: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call Service Catalog."""
        return self.aws.call(
            account=account,
            region=region,
            service="servicecatalog",
            operation=operation,
            **params,
        )

    def resolve(self, region: str, reference: str) -> str:
        """Return the id behind `@portfolio:ml`, or the id itself."""
        if not reference.startswith("@"):
            return reference
        return self.ids[region][reference]

    def learn(self, region: str, reference: str, value: str) -> None:
        """Remember an id for the actions that come later."""
        self.ids.setdefault(region, {})[reference] = value

    def content(self, sha256: str) -> bytes:
        """Return the bytes of an object.

        Raises:
            StalePlan: the plan was made from other bundles than those at hand.
        """
        if sha256 not in self.contents:
            raise StalePlan(
                f"the plan uploads content {sha256[:12]}, which these templates do not produce",
                next_step="Make the plan again from this commit.",
            )
        return self.contents[sha256]

    def create(
        self,
        *,
        account: str,
        region: str,
        kind: str,
        subject: str,
        content: Mapping[str, Any],
        request: Callable[[str], T],
        exists: Callable[[T], bool],
    ) -> T:
        """Create with a deterministic token and read back what was created.

        AWS does not say how long it remembers a token. If it answers with the id of something that
        has since been deleted, the next generation of the token makes a new one.

        Args:
            account: where.
            region: where.
            kind: part of the token.
            subject: part of the token.
            content: part of the token.
            request: creates with a token.
            exists: reads back; False while nothing is there.
        """
        for generation in range(10):
            made = request(
                token(
                    catalog=self.catalog,
                    account=account,
                    region=region,
                    kind=kind,
                    subject=subject,
                    content=content,
                    generation=generation,
                )
            )
            for _ in self.attempts(self.patience.settle):
                if exists(made):
                    return made
        raise AwsCallFailed(
            f"{kind} {subject}: ten creates in a row returned ids that do not exist",
            where=Location(account=account, region=region),
            next_step="Look at it in the console; a rerun starts with another token.",
        )

    def attempts(self, seconds: float) -> Iterator[int]:
        """Yield 0, 1, 2, ... with growing pauses in between, until `seconds` have been waited.

        Raises:
            StoppedError: the publish was asked to stop.
        """
        waited, pause, count = 0.0, self.patience.first, 0
        while True:
            yield count
            if waited >= seconds:
                return
            # Jitter keeps many waiting workers from looking at the same moment.
            length = min(pause, seconds - waited, self.patience.longest)
            length *= random.uniform(0.7, 1.0)  # noqa: S311  # not a secret
            if self.stop.wait(length):
                raise StoppedError("stopped while waiting for AWS")
            waited += max(length, 0.001)
            pause *= 1.6
            count += 1


def is_missing(error: CatalogError) -> bool:
    """Return whether AWS says that the resource does not exist."""
    return error_code(error) == "ResourceNotFoundException"


def found(read: Callable[[], object]) -> bool:
    """Return whether a read finds its resource."""
    try:
        read()
    except CatalogError as error:
        if is_missing(error):
            return False
        raise
    return True


def gone_is_done(change: Callable[[], object]) -> None:
    """Take something away; that it is gone already is as good."""
    found(change)
