"""A build's log: a file on disk, and CloudWatch Logs with the service role's rights."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import Build
from catalog.localaws.codebuild.failures import PhaseError

# PutLogEvents: at most 10,000 events and 1,048,576 bytes, 26 bytes counted per event.
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_000_000
_EVENT_CHARACTERS = 60_000  # an event holds 256 KiB; a character at most 4 bytes


class BuildLog:
    """Writes the log.

    Args:
        build: whose log.
        client: CloudWatch Logs as the service role, or None when the project switches it off.
    """

    def __init__(self, *, build: Build, client: Any | None) -> None:
        self._build = build
        self._client = client
        self._sent = 0
        self._lock = threading.Lock()
        build.log_file.parent.mkdir(parents=True, exist_ok=True)
        build.log_file.touch()

    def open(self) -> None:
        """Create the group and the stream.

        Raises:
            PhaseError: the service role may not; AWS then ends the build before it starts.
        """
        if self._client is None:
            return
        build = self._build
        try:
            self._create_stream(self._client)
        except ClientError as error:
            raise PhaseError(
                "ACCESS_DENIED",
                f"Service role {build.project['serviceRole']} does not allow AWS CodeBuild to "
                f"create Amazon CloudWatch Logs log streams for build {build.arn}. "
                f"Error message: {error.response['Error']['Message']}",
            ) from error

    def _create_stream(self, client: Any) -> None:
        group, stream = self._build.log_group, self._build.log_stream
        try:
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        except client.exceptions.ResourceNotFoundException:
            with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                client.create_log_group(logGroupName=group)
            client.create_log_stream(logGroupName=group, logStreamName=stream)

    def say(self, text: str) -> None:
        """Add a line of CodeBuild's own."""
        now = datetime.now(UTC)
        with self._build.log_file.open("a", encoding="utf-8") as log:
            log.write(f"[Container] {now:%Y/%m/%d %H:%M:%S.%f} {text}\n")

    def flush(self) -> None:
        """Send what is new to CloudWatch Logs.

        Raises:
            PhaseError: the service role may not write.
        """
        if self._client is None:
            return
        with self._lock:
            with self._build.log_file.open("rb") as log:
                log.seek(self._sent)
                new = log.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._sent += len(whole)
            lines = whole.decode("utf-8", "replace").splitlines(keepends=True)
            self._send([line[:_EVENT_CHARACTERS] for line in lines if line.strip()])

    def _send(self, lines: list[str]) -> None:
        now = int(datetime.now(UTC).timestamp() * 1000)
        batch: list[dict[str, Any]] = []
        size = 0
        for line in [*lines, None]:
            weight = len(line.encode()) + 26 if line else 0
            if batch and (
                line is None or len(batch) == _BATCH_EVENTS or size + weight > _BATCH_BYTES
            ):
                self._put(batch)
                batch, size = [], 0
            if line is not None:
                batch.append({"timestamp": now, "message": line})
                size += weight

    def _put(self, events: list[dict[str, Any]]) -> None:
        assert self._client is not None  # noqa: S101 - flush returned otherwise
        try:
            self._client.put_log_events(
                logGroupName=self._build.log_group,
                logStreamName=self._build.log_stream,
                logEvents=events,
            )
        except ClientError as error:
            raise PhaseError(
                "ACCESS_DENIED",
                f"Error while writing the build log: {error.response['Error']['Message']}",
            ) from error
