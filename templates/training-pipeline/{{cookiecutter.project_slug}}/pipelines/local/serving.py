"""The serving contract of the framework containers: model_fn, input_fn, predict_fn, output_fn."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import RunnerError

_TEXT = ("text/", "application/json", "application/jsonlines", "application/xml")


class Model:
    """A model and its inference script, loaded once.

    Args:
        folder: what the container sees as `/opt/ml/model`.
        environment: the container's variables; SAGEMAKER_PROGRAM and
            SAGEMAKER_SUBMIT_DIRECTORY name the script.

    Raises:
        RunnerError: there is no script, or it has no model_fn.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        program = environment.get("SAGEMAKER_PROGRAM") or "inference.py"
        source = environment.get("SAGEMAKER_SUBMIT_DIRECTORY") or "/opt/ml/model/code"
        self.default_accept = (
            environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "application/json"
        )
        below = "/opt/ml/model"
        code = folder / source[len(below) :].lstrip("/") if source.startswith(below) else source
        script = Path(code) / program
        if not script.is_file():
            raise RunnerError(f"no inference script {script} (SAGEMAKER_PROGRAM={program})")
        self._module = _load(script)
        if not hasattr(self._module, "model_fn"):
            raise RunnerError(f"{script} defines no model_fn")
        self._model = self._module.model_fn(str(folder))

    def respond(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """One request, as the container handles it.

        Returns:
            The body of the response and its content type.
        """
        accept = self.default_accept if accept in {"", "*/*"} else accept
        content: bytes | str = body.decode() if content_type.startswith(_TEXT) else body
        if custom := getattr(self._module, "transform_fn", None):
            result = custom(self._model, content, content_type, accept)
        else:
            data = getattr(self._module, "input_fn", _input)(content, content_type)
            default = lambda values, model: model.predict(values)  # noqa: E731
            answer = getattr(self._module, "predict_fn", default)(data, self._model)
            result = getattr(self._module, "output_fn", _output)(answer, accept)
        if isinstance(result, tuple):
            result, accept = result
        elif hasattr(result, "mimetype"):  # the container toolkit's Response
            result, accept = result.get_data(), result.mimetype
        return (result.encode() if isinstance(result, str) else bytes(result)), accept


def _load(script: Path) -> ModuleType:
    sys.path.insert(0, str(script.parent))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise RunnerError(f"{script}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def _input(content: Any, content_type: str) -> Any:
    import numpy as np  # noqa: PLC0415  # only the containers' default needs it

    kind = content_type.partition(";")[0]
    if kind == "text/csv":
        return np.genfromtxt(io.StringIO(content), delimiter=",", ndmin=2)
    if kind == "application/json":
        return np.array(json.loads(content))
    raise RunnerError(f"content type {content_type!r}: the script needs an input_fn for it")


def _output(answer: Any, accept: str) -> str:
    rows = answer.tolist() if hasattr(answer, "tolist") else list(answer)
    if accept == "application/json":
        return json.dumps(rows)
    if accept == "text/csv":
        return "\n".join(
            ",".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows
        )
    raise RunnerError(f"accept {accept!r}: the script needs an output_fn for it")
