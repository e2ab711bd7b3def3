"""What an action is given and what it gives back."""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import S3Place
from catalog.localaws.codepipeline.executions import ActionExecution, Execution
from catalog.localaws.codepipeline.waiting import Approvals, Jobs
from catalog.localaws.core.local import LocalAws

_ALPHABET = string.ascii_letters + string.digits


class ActionFailureError(Exception):
    """The action fails with these error details.

    Args:
        code: `JobFailed`, `PermissionError`, `ConfigurationError`.
        message: what is shown.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AbandonedError(Exception):
    """The execution was stopped while the action ran."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a successful action leaves.

    Attributes:
        variables: put into the action's namespace.
        revision: of a source action: commit id or S3 version.
    """

    outputs: Mapping[str, S3Place] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    external_id: str = ""
    external_url: str = ""
    summary: str = ""
    revision: str = ""


@dataclass(kw_only=True)
class ActionContext:
    """One action about to run.

    Attributes:
        credentials: of the action's role, or of the pipeline's.
        configuration: with variables resolved.
        minute_seconds: how long one minute of an action's timeout lasts, in seconds.
    """

    aws: LocalAws
    account: str
    region: str
    execution: Execution
    record: ActionExecution
    credentials: dict[str, str]
    configuration: dict[str, str]
    minute_seconds: float
    approvals: Approvals
    jobs: Jobs

    def client(self, service: str) -> Any:
        """Return a client of the action's role in the action's region."""
        return self.aws.client_as(
            self.credentials, service, region=self.region, via="codepipeline.amazonaws.com"
        )

    def need(self, key: str) -> str:
        """Return a configuration value that must be there.

        Raises:
            ActionFailureError: it is not.
        """
        value = self.configuration.get(key, "")
        if not value:
            raise ActionFailureError("ConfigurationError", f"Configuration {key} is missing")
        return value

    # Artifacts

    def store(self) -> dict[str, Any]:
        """Return the artifact store of the action's region."""
        declaration = self.execution.declaration
        stores: dict[str, Any] = declaration.get("artifactStores", {})
        found: dict[str, Any] = stores.get(self.region) or declaration.get("artifactStore", {})
        if not found:
            raise ActionFailureError(
                "ConfigurationError", f"No artifact store for region {self.region}"
            )
        return found

    def encryption_key(self) -> str | None:
        """Return the store's KMS key, or None for S3's own."""
        key: str | None = self.store().get("encryptionKey", {}).get("id")
        return key

    def output_names(self) -> list[str]:
        """Return the names of the action's output artifacts."""
        return [item["name"] for item in self.record.declaration["outputArtifacts"]]

    def new_place(self, artifact: str) -> S3Place:
        """Return where an output artifact goes; AWS cuts the names in the key."""
        unique = "".join(secrets.choice(_ALPHABET) for _ in range(7))
        key = f"{self.execution.pipeline[:20]}/{artifact[:10]}/{unique}"
        return S3Place(bucket=self.store()["location"], key=key)

    def put(self, artifact: str, content: bytes) -> S3Place:
        """Store an output artifact.

        Raises:
            ActionFailureError: S3 refuses.
        """
        place = self.new_place(artifact)
        key = self.encryption_key()
        extra = {"SSEKMSKeyId": key} if key else {}
        self.ask(
            self.client("s3").put_object,
            Bucket=place.bucket,
            Key=place.key,
            Body=content,
            ContentType="application/zip",
            ServerSideEncryption="aws:kms",
            **extra,
        )
        return place

    def get(self, artifact: str) -> bytes:
        """Return an input artifact.

        Raises:
            ActionFailureError: S3 refuses.
        """
        place = self.record.inputs[artifact]
        answer = self.ask(self.client("s3").get_object, Bucket=place.bucket, Key=place.key)
        content: bytes = answer["Body"].read()
        return content

    # Calls and waiting

    def ask(self, call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
        """Call AWS; a refusal fails the action.

        Raises:
            ActionFailureError: the call was refused.
        """
        try:
            return call(**arguments)
        except ClientError as error:
            told = error.response["Error"]
            denied = "AccessDenied" in told["Code"] or told["Code"] == "403"
            raise ActionFailureError(
                "PermissionError" if denied else "JobFailed",
                f"{told['Code']}: {told['Message']} (Service: {error.operation_name})",
            ) from error

    def wait(self, event: threading.Event, *, minutes: float | None = None) -> bool:
        """Wait for an event; False when it has not come in time.

        Raises:
            AbandonedError: the execution was stopped meanwhile.
        """
        deadline = None if minutes is None else time.monotonic() + minutes * self.minute_seconds
        while not event.wait(0.1):
            if self.execution.abandon.is_set() or self.aws.stopping.is_set():
                raise AbandonedError
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def poll(self, done: Callable[[], bool]) -> None:
        """Ask again and again until `done`.

        Raises:
            AbandonedError: the execution was stopped meanwhile.
        """
        while not done():
            if self.execution.abandon.is_set() or not self.aws.pause(0.05):
                raise AbandonedError
