"""One job as one process in a folder that looks like a SageMaker container's `/opt/ml`."""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .errors import JobError

ML = "/opt/ml"
ROOM = "Make room (old runs can be deleted) and run again: cached steps stay."
_ROOT = re.compile(r"(?<![\w/.-])/opt/ml(?![\w.-])")
# A private /opt: a memory file system with every entry of the real one bound into it, except
# `ml`, which is the sandbox. The host's /opt is only read.
_ENTER = """set -e
mount -t tmpfs none "$1/view"
for entry in /opt/* /opt/.[!.]*; do
  name=${entry#/opt/}
  if [ ! -e "$entry" ] || [ "$name" = ml ]; then continue; fi
  if [ -d "$entry" ]; then mkdir "$1/view/$name"; else : > "$1/view/$name"; fi
  mount --rbind "$entry" "$1/view/$name"
done
mkdir "$1/view/ml"
mount --rbind "$1/opt/ml" "$1/view/ml"
mount --rbind "$1/view" /opt
cd "$2"
shift 2
exec "$@"
"""
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _ENTER, "sh")


@functools.cache
def namespaces_work(probe: Path) -> bool:
    """Whether this system lets an ordinary user have a private `/opt` (tried in `probe`)."""
    if not shutil.which("unshare"):
        return False
    for name in ("view", "opt/ml"):
        (probe / name).mkdir(parents=True, exist_ok=True)
    command = [*_UNSHARE, str(probe), "/opt/ml", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def write_tools(folder: Path) -> None:
    """Write a `pip` that installs nothing: jobs of the SDK's would change this machine's Python."""
    line = "left out: jobs use this machine's libraries"
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "lib" / "pip").mkdir(parents=True, exist_ok=True)
    for name in ("pip", "pip3"):
        (folder / "bin" / name).write_text(f'#!/bin/sh\necho "pip $* {line}"\n', "utf-8")
        (folder / "bin" / name).chmod(0o755)
    module = f'import sys\n\nprint("pip", *sys.argv[1:], "{line}")\n'
    (folder / "lib" / "pip" / "__main__.py").write_text(module, "utf-8")


