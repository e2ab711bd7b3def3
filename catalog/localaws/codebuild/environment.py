"""The environment of a build's processes.

A build sees what a CodeBuild container would give it and nothing of the user's own AWS or Git
configuration. Three things differ from AWS, and are what makes a build work on this machine: the
service role's credentials come as variables instead of a container endpoint, `AWS_ENDPOINT_URL`
names the local AWS, and Git maps AWS's host names to it. The way to the package indexes and the
proxies of this machine is passed on, as a build in AWS has the network of its VPC.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from catalog.localaws.git.urls import REMOTES, strict_url

NETWORK_OF_THE_HOST = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
)
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def base_environment(
    *,
    credentials: Mapping[str, str],
    account: str,
    region: str,
    endpoint_url: str,
    home: Path,
    temporary: Path,
    git_credential_helper: bool,
) -> dict[str, str]:
    """Return what every build of an account and region gets, before the CODEBUILD_ variables.

    Args:
        account: whose repositories Git's plain AWS URLs mean.
        region: of the build.
        credentials: AWS_ACCESS_KEY_ID and so on, of the build's service role.
        endpoint_url: of the local AWS.
        home: an empty folder of the build's own.
        temporary: TMPDIR.
        git_credential_helper: what the buildspec's `env/git-credential-helper` says.
    """
    return {
        **_host_network(Path(os.environ.get("HOME", str(Path.home())))),
        **credentials,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PATH": _path(),
        **_git(
            account=account, region=region, endpoint_url=endpoint_url, helper=git_credential_helper
        ),
    }


def _path() -> str:
    folders = [str(Path(sys.executable).parent), *_SYSTEM_PATH]
    git = shutil.which("git")
    if git and str(Path(git).parent) not in folders:
        folders.append(str(Path(git).parent))
    return os.pathsep.join(folders)


def _host_network(home: Path) -> dict[str, str]:
    found = {name: os.environ[name] for name in NETWORK_OF_THE_HOST if name in os.environ}
    for variable, place in (
        ("PIP_CONFIG_FILE", ".config/pip/pip.conf"),
        ("UV_CONFIG_FILE", ".config/uv/uv.toml"),
    ):
        if variable not in found and (home / place).is_file():
            found[variable] = str(home / place)
    direct = [item for item in os.environ.get("NO_PROXY", "").split(",") if item]
    found["NO_PROXY"] = found["no_proxy"] = ",".join([*direct, "localhost", "127.0.0.1"])
    caches = Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))
    found["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(caches / "uv"))
    found["PIP_CACHE_DIR"] = os.environ.get("PIP_CACHE_DIR", str(caches / "pip"))
    return found


def _git(*, account: str, region: str, endpoint_url: str, helper: bool) -> dict[str, str]:
    settings: list[tuple[str, str]] = []
    for remote in REMOTES:
        there = strict_url(endpoint_url, remote=remote, account=account, region=region)
        settings.append((f"url.{there}.insteadOf", remote.aws_url(region)))
        settings.append(
            (
                f"url.{there}.insteadOf",
                remote.local_url(endpoint_url, account=account, region=region),
            )
        )
        split = urlsplit(there)
        settings.append(("http.curloptResolve", f"{split.hostname}:{split.port}:127.0.0.1"))
    if helper:
        settings.append(("credential.helper", "!aws codecommit credential-helper $@"))
        settings.append(("credential.UseHttpPath", "true"))
    environment = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for index, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment
