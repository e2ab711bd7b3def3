"""Requests that an endpoint's data capture has kept."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from . import inference
from .data import DataError


def read(folder: Path) -> pd.DataFrame:
    """Return the flights of all captured requests below `folder`; refused requests are counted.

    Raises:
        DataError: a line that is not data capture's, or no request that holds the contract.
    """
    frames, refused = [], 0
    for body, kind in _requests(folder):
        try:
            frames.append(inference.input_fn(body, kind))
        except ValueError:
            # The endpoint refused it as well: it was no prediction.
            refused += 1
    if refused:
        print(f"{refused} captured requests break the data contract and were left out")
    if not frames:
        raise DataError(
            f"{folder.name}: no captured request that holds the data contract",
            next_step="check that DataUrl is the endpoint's data capture, and that it has traffic",
        )
    return pd.concat(frames, ignore_index=True)


def _requests(folder: Path) -> Iterator[tuple[str | bytes, str]]:
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    request = json.loads(line)["captureData"]["endpointInput"]
                    body, encoding = request["data"], request["encoding"]
                    kind = request["observedContentType"]
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError(
                        f"{file.name}, line {number}: not a captured request ({error!r})",
                        next_step="give DataUrl the folder that the endpoint's data capture writes",
                    ) from error
                yield (base64.b64decode(body) if encoding == "BASE64" else body), kind
