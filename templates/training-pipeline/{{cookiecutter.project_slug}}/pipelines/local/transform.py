"""The process of a batch transform: streams files through a model in bounded memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .errors import RunnerError
from .records import batches, compile_path, format_of
from .serving import Model


class Transform:
    """One transform job's way from input records to output lines.

    Args:
        model: answers requests.
        settings: the job's request in short, written by the runner.
    """

    def __init__(self, model: Model, settings: Mapping[str, Any]) -> None:
        self._model, self._settings = model, settings
        self._before = compile_path(settings["InputFilter"])
        self._after = compile_path(settings["OutputFilter"])
        self._joined = settings["JoinSource"] == "Input"
        self.rows = 0

    def file(self, source: BinaryIO, target: BinaryIO) -> None:
        """Transform one file."""
        settings = self._settings
        end = b"\n" if settings["assemble"] == "Line" else b""
        limits = {key: settings[key] for key in ("split", "strategy", "payload")}
        for records in batches(source, **limits):
            body = b"\n".join(self._filtered(records))
            response, kind = self._model.respond(body, settings["content_type"], settings["accept"])
            self.rows += len(records)
            if self._joined or self._after:
                response = (end or b"\n").join(self._results(records, response, kind))
            target.write(response.rstrip(b"\n") + end if end else response)

    def _filtered(self, records: Sequence[bytes]) -> Sequence[bytes]:
        if not self._before:
            return records
        form = format_of(self._settings["content_type"])
        return [form.write(self._before(form.read(record))) for record in records]

    def _results(self, records: Sequence[bytes], response: bytes, kind: str) -> list[bytes]:
        one = self._settings["split"] != "Line"
        lines = [response.strip()] if one else response.strip().splitlines()
        if len(lines) != len(records):
            raise RunnerError(
                f"{len(lines)} lines came back for {len(records)} records: to join or filter, "
                "output_fn must return one line per record"
            )
        form = format_of(kind)
        if self._joined and format_of(self._settings["content_type"]) is not form:
            raise RunnerError(f"{self._settings['content_type']!r} and {kind!r} cannot be joined")
        if self._joined and not self._after and form.__name__ == "Csv":
            return [record + b"," + line for record, line in zip(records, lines, strict=True)]
        results = []
        for record, line in zip(records, lines, strict=True):
            value = form.read(line)
            if self._joined:
                value = form.join(form.read(record), value)
            results.append(form.write(self._after(value) if self._after else value))
        return results


def main(settings_file: str, folder: str) -> None:
    """Transform the files that the settings name; each gives one object, `<name>.out`."""
    settings = json.loads(Path(settings_file).read_text("utf-8"))
    try:
        work = Transform(Model(Path(folder), os.environ), settings)
        started = time.perf_counter()
        for name, path in settings["files"]:
            target = Path(settings["output"], f"{name}.out")
            target.parent.mkdir(parents=True, exist_ok=True)
            with Path(path).open("rb") as source, target.open("wb") as sink:
                work.file(source, sink)
        seconds = time.perf_counter() - started
        print(f"{work.rows} records in {seconds:.2f} s")  # noqa: T201
    except RunnerError as error:
        sys.exit(f"{error}")
