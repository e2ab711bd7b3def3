"""Runs one invocation of a Python function: the child process of `catalog.localaws.awslambda`.

Arguments: the handler as `module.function`, the descriptor to answer on. The event comes on
standard input. Two lines of JSON go out: `{"ready": true}` once the module is imported (from then
on the time-out counts, as on AWS), then the result or the error. Standard output and error are the
function's log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from typing import Any


class Context:
    """The second argument of a handler."""

    def __init__(self) -> None:
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.aws_request_id = os.environ.pop("_LOCALAWS_REQUEST_ID")
        self.invoked_function_arn = os.environ.pop("_LOCALAWS_FUNCTION_ARN")
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + float(os.environ.pop("_LOCALAWS_TIMEOUT"))

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left before the function is stopped."""
        return max(0, int(1000 * (self._deadline - time.monotonic())))


def _error(kind: str, error: BaseException, request_id: str) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


def _load(handler: str) -> Any:
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), name)


def main() -> None:
    """Import the handler, call it with the event, answer."""
    handler, descriptor = sys.argv[1], int(sys.argv[2])
    request_id = os.environ["_LOCALAWS_REQUEST_ID"]
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:

        def answer(**line: Any) -> None:
            out.write(json.dumps(line) + "\n")
            out.flush()

        event = json.load(sys.stdin)
        try:
            function = _load(handler)
        except AttributeError as error:
            answer(error=_error("Runtime.HandlerNotFound", error, request_id))
            return
        except ImportError as error:
            answer(error=_error("Runtime.ImportModuleError", error, request_id))
            return
        except SyntaxError as error:
            answer(error=_error("Runtime.UserCodeSyntaxError", error, request_id))
            return
        except Exception as error:  # noqa: BLE001 - whatever the module raises ends here
            answer(error=_error(type(error).__name__, error, request_id))
            return
        answer(ready=True)
        try:
            result = function(event, Context())
        except Exception as error:  # noqa: BLE001 - whatever the handler raises ends here
            traceback.print_exc()
            answer(error=_error(type(error).__name__, error, request_id))
            return
        try:
            answer(result=result)
        except TypeError as error:
            answer(error=_error("Runtime.MarshalError", error, request_id))


if __name__ == "__main__":
    main()
