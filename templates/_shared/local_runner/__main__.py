"""The command line: `run`, `list`, `approve`, `serve`."""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import report, serve
from .errors import RunnerError
from .registry import STATUSES, Registry
from .runner import run
from .settings import Settings, load
from .store import Store


def _parser() -> argparse.ArgumentParser:
    program = f"python -m {__package__}"
    parser = argparse.ArgumentParser(prog=program, description="SageMaker pipelines, locally.")
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--store", type=Path, metavar="DIR", help="store, registry and runs")

    one = commands.add_parser("run", parents=[common], help="run a compiled pipeline definition")
    one.add_argument("definition", nargs="?", type=Path)
    one.add_argument("--parameter", "-p", action="append", default=[], metavar="NAME=VALUE")
    one.add_argument("--code", action="append", default=[], metavar="NAME=PATH[,PATH]")
    one.add_argument("--mount", action="append", default=[], metavar="S3URI=FOLDER")
    one.add_argument("--no-cache", action="store_true", help="run every step")
    one.add_argument("--skip-unsupported", action="store_true", help="leave unknown steps out")
    one.add_argument("--isolation", choices=["auto", "namespace", "rewrite"], default="auto")
    one.add_argument("--max-parallel", type=int, metavar="N")
    one.add_argument("--python", default=sys.executable, help="interpreter of the jobs")
    one.add_argument("--keep", action="store_true", help="keep sandboxes of good steps")

    listing = commands.add_parser("list", parents=[common], help="list registered models")
    listing.add_argument("group", nargs="?")

    approve = commands.add_parser("approve", parents=[common], help="set an approval status")
    approve.add_argument("package", help="GROUP/VERSION or the ARN")
    approve.add_argument("--status", choices=STATUSES, default="Approved")

    serving = commands.add_parser("serve", parents=[common], help="serve a model on localhost")
    serving.add_argument("model", nargs="?", help="GROUP, GROUP/VERSION, S3 URI or folder")
    serving.add_argument("--host", default="127.0.0.1")
    serving.add_argument("--port", type=int, default=8080)
    return parser


def _pairs(values: Sequence[str], flag: str) -> dict[str, str]:
    for value in values:
        if "=" not in value:
            raise RunnerError(f"{flag} {value}: write NAME=VALUE")
    return dict(value.split("=", 1) for value in values)


def _run(options: argparse.Namespace, settings: Settings, work: Path) -> int:
    code = {k: [Path(p) for p in v.split(",")] for k, v in _pairs(options.code, "--code").items()}
    mounts = {k: Path(v) for k, v in _pairs(options.mount, "--mount").items()}
    result = run(
        options.definition or settings.definition,
        parameters=_pairs(options.parameter, "--parameter"),
        work=work,
        bucket=settings.bucket,
        model_package_group=settings.model_package_group,
        code={**settings.code, **code},
        mounts={**settings.mounts, **mounts},
        python=options.python,
        use_cache=not options.no_cache,
        skip_unsupported=options.skip_unsupported,
        isolation=options.isolation,
        max_parallel=options.max_parallel,
        keep=options.keep,
    )
    print(report.summary(result, Store(work / "s3", mounts={**settings.mounts, **mounts})))
    return {"Succeeded": 0, "Stopped": 130}.get(result.status, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 good, 1 a step failed, 2 a mistake, 130 Ctrl-C)."""
    options: Any = _parser().parse_args(arguments)
    try:
        settings = load(Path.cwd())
        work = (options.store or settings.work).resolve()
        registry = Registry(work / "registry")
        if options.command == "run":
            return _run(options, settings, work)
        if options.command == "serve":
            serve.main(options.model, work=work, host=options.host, port=options.port)
        elif options.command == "approve":
            package = registry.approve(options.package, status=options.status)
            print(f"{package['ModelPackageArn']} is {package['ModelApprovalStatus']}")
        else:
            for group in [options.group] if options.group else registry.groups():
                for package in registry.packages(group):
                    print(f"{package['ModelPackageArn']}  {package['ModelApprovalStatus']}")
    except RunnerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(main())
