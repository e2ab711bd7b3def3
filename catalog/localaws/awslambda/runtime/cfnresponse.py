"""The `cfnresponse` module that AWS puts beside inline code: answers a custom resource's event."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

SUCCESS = "SUCCESS"
FAILED = "FAILED"


def send(
    event: dict[str, Any],
    context: Any,
    responseStatus: str,
    responseData: dict[str, Any] | None,
    physicalResourceId: str | None = None,
    noEcho: bool = False,  # noqa: FBT001, FBT002
    reason: str | None = None,
) -> None:
    """Send the answer to the event's ResponseURL.

    Args:
        event: as the handler got it.
        context: as the handler got it.
        responseStatus: SUCCESS or FAILED.
        responseData: attributes for `Fn::GetAtt`.
        physicalResourceId: id of the resource; the log stream's name by default.
        noEcho: whether the data is secret.
        reason: why it failed; where the log is by default.
    """
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData or {},
    }
    request = urllib.request.Request(  # noqa: S310 - the URL is CloudFormation's own
        event["ResponseURL"],
        data=json.dumps(answer).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        print(f"Status code: {response.status}")  # noqa: T201 - goes to the function's log