@dataclass(kw_only=True)
class Processes:
    """All processes of a run, so that Ctrl-C ends them with everything they started."""

    running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    stopping: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def start(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A process in its own group, its output in `log`; ended on leaving the block."""
        with log.open("ab") as stream, self.lock:
            if self.stopping:
                raise JobError("stopped before it started", kind="Stopped")
            process = subprocess.Popen(
                command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            self.running.add(process)
        try:
            yield process
        finally:
            _end(process, signal.SIGKILL)  # whatever the job left behind in its group
            process.wait()
            self.running.discard(process)

    def stop(self) -> None:
        """End every process: politely first, as SageMaker does."""
        with self.lock:
            self.stopping = True
            running = list(self.running)
        for process in running:
            _end(process, signal.SIGTERM)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            _end(process, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, how)


@dataclass(kw_only=True)
class Sandbox:
    """A folder with `opt/ml`, a log and a script that runs the job again.

    Attributes:
        folder: where; must not exist.
        python: interpreter that stands for the container's.
        namespace: the job sees the sandbox at `/opt/ml`; else paths it is given are rewritten.
        processes: where the job's process is entered.
        environment: what every job gets beside its own variables.
        tools: folder made by `write_tools`.
    """

    folder: Path
    python: str
    namespace: bool
    processes: Processes
    environment: Mapping[str, str]
    tools: Path

    def __post_init__(self) -> None:
        for name in ("opt/ml", "view"):
            (self.folder / name).mkdir(parents=True)

    @property
    def ml(self) -> Path:
        """The host's path of the job's `/opt/ml`."""
        return self.folder / "opt" / "ml"

    @property
    def log(self) -> Path:
        """Everything the job printed."""
        return self.folder / "log.txt"

    def path(self, container: str) -> Path:
        """The host's path of a container path below `/opt/ml` (checked by `container_path`)."""
        return self.ml / PurePosixPath(container_path(container)).relative_to(ML)

    def seen(self, value: str) -> str:
        """A string as the job has to get it: as it is, or with `/opt/ml` rewritten."""
        return value if self.namespace else _ROOT.sub(str(self.ml), value)

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: str = ML,
        timeout: float | None = None,
    ) -> None:  # fmt: skip
        """Run the job to its end.

        Args:
            command: entry point and arguments, with container paths.
            env: the container's variables, with container paths.
            cwd: working folder, a container path.
            timeout: seconds, from StoppingCondition.

        Raises:
            JobError: it ended with another status than 0, or cannot run here.
        """
        if not self.namespace:
            self._make_relocatable()
        words = [self.seen(word) for word in command]
        if Path(words[0]).name in {"python", "python3"}:
            words[0] = self.python
        variables = {name: self.seen(value) for name, value in env.items()}
        paths = [variables.get("PYTHONPATH", ""), str(self.tools / "lib")]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if self.namespace:
            words = [*_UNSHARE, str(self.folder), cwd, *words]
        base = {k: v for k, v in os.environ.items() if not _HIDDEN.match(k)}
        paths = [str(self.tools / "bin"), str(Path(self.python).parent), os.environ.get("PATH", "")]
        variables.setdefault("PATH", os.pathsep.join(filter(None, paths)))
        self._write_rerun(words, variables, cwd)
        with self.processes.start(
            words, env={**base, **self.environment, **variables}, cwd=self.path(cwd), log=self.log
        ) as process:
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                raise JobError(
                    f"longer than MaxRuntimeInSeconds ({timeout:.0f} s)", kind="MaxRuntimeExceeded"
                ) from None
        if self.processes.stopping:
            raise JobError("stopped", kind="Stopped")
        if code and any("No space left on device" in line for line in self.tail(20)):
            raise JobError(self._reason(code), next_step=ROOM, kind="DiskFull")
        if code:
            raise JobError(self._reason(code), kind=_kind(code))

    def _reason(self, code: int) -> str:
        for name in ("output/failure", "output/message"):
            with contextlib.suppress(OSError):
                if text := (self.ml / name).read_text("utf-8", "replace").strip():
                    return f"exit code {code}: {text[:1024]}"
        lines = [line for line in self.tail(1) if line]
        return f"exit code {code}" + (f": {lines[-1]}" if lines else "")

    def tail(self, lines: int) -> list[str]:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - 20_000))
                return stream.read().decode("utf-8", "replace").rstrip().splitlines()[-lines:]
        except OSError:
            return []

    def _write_rerun(self, words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        exports = [f"export {k}={shlex.quote(v)}" for k, v in {**self.environment, **env}.items()]
        # Variables such as SM_HP_LEARNING-RATE are legal for a process, but not for a shell.
        exports = [line for line in exports if re.match(r"export [A-Za-z_]\w*=", line)]
        line = f"cd {shlex.quote(str(self.path(cwd)))} && exec {shlex.join(words)}"
        text = "#!/bin/sh\n# The same job again, in the same folder.\n"
        (self.folder / "rerun.sh").write_text("\n".join([text, *exports, line, ""]), "utf-8")

    def _make_relocatable(self) -> None:
        for file in self.ml.rglob("*"):
            if file.suffix == ".sh":
                file.write_text(self.seen(file.read_text("utf-8")), "utf-8")
            elif file.suffix == ".py" and (lines := literal_paths(file.read_text("utf-8"))):
                where = ", ".join(map(str, lines))
                raise JobError(
                    f"{file.relative_to(self.ml)} opens /opt/ml literally (line {where}), and this "
                    "system allows no private mount namespace",
                    next_step="Take the path from an argument or from SM_MODEL_DIR, "
                    "SM_CHANNEL_<NAME> or SM_OUTPUT_DATA_DIR, or run on Linux with user "
                    "namespaces allowed.",
                )


_HIDDEN = re.compile(r"(AWS|SM|SAGEMAKER)_|PYTHONPATH$")


def container_path(value: str) -> str:
    """A container path that a job's folder can stand for.

    Raises:
        JobError: relative, or outside `/opt/ml`.
    """
    path = PurePosixPath(value)
    if not path.is_absolute():
        raise JobError(
            f"container path {value!r} is relative: it would depend on the image's working "
            "directory, which nobody knows here",
            next_step="Write it out, for instance /opt/ml/processing/input.",
        )
    if not path.is_relative_to(ML) or ".." in path.parts:
        raise JobError(
            f"container path {value!r} is outside /opt/ml, which is all a local job has",
            next_step="Use a path below /opt/ml.",
        )
    return str(path)


def literal_paths(source: str) -> list[int]:
    """Lines of Python code that name `/opt/ml`, except as a fallback for an `SM_` variable."""
    try:
        module = ast.parse(source)
    except SyntaxError:
        return []
    harmless: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Expr):  # a docstring
            harmless.add(id(node.value))
        elif isinstance(node, ast.Call) and len(node.args) == 2:
            name = node.args[0]
            if isinstance(name, ast.Constant) and str(name.value).startswith("SM_"):
                harmless.add(id(node.args[1]))
    return sorted(
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and id(node) not in harmless
        if isinstance(node.value, str) and _ROOT.search(node.value)
    )


def _kind(code: int) -> str:
    # The out-of-memory killer sends SIGKILL; SageMaker reports such ends as its own failure.
    return "SageMaker.JOB_INTERNAL_ERROR" if code in {-signal.SIGKILL, 137} else "AlgorithmError"
