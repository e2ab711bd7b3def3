"""The same AWS over HTTP: boto3 with an endpoint, the `aws` CLI, plain sockets."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from catalog.errors import LocalAwsError
from catalog.localaws import LocalAws
from catalog.localaws.core.faults import Fault
from catalog.localaws.core.service import Service
from catalog.localaws.organization import Organization
from catalog.localaws.services import SERVICES
from tests.localaws.core.roles import REGION, A, allow, code_of, make_role

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ONE_TRY = Config(retries={"total_max_attempts": 1, "mode": "standard"})


def over_http(aws: LocalAws, service: str, **credentials: Any) -> Any:
    keys = aws.credentials(**({"account": A} | credentials))
    session = boto3.Session(
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
        region_name=REGION,
    )
    client: Any = session.client(service, endpoint_url=aws.endpoint_url, config=ONE_TRY)  # type: ignore[call-overload]
    return client


def cli(aws: LocalAws, *arguments: str, account: str = A) -> subprocess.CompletedProcess[str]:
    program = shutil.which("aws", path=str(Path(sys.executable).parent))
    assert program, "awscli is in the test group"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(aws.work_dir),
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PAGER": "",
        **aws.credentials(account=account),
    }
    return subprocess.run(
        [program, *arguments, "--output", "json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_both_ways_in_reach_the_same_state(aws: LocalAws) -> None:
    over_http(aws, "ssm").put_parameter(Name="/x", Value="1", Type="String")
    inside = aws.session(account=A, region=REGION).client("ssm")
    assert inside.get_parameter(Name="/x")["Parameter"]["Value"] == "1"
    assert over_http(aws, "sts").get_caller_identity()["Account"] == A


def test_objects_travel_whole(aws: LocalAws, tmp_path: Path) -> None:
    s3 = over_http(aws, "s3")
    s3.create_bucket(Bucket="over-http", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = os.urandom(9_000_000)
    (tmp_path / "big").write_bytes(body)
    s3.upload_file(str(tmp_path / "big"), "over-http", "a b/%2F+ü")  # in parts
    s3.download_file("over-http", "a b/%2F+ü", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    assert s3.head_object(Bucket="over-http", Key="a b/%2F+ü")["ContentLength"] == len(body)
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "over-http", "Key": "a b/%2F+ü"}
    )
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == body


def test_an_expired_presigned_url_is_refused(aws: LocalAws) -> None:
    s3 = over_http(aws, "s3")
    s3.create_bucket(Bucket="over-http", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="over-http", Key="k", Body=b"x")
    for version in ("s3v4", "s3"):
        keys = aws.credentials(account=A)
        signer = boto3.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        ).client("s3", endpoint_url=aws.endpoint_url, config=Config(signature_version=version))
        url = signer.generate_presigned_url(
            "get_object", Params={"Bucket": "over-http", "Key": "k"}, ExpiresIn=-5
        )
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(url)
        assert error.value.code == 403


def test_authorisation_holds_over_http_too(aws: LocalAws) -> None:
    role = make_role(aws, statements=[allow("ssm:DescribeParameters")])
    ssm = over_http(aws, "ssm", role_arn=role)
    assert ssm.describe_parameters()["Parameters"] == []
    with pytest.raises(ClientError) as error:
        ssm.put_parameter(Name="/x", Value="1", Type="String")
    assert code_of(error) == "AccessDeniedException"


def test_it_listens_on_loopback_only(aws: LocalAws) -> None:
    port = int(aws.endpoint_url.rsplit(":", 1)[1])
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        if family is socket.AF_INET6 and not Path("/proc/net/if_inet6").exists():
            continue
        with socket.socket(family) as probe:
            probe.settimeout(5)
            probe.connect((host, port))
    address = _outward_address()
    if address:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((address, port)) != 0


def _outward_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return None if address.startswith("127.") else address


def test_a_taken_port_is_a_message_and_no_traceback() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=f"Port {port}"):
            LocalAws(port=port).start()
    with LocalAws(port=port) as aws:
        assert aws.endpoint_url == f"http://localhost:{port}"


def test_what_cannot_be_routed_is_an_error_in_the_clients_own_format(aws: LocalAws) -> None:
    def post(headers: dict[str, str]) -> tuple[int, bytes]:
        request = urllib.request.Request(aws.endpoint_url, data=b"{}", headers=headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    unsigned = {"X-Amz-Target": "AmazonSSM.GetParameter"}
    status, body = post(unsigned)
    assert (status, json.loads(body)["__type"]) == (403, "MissingAuthenticationToken")
    scope = f"AWS4-HMAC-SHA256 Credential=AKIAROOT{A}/20260101/eu-west-1/ssm/aws4_request"
    with pytest.raises(urllib.error.HTTPError) as unreadable:
        urllib.request.urlopen(f"{aws.endpoint_url}/b/k?X-Amz-Credential=what")
    assert unreadable.value.code == 400
    status, body = post({"X-Amz-Target": "AmazonSSM.Nothing", "Authorization": scope})
    assert (status, json.loads(body)["__type"]) == (501, "NotEmulated")


def test_injected_faults_reach_clients_over_http(aws: LocalAws) -> None:
    sns = over_http(aws, "sns")
    aws.faults.inject(Fault.LOST_RESPONSE, service="sns", operation="CreateTopic")
    with pytest.raises(ConnectionClosedError):
        sns.create_topic(Name="t")
    assert len(sns.list_topics()["Topics"]) == 1


class Greeter(Service):
    """Serves a page of its own beside the AWS API."""

    name: ClassVar[str] = "codestar-notifications"

    def http_routes(self) -> dict[str, WSGIApplication]:
        def greet(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"hello from ", environ["PATH_INFO"].encode()]

        return {"/greet/": greet}


def test_a_service_may_serve_pages_of_its_own() -> None:
    with (
        LocalAws(services=(*SERVICES, Greeter)) as aws,
        urllib.request.urlopen(f"{aws.endpoint_url}/greet/you") as answer,
    ):
        assert answer.read() == b"hello from /greet/you"


@pytest.mark.slow
def test_the_aws_cli(aws: LocalAws, organization: Organization, tmp_path: Path) -> None:
    identity = cli(aws, "sts", "get-caller-identity", account=organization.hub)
    assert json.loads(identity.stdout)["Account"] == organization.hub
    accounts = cli(aws, "organizations", "list-accounts", account=organization.management)
    names = {account["Name"] for account in json.loads(accounts.stdout)["Accounts"]}
    assert names == {"management", "hub", *organization.members}
    (tmp_path / "file.txt").write_text("flights\n")
    assert cli(aws, "s3", "mb", "s3://from-the-cli").returncode == 0
    copied = cli(aws, "s3", "cp", str(tmp_path / "file.txt"), "s3://from-the-cli/in/file.txt")
    assert copied.returncode == 0, copied.stderr
    back = cli(aws, "s3", "cp", "s3://from-the-cli/in/file.txt", str(tmp_path / "back.txt"))
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back.txt").read_text() == "flights\n"
    denied = cli(aws, "organizations", "list-accounts", account=organization.members["research"])
    assert "AccessDeniedException" in denied.stderr
    missing = cli(
        aws,
        "organizations",
        "list-policies",
        "--filter",
        "TAG_POLICY",
        account=organization.management,
    )
    assert "(NotEmulated)" in missing.stderr
    assert "organizations ListPolicies" in missing.stderr
