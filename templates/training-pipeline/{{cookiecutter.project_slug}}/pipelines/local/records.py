"""Records of a batch transform: splitting, filters (SageMaker's JSONPath subset), joining."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from .errors import RunnerError

# $ root, .name, .* and [*], ['a','b'], [0,-1], [1:3]: what "Associate Prediction Results with
# Input Records" in the SageMaker developer guide lists.
_SEGMENT = re.compile(
    r"\.?\[\s*(?P<names>'[^']*'(?:\s*,\s*'[^']*')*)\s*\]|\[\s*(?P<indexes>-?\d+(?:\s*,\s*-?\d+)*)\s*\]"
    r"|\[\s*(?P<start>-?\d*)\s*:\s*(?P<end>-?\d*)\s*\]|(?P<all>\.\*|\[\*\])|\.(?P<name>[^.\[\]'*]+)"
)
Select = Callable[[Any], Any]


def compile_path(path: str) -> Select | None:
    """A function that applies a filter to a record; None for `$`, which changes nothing.

    Raises:
        RunnerError: outside the subset that SageMaker documents.
    """
    if not path.startswith("$"):
        raise RunnerError(f"filter {path!r}: starts with $")
    steps: list[Select] = []
    position = 1
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if not match:
            raise RunnerError(f"filter {path!r}: {path[position:]!r} is not in SageMaker's subset")
        steps.append(_step(match))
        position = match.end()

    def select(record: Any) -> Any:
        for step in steps:
            record = step(record)
        return record

    return select if steps else None


def _step(match: re.Match[str]) -> Select:
    if match["all"]:
        return lambda value: list(value.values()) if isinstance(value, dict) else list(value)
    if match["names"] or match["name"]:
        names = re.findall(r"'([^']*)'", match["names"]) if match["names"] else [match["name"]]
        if len(names) == 1:
            return lambda value: value[names[0]]
        return lambda value: {name: value[name] for name in names}
    if match["indexes"]:
        indexes = [int(index) for index in match["indexes"].split(",")]
        if len(indexes) == 1:
            return lambda value: value[indexes[0]]
        return lambda value: [value[index] for index in indexes]
    window = slice(*(int(match[end]) if match[end] else None for end in ("start", "end")))
    return lambda value: value[window]


def batches(stream: BinaryIO, *, split: str, strategy: str, payload: int) -> Iterator[list[bytes]]:
    """Records of a file in requests of at most `payload` bytes; never the whole file at once.

    Args:
        stream: the file.
        split: SplitType, `Line` or `None` (the file is one record).
        strategy: BatchStrategy, `MultiRecord` or `SingleRecord`.
        payload: MaxPayloadInMB in bytes.

    Raises:
        RunnerError: a record larger than a request may be.
    """
    if split != "Line":
        whole = stream.read(payload + 1)
        if len(whole) > payload:
            raise RunnerError(f"the file is larger than MaxPayloadInMB ({payload >> 20} MB)")
        yield [whole]
        return
    batch: list[bytes] = []
    size = 0
    while line := stream.readline(payload + 1):
        if len(line) > payload:
            raise RunnerError(f"a record is larger than MaxPayloadInMB ({payload >> 20} MB)")
        if batch and (strategy == "SingleRecord" or size + len(line) > payload):
            yield batch
            batch, size = [], 0
        if record := line.rstrip(b"\r\n"):
            batch.append(record)
            size += len(line)
    if batch:
        yield batch


class Csv:
    """Records as lines of comma-separated fields."""

    @staticmethod
    def read(record: bytes) -> list[str]:
        """Fields of a line."""
        text = record.decode()
        return next(csv.reader([text])) if '"' in text else text.split(",")

    @staticmethod
    def write(value: Any) -> bytes:
        """A line of fields."""
        fields = value if isinstance(value, list) else [value]
        text = ",".join(map(str, fields))
        if '"' in text or text.count(",") != len(fields) - 1:
            csv.writer(out := io.StringIO(), lineterminator="").writerow(fields)
            text = out.getvalue()
        return text.encode()

    @staticmethod
    def join(record: list[str], prediction: list[str]) -> list[str]:
        """The prediction as further columns."""
        return record + prediction


class Json:
    """Records as JSON documents, one per line."""

    @staticmethod
    def read(record: bytes) -> Any:
        """A document."""
        return json.loads(record)

    @staticmethod
    def write(value: Any) -> bytes:
        """A line of JSON."""
        return json.dumps(value, separators=(",", ":")).encode()

    @staticmethod
    def join(record: Any, prediction: Any) -> Any:
        """The prediction under the key that SageMaker uses."""
        inner = record if isinstance(record, dict) else {"SageMakerInput": record}
        return {**inner, "SageMakerOutput": prediction}


def format_of(content_type: str) -> type[Csv] | type[Json]:
    """The format that filters and joins work on.

    Raises:
        RunnerError: neither CSV nor JSON.
    """
    kind = content_type.partition(";")[0].strip()
    if kind == "text/csv":
        return Csv
    if kind in {"application/json", "application/jsonlines"}:
        return Json
    raise RunnerError(f"filters and joins work on CSV and JSON, not on {content_type!r}")
