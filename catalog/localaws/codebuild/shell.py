"""The shell a build's commands run in.

CodeBuild runs all commands of a version 0.2 buildspec in one instance of the shell, so the working
directory, variables and functions that one command sets are there for the next. A command that ends
the shell (`exit 3`) fails or succeeds by itself; the next command gets a new shell with the
exported variables and the working directory that the old one left.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_DRIVER = """\
exec 3<&0 4>&1 0</dev/null 1>>{log} 2>&1
trap 'export -p >{exports}; pwd >{cwd}' EXIT
if [ -s {exports} ]; then . {exports}; cd "$(cat {cwd})"; fi
while IFS= read -r CODEBUILD_COMMAND_FILE <&3; do
  . "$CODEBUILD_COMMAND_FILE" 3<&- 4>&-
  echo "$?" >&4
done
"""


class CommandTimeoutError(Exception):
    """The deadline passed while a command ran; its processes are gone."""


class Shell:
    """One build's shell session.

    Args:
        program: `sh` or `bash`.
        environment: the whole environment of the first command.
        directory: the first command's working directory.
        folder: a private folder for the session's own files.
        log: the file that takes the commands' output.
    """

    def __init__(
        self,
        *,
        program: str,
        environment: Mapping[str, str],
        directory: Path,
        folder: Path,
        log: Path,
    ) -> None:
        self._program = program
        self._environment = dict(environment)
        self._directory = directory
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._count = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._driver = folder / "driver.sh"
        self._driver.write_text(
            _DRIVER.format(
                log=shlex.quote(str(log)),
                exports=shlex.quote(str(folder / "exports")),
                cwd=shlex.quote(str(folder / "cwd")),
            )
        )

    def run(self, command: str, *, deadline: float) -> int:
        """Run one command to its end.

        Args:
            command: shell text, of one or more lines.
            deadline: `time.monotonic()` value at which the command is killed.

        Returns:
            The exit status; 137 after `kill`.

        Raises:
            CommandTimeoutError: the deadline passed.
        """
        if self._killed:
            return 128 + signal.SIGKILL
        process = self._process or self._start()
        self._count += 1
        script = self._folder / f"command-{self._count}.sh"
        script.write_text(command + "\n")
        assert process.stdin is not None  # noqa: S101 - opened as a pipe in _start
        try:
            process.stdin.write(f"{script}\n".encode())
            process.stdin.flush()
        except BrokenPipeError:
            return self._ended(process)
        answer = self._read_line(process, deadline=deadline)
        return int(answer) if answer else self._ended(process)

    def kill(self) -> None:
        """End the shell and everything it started; later commands do not run."""
        self._killed = True
        self._kill_group()

    def close(self) -> None:
        """End the session; background processes that commands left behind end with it."""
        self._kill_group()
        if self._process:
            self._reap(self._process)
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [self._program, str(self._driver)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._directory,
            env=self._environment,
            start_new_session=True,
        )
        if self._killed:
            self._kill_group()
        return self._process

    def _read_line(self, process: subprocess.Popen[bytes], *, deadline: float) -> bytes:
        assert process.stdout is not None  # noqa: S101 - opened as a pipe in _start
        fd = process.stdout.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        line = b""
        while not line.endswith(b"\n"):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self.kill()
                self._reap(process)
                raise CommandTimeoutError
            chunk = os.read(fd, 64)
            if not chunk:
                return b""
            line += chunk
        return line

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        status = self._reap(process)
        self._process = None
        return status if status >= 0 else 128 - status

    def _reap(self, process: subprocess.Popen[bytes]) -> int:
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        return process.wait()

    def _kill_group(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
