"""One invocation in a process of its own: environment, time-out, result, log."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RUNTIME = Path(__file__).parent / "runtime"
_INIT_SECONDS = 60.0  # AWS allows ten; a busy laptop imports boto3 more slowly
_TICK = 0.1
_FROM_HOST = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SYSTEMROOT")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an invocation ended.

    Attributes:
        payload: JSON of the result, or of the error object.
        failed: whether the function raised, ended early or ran out of time.
        log: everything it printed.
    """

    payload: bytes
    failed: bool
    log: bytes
    seconds: float


def run(  # noqa: PLR0913 - one argument per property of an invocation
    *,
    handler: str,
    code: Path,
    event: bytes,
    environment: Mapping[str, str],
    request_id: str,
    function_arn: str,
    timeout: float,
    log_file: Path,
    stopping: Callable[[], bool],
) -> Outcome:
    """Run a handler and return how it ended.

    Args:
        handler: `module.function`.
        code: the unpacked code.
        event: JSON.
        environment: AWS's and the function's own variables.
        request_id: of this invocation.
        function_arn: as it was invoked.
        timeout: seconds from the moment the handler is called.
        log_file: takes standard output and error.
        stopping: asked while waiting; true kills the process.
    """
    started = time.monotonic()
    log_file.parent.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    variables = {name: os.environ[name] for name in _FROM_HOST if name in os.environ}
    variables |= environment
    variables |= {
        "_LOCALAWS_REQUEST_ID": request_id,
        "_LOCALAWS_FUNCTION_ARN": function_arn,
        "_LOCALAWS_TIMEOUT": str(timeout),
        "PYTHONPATH": os.pathsep.join([str(code), str(_RUNTIME)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(_RUNTIME / "bootstrap.py"), handler, str(writer)],
            cwd=code,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
        )
    os.close(writer)
    try:
        _send(process, event)
        answer = _wait(process, reader, timeout=timeout, stopping=stopping)
    finally:
        _kill(process)
        os.close(reader)
    answer = answer or _died(process, request_id)
    if "timeout" in answer:
        text = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
        answer = {"error": {"errorType": "Sandbox.Timedout", "errorMessage": text}}
    return Outcome(
        payload=json.dumps(answer.get("error", answer.get("result"))).encode(),
        failed="error" in answer,
        log=log_file.read_bytes(),
        seconds=time.monotonic() - started,
    )


def _send(process: subprocess.Popen[bytes], event: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - opened as a pipe above
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(event)
        process.stdin.close()


def _wait(
    process: subprocess.Popen[bytes], reader: int, *, timeout: float, stopping: Callable[[], bool]
) -> dict[str, Any]:
    """Return the last line that the child answered; empty when it ended without one."""
    deadline = time.monotonic() + _INIT_SECONDS
    buffer = b""
    while not stopping():
        if time.monotonic() > deadline:
            return {"timeout": True}
        ready, _, _ = select.select([reader], [], [], _TICK)
        if not ready:
            continue
        chunk = os.read(reader, 1 << 16)
        if not chunk:
            process.wait()
            return {}
        buffer += chunk
        while b"\n" in buffer:
            line, _, buffer = buffer.partition(b"\n")
            answer: dict[str, Any] = json.loads(line)
            if "ready" not in answer:
                return answer
            deadline = time.monotonic() + timeout
    return {}


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _died(process: subprocess.Popen[bytes], request_id: str) -> dict[str, Any]:
    text = f"RequestId: {request_id} Error: Runtime exited with error: exit status"
    message = f"{text} {process.returncode}"
    return {"error": {"errorType": "Runtime.ExitError", "errorMessage": message}}
