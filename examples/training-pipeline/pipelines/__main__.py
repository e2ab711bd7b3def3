"""`python -m pipelines check|compile|upsert`: see the Makefile."""

import os
import sys
from pathlib import Path

from . import recorded, upsert

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Run one command and return the exit code."""
    commands = {"check": _check, "compile": _compile, "upsert": _upsert}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m pipelines {'|'.join(commands)}", file=sys.stderr)
        return 2
    try:
        commands[arguments[0]]()
    except (recorded.StaleDefinitionError, upsert.UpsertError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check() -> None:
    recorded.check(FOLDER)


def _compile() -> None:
    try:
        from . import compile as compiler
    except ImportError as error:
        raise upsert.UpsertError(f"{error}. Next: make compile, which installs the SDK") from error
    compiler.main(FOLDER)
    print(f"wrote {FOLDER.name}/{recorded.DEFINITION} and {recorded.DRIFT}")


def _upsert() -> None:
    import boto3

    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    arn = upsert.upsert(os.environ, sagemaker=session.client("sagemaker"), s3=session.client("s3"))
    print(arn)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
