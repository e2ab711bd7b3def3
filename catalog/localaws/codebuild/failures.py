"""How a phase of a build fails."""

from __future__ import annotations

from botocore.exceptions import ClientError

from catalog.localaws.codebuild.builds import FAILED


class PhaseError(Exception):
    """The phase ends with `status` and this context.

    Args:
        code: the context's statusCode (`CLIENT_ERROR`).
        message: the context's message.
        status: the phase's, and the build's, status.
    """

    def __init__(self, code: str, message: str, *, status: str = FAILED) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def refusal(error: ClientError) -> str:
    """Return an AWS refusal as CodeBuild's own client words it."""
    answer = error.response
    told = answer.get("Error", {})
    metadata = answer.get("ResponseMetadata", {})
    return (
        f"{told.get('Code', '')}: {told.get('Message', '')} "
        f"status code: {metadata.get('HTTPStatusCode', 0)}, "
        f"request id: {metadata.get('RequestId', '')}"
    )
