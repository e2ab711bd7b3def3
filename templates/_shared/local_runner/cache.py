"""Step caching by content: what a step reads and runs, not when or where, decides."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import RunnerError
from .jobs import Request
from .kinds import KINDS
from .store import Store

_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_SECONDS = (31_536_000, 2_592_000, 604_800, 86_400, 3_600, 60, 1)


class Cache:
    """Results of earlier runs.

    Args:
        root: folder of the entries, one JSON file each.
        store: where the data of the results are; they are not copied.
        python: the interpreter that runs jobs.
    """

    def __init__(self, root: Path, store: Store, *, python: str) -> None:
        self._root, self._store = root, store
        root.mkdir(parents=True, exist_ok=True)
        # Distributions as folder names, versions included: a host library that changes is a miss.
        packages = sorted(p.name for p in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
        self._host = [python, sysconfig.get_python_version(), packages]

    def key(self, kind: str, request: Request, model: Mapping[str, Any] | None) -> str:
        """A hash of everything that decides a step's result.

        Args:
            kind: step type.
            request: its resolved arguments.
            model: the container of the model that a Transform step uses.
        """
        written = {str(uri).rstrip("/") for uri in KINDS[kind].outputs(request)}

        def content(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: content(item) for name, item in value.items()}
            if isinstance(value, list):
                return [content(item) for item in value]
            uri = value.strip('"').rstrip("/") if isinstance(value, str) else ""
            if not re.match("s3://[^/]+/.", uri):  # a bare bucket says nothing about what is read
                return value
            if uri in written:
                return "s3://output"
            return f"sha256:{digest}" if (digest := self._store.digest(uri)) else value

        plain = {k: v for k, v in request.items() if k not in {"RoleArn", "Tags", "ModelName"}}
        document = [kind, content(plain), content(dict(model or {})), self._host]
        text = json.dumps(document, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str, kind: str, request: Request, *, expires: str | None) -> Request | None:
        """The properties of an equal step, its data put where this request wants them."""
        file = self._root / f"{key}.json"
        try:
            entry = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if expires and time.time() - entry["time"] > duration(expires):
            return None
        if any(self._store.digest(uri) != digest for uri, digest in entry["data"].items()):
            return None
        targets = [str(uri) for uri in KINDS[kind].outputs(request)]
        text = json.dumps(entry["properties"])
        for source, target in zip(entry["outputs"], targets, strict=True):
            if kind in {"Processing", "Transform"} and source != target:
                if source in entry["data"]:
                    self._store.link(source, target)
                text = text.replace(json.dumps(source), json.dumps(target))
        properties: Request = json.loads(text)
        return properties

    def put(self, key: str, kind: str, request: Request, properties: Request) -> None:
        """Remember a result; written aside and renamed, so a killed run leaves no half entry."""
        outputs = [str(uri) for uri in KINDS[kind].outputs(request)]
        uris = outputs if kind in {"Processing", "Transform"} else _artifacts(kind, properties)
        data = {uri: digest for uri in uris if (digest := self._store.digest(uri))}
        entry = {"time": time.time(), "outputs": outputs, "data": data, "properties": properties}
        handle, name = tempfile.mkstemp(dir=self._root)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(entry, stream, default=str)
        Path(name).replace(self._root / f"{key}.json")


def _artifacts(kind: str, properties: Request) -> list[str]:
    if kind == "Training":
        jobs, base = [properties["TrainingJobName"]], properties["OutputDataConfig"]
    else:
        done = properties["TrainingJobSummaries"]
        jobs = [t["TrainingJobName"] for t in done if t["TrainingJobStatus"] == "Completed"]
        base = properties["TrainingJobDefinition"]["OutputDataConfig"]
    return [f"{base['S3OutputPath'].rstrip('/')}/{job}/output" for job in jobs]


def duration(text: str) -> float:
    """Seconds of an ISO 8601 duration such as P30D, PT12H (a year is 365 days, a month 30)."""
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise RunnerError(f"{text!r}: not an ISO 8601 duration (ExpireAfter), such as P30D")
    return float(sum(int(n or 0) * s for n, s in zip(match.groups(), _SECONDS, strict=True)))
