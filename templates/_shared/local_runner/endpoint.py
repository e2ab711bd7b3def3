"""What boto3 in a job talks to: S3 is the store, SageMaker the local registry, all else refused."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from .errors import RunnerError
from .registry import Registry
from .store import Store


@contextlib.contextmanager
def serve(store: Store, registry: Registry) -> Iterator[dict[str, str]]:
    """Serve on a free port of localhost while the block runs; yields what jobs need to find it."""
    handler = type("Handler", (_Handler,), {"store": store, "registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            }
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    store: Store
    registry: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet: jobs log their own calls."""

    def do_POST(self) -> None:
        """SageMaker's JSON protocol, and S3's multipart requests."""
        if "X-Amz-Target" in self.headers:
            self._sagemaker(self.headers["X-Amz-Target"])
        else:
            self._s3()

    def do_GET(self) -> None:
        """Objects and listings."""
        self._s3()

    do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def _sagemaker(self, target: str) -> None:
        request = json.loads(self._body() or b"{}")
        service, _, operation = target.partition(".")
        try:
            if target == "SageMaker.ListModelPackages":
                found = self.registry.packages(
                    request["ModelPackageGroupName"], status=request.get("ModelApprovalStatus")
                )
                if request.get("SortOrder") != "Descending":  # the service's default is ascending
                    found.reverse()
                kept = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn",
                        "CreationTime", "ModelPackageStatus", "ModelApprovalStatus")  # fmt: skip
                rows = [{k: p[k] for k in kept} for p in found[: request.get("MaxResults", 100)]]
                self._json(200, {"ModelPackageSummaryList": rows})
            elif target == "SageMaker.DescribeModelPackage":
                self._json(200, self.registry.describe(request["ModelPackageName"]))
            else:
                self._refuse(f"{service}.{operation}")
        except RunnerError as error:
            self._json(400, {"__type": "ValidationException", "message": str(error)})

    def _refuse(self, what: str) -> None:
        message = (
            f"{what} is not available in a local run: only S3 objects and SageMaker's "
            "ListModelPackages and DescribeModelPackage are"
        )
        if what.startswith("S3 "):
            self._error(501, "NotAvailableLocally", message)
        else:
            self._json(501, {"__type": "NotAvailableLocally", "message": message})

    def _s3(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        path = unquote(parts.path).lstrip("/")
        signed = "/s3/aws4_request" in self.headers.get("Authorization", "")
        if not signed:
            self._refuse(f"this service ({self.command} {parts.path})")
            return
        bucket, _, key = path.partition("/")
        try:
            if not bucket:
                names = (f.name for f in self.store.root.iterdir() if f.name != ".tmp")
                rows = (f"<Bucket><Name>{escape(name)}</Name></Bucket>" for name in sorted(names))
                self._xml(200, f"<R><Buckets>{''.join(rows)}</Buckets></R>")
            elif not key:
                self._bucket(bucket, query)
            else:
                self._object(f"s3://{bucket}/{key}", query)
        except (RunnerError, OSError) as error:
            self._error(400, "InvalidRequest", str(error))

    def _bucket(self, bucket: str, query: dict[str, list[str]]) -> None:
        if self.command == "HEAD":
            self._send(200, b"", "application/xml")
        elif self.command != "GET" or "list-type" not in query:
            self._refuse(f"S3 {self.command} on a bucket")
        else:
            prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
            rows, common = [], set()
            folder = f"s3://{bucket}/{prefix.rpartition('/')[0]}".rstrip("/") + "/"
            base = prefix.rpartition("/")[0]
            for name, file in self.store.files(folder):
                key = f"{base}/{name}" if base else name
                if not key.startswith(prefix):
                    continue
                if delimiter and delimiter in (rest := key[len(prefix) :]):
                    common.add(prefix + rest.partition(delimiter)[0] + delimiter)
                    continue
                rows.append(
                    f"<Contents><Key>{escape(key)}</Key><Size>{file.stat().st_size}</Size>"
                    "<LastModified>2000-01-01T00:00:00Z</LastModified></Contents>"
                )
            prefixes = [
                f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
                for name in sorted(common)
            ]
            self._xml(200, f"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>"
                      f"{len(rows) + len(prefixes)}</KeyCount>{''.join(rows + prefixes)}"
                      "</ListBucketResult>")  # fmt: skip

    def _object(self, uri: str, query: dict[str, list[str]]) -> None:
        file = self.store.path(uri)
        parts = self.store.root / ".tmp" / f"upload-{query.get('uploadId', [''])[0]}"
        if self.command == "POST" and "uploads" in query:
            name = uuid.uuid4().hex
            parts.with_name(f"upload-{name}").mkdir()
            self._xml(200, f"<R><UploadId>{name}</UploadId></R>")
        elif self.command == "PUT" and "partNumber" in query:
            body = self._body()
            (parts / f"{int(query['partNumber'][0]):06d}").write_bytes(body)
            self._send(200, b"", "", ETag=_etag(body))
        elif self.command == "POST" and "uploadId" in query:
            self._body()
            whole = parts / "whole"
            with whole.open("wb") as stream:
                for part in sorted(parts.glob("0*")):
                    stream.write(part.read_bytes())
            self.store.move(whole, uri)
            self._xml(200, "<R><ETag>local</ETag></R>")
        elif self.command == "PUT" and "x-amz-copy-source" not in self.headers:
            self.store.write(uri, body := self._body())
            self._send(200, b"", "", ETag=_etag(body))
        elif self.command == "DELETE":
            self.store.path(uri, writing=True).unlink(missing_ok=True)
            self._send(204, b"", "")
        elif self.command in {"GET", "HEAD"} and file.is_file():
            self._get(file)
        elif self.command in {"GET", "HEAD"}:
            self._error(404, "NoSuchKey", f"{uri}: no such object")
        else:
            self._refuse(f"S3 {self.command} with {sorted(query)}")

    def _get(self, file: Path) -> None:
        size = file.stat().st_size
        start, end, wanted = 0, size - 1, self.headers.get("Range", "").removeprefix("bytes=")
        if wanted:
            first, _, last = wanted.partition("-")
            start = int(first) if first else max(0, size - int(last))
            end = min(int(last), end) if first and last else end
        with file.open("rb") as stream:
            stream.seek(start)
            self._send(
                206 if wanted else 200,
                stream,
                "binary/octet-stream",
                length=end + 1 - start,
                ETag=f'"{file.stat().st_mtime_ns:x}-{size:x}"',
                **({"Content_Range": f"bytes {start}-{end}/{size}"} if wanted else {}),
            )

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode(), "application/x-amz-json-1.1")

    def _xml(self, status: int, content: str) -> None:
        self._send(status, content.encode(), "application/xml")

    def _error(self, status: int, code: str, message: str) -> None:
        text = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        self._xml(status, f"<Error>{text}</Error>")

    def _send(
        self, status: int, body: bytes | BinaryIO, kind: str, *, length: int = 0, **headers: str
    ) -> None:
        stream = io.BytesIO(body) if isinstance(body, bytes) else body
        left = len(body) if isinstance(body, bytes) else length
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Last-Modified", "Sat, 01 Jan 2000 00:00:00 GMT")
        self.send_header("Content-Length", str(left))
        self.end_headers()
        while self.command != "HEAD" and (part := stream.read(min(left, 1 << 20))):
            self.wfile.write(part)
            left -= len(part)


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
