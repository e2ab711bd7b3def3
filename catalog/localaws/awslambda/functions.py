"""Functions as moto keeps them: configuration, code, resource policy."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError

_OWN = "lambda.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Function:
    """What an invocation needs to know.

    Attributes:
        timeout: seconds.
        memory: megabytes; not enforced.
        concurrency: reserved concurrent executions, or None.
        retries: attempts after the first one of an asynchronous invocation.
    """

    arn: str
    name: str
    account: str
    region: str
    version: str
    role: str
    runtime: str
    handler: str
    timeout: int
    memory: int
    variables: Mapping[str, str]
    log_group: str
    code: bytes
    concurrency: int | None
    retries: int


def split_name(name: str, *, account: str, region: str) -> tuple[str, str, str, str | None]:
    """Return account, region, name and qualifier of a function in any of its name forms.

    Forms: `NAME`, `NAME:ALIAS`, `ACCOUNT:function:NAME` and the ARN, each with or without alias.
    """
    parts = name.split(":")
    if parts[0] == "arn":
        region, account = parts[3], parts[4]
        parts = parts[6:]
    elif len(parts) >= 3 and parts[1] == "function":
        account, parts = parts[0], parts[2:]
    return account, region, parts[0], parts[1] if len(parts) > 1 else None


def find_function(
    aws: LocalAws, name: str, *, account: str, region: str, qualifier: str | None = None
) -> Function:
    """Return a function.

    Raises:
        ServiceError: `ResourceNotFoundException`.
    """
    account, region, short, own_qualifier = split_name(name, account=account, region=region)
    qualifier = qualifier or own_qualifier
    client = aws.client_as(aws.credentials(account=account), "lambda", region=region, via=_OWN)
    extra = {"Qualifier": qualifier} if qualifier else {}
    try:
        found = client.get_function(FunctionName=short, **extra)
    except ClientError:
        arn = f"arn:aws:lambda:{region}:{account}:function:{short}"
        arn += f":{qualifier}" if qualifier else ""
        raise ServiceError(
            "ResourceNotFoundException", f"Function not found: {arn}", status=404
        ) from None
    settings = found["Configuration"]
    return Function(
        arn=f"arn:aws:lambda:{region}:{account}:function:{short}",
        name=short,
        account=account,
        region=region,
        version=settings.get("Version", "$LATEST"),
        role=settings["Role"],
        runtime=settings.get("Runtime", ""),
        handler=settings.get("Handler", ""),
        timeout=int(settings.get("Timeout", 3)),
        memory=int(settings.get("MemorySize", 128)),
        variables=settings.get("Environment", {}).get("Variables", {}),
        log_group=settings.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{short}",
        code=_code(account, region, short, qualifier),
        concurrency=found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        retries=_retries(client, short),
    )


def _code(account: str, region: str, name: str, qualifier: str | None) -> bytes:
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415 - imported on first use

    stored = lambda_backends[account][region].get_function(name, qualifier)
    return bytes(stored.code_bytes)


def _retries(client: object, name: str) -> int:
    try:
        settings = client.get_function_event_invoke_config(FunctionName=name)  # type: ignore[attr-defined]
    except ClientError:
        return 2
    return int(settings.get("MaximumRetryAttempts", 2))


def resource_policy(aws: LocalAws, function: Function) -> str | None:
    """Return the JSON of a function's resource policy, or None when it has none."""
    client = aws.client_as(
        aws.credentials(account=function.account), "lambda", region=function.region, via=_OWN
    )
    try:
        return str(client.get_policy(FunctionName=function.name)["Policy"])
    except ClientError:
        return None


def unpack(function: Function, folder: Path) -> Path:
    """Return a folder with the function's code, unpacked once per content."""
    digest = hashlib.sha256(function.code).hexdigest()[:16]
    target = folder / f"{function.account}-{function.region}-{function.name}" / digest
    if not target.exists():
        scratch = target.with_name(f"{digest}.{id(function)}")
        scratch.mkdir(parents=True)
        with zipfile.ZipFile(io.BytesIO(function.code)) as archive:
            archive.extractall(scratch)
        try:
            scratch.rename(target)
        except OSError:
            # Another invocation was first; its copy has the same content.
            if not target.exists():
                raise
    return target
