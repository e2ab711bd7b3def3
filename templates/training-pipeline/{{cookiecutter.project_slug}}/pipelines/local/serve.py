"""A model on localhost, behind SageMaker's inference contract: `/ping` and `/invocations`."""

# ruff: noqa: T201
from __future__ import annotations

import json
import os
import tempfile
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .errors import RunnerError
from .jobs import model_uri, unpack_model
from .registry import Registry
from .sandbox import ML
from .serving import Model
from .store import Store


def find(name: str | None, *, registry: Registry, store: Store, folder: Path) -> Model:
    """Load a model into `folder`.

    Args:
        name: a group, `group/version`, a package's ARN, an S3 URI of a `model.tar.gz`, a folder;
            None for the newest version of the only group. Of a group, the newest approved
            version is taken, else the newest.
        registry: where packages are.
        store: where their data are.
        folder: becomes the container's `/opt/ml`.

    Raises:
        RunnerError: there is no such model.
    """
    if name and Path(name).is_dir():
        return Model(Path(name), os.environ)
    if name and name.startswith("s3://"):
        spec: dict[str, Any] = {"ModelDataUrl": name}
    else:
        package = _package(name, registry)
        (spec,) = package["InferenceSpecification"]["Containers"]
        print(f"{package['ModelPackageArn']} ({package['ModelApprovalStatus']}), {model_uri(spec)}")
    env = unpack_model(store, spec, folder)
    if (code := env.get("SAGEMAKER_SUBMIT_DIRECTORY", "")) == f"{ML}/code":
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = code.replace(ML, str(folder))
    os.environ.update({k: v for k, v in env.items() if not k.startswith("SAGEMAKER_")})
    return Model(folder / "model", env)


def _package(name: str | None, registry: Registry) -> dict[str, Any]:
    if name and "/" in name:
        return registry.describe(name)
    groups = [name] if name else registry.groups()
    if len(groups) != 1:
        raise RunnerError(
            f"which model? The registry has the groups: {', '.join(groups) or 'none'}"
        )
    found = registry.packages(groups[0], status="Approved") or registry.packages(groups[0])
    if not found:
        raise RunnerError(f"the group {groups[0]!r} has no model", next_step="Run the pipeline.")
    return found[0]


def server(model: Model, *, host: str = "127.0.0.1", port: int = 8080) -> ThreadingHTTPServer:
    """An HTTP server for a model; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200 if self.path == "/ping" else 404, b"", "text/plain")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/invocations":
                self._answer(404, b"", "text/plain")
                return
            kind, accept = self.headers.get("Content-Type", ""), self.headers.get("Accept", "")
            try:
                self._answer(200, *model.respond(body, kind, accept))
            except Exception as error:  # noqa: BLE001  # the client gets what SageMaker's client would get
                traceback.print_exc()
                text = json.dumps({"error": f"{type(error).__name__}: {error}"})
                self._answer(500, text.encode(), "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer((host, port), Handler)


def main(name: str | None, *, work: Path, host: str, port: int) -> None:
    """Serve a model until Ctrl-C."""
    with tempfile.TemporaryDirectory() as folder:
        model = find(
            name,
            registry=Registry(work / "registry"),
            store=Store(work / "s3"),
            folder=Path(folder),
        )
        with server(model, host=host, port=port) as running:
            print(f"http://{host}:{running.server_port}/invocations (Ctrl-C ends it)")
            running.serve_forever()
