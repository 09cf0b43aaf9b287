"""The scripts of the compose files create users on a real server that may do what they must."""

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, answers
from tests.servers import START_TIMEOUT, S3Server, installed_or_skip, start_on_free_port

ROOT = Path(__file__).parent.parent.parent
# The longest name has the longest policy, and ext4 has 4 KB for it.
BUCKET = f"media-{'b' * 57}"
SCRIPTS = sysconfig.get_path("scripts")
USERS = ("upload-broker", "upload-broker-reap", "upload-broker-inspect", "upload-broker-private")


def services_of(file: str, server: S3Server) -> dict[str, Any]:
    """Return the services as Compose reads them, with a .env file whose secrets are their names."""
    names = {"MINIO_ROOT_USER": server.access_key, "S3_ROOT_USER": server.access_key}
    names["BROKER_S3_BUCKET"] = BUCKET
    names |= {"MINIO_ROOT_PASSWORD": server.secret_key, "S3_ROOT_PASSWORD": server.secret_key}

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        of_default = default[2:] if default.startswith(":-") else f"of-{name.lower()}"
        return names.get(name, of_default)

    text = re.sub(r"\$\{(\w+)(:[?-][^}]*)\}", value, (ROOT / file).read_text())
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


def run(service: dict[str, Any], server: S3Server, tmp_path: Path) -> None:
    """Run a service's script as its container does, except for the server's address."""
    environment = {name: value or "" for name, value in service["environment"].items()}
    for name in ("BROKER_S3_ENDPOINT_URL", "ADMIN_ENDPOINT_URL"):
        if name in environment:
            environment[name] = server.endpoint_url
    words = [*service.get("entrypoint", []), *service["command"]]
    path = os.pathsep.join([SCRIPTS, go_bin(), os.defpath])
    subprocess.run(
        [word.replace("$$", "$") for word in words],
        env={**environment, "PATH": path, "HOME": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )


def go_bin() -> str:
    return str(Path(os.environ.get("GOPATH", Path.home() / "go"), "bin"))


@contextmanager
def versitygw(command: list[str]) -> Iterator[S3Server]:
    """Run versitygw with the flags of its service."""
    program = shutil.which("versitygw", path=os.pathsep.join([go_bin(), os.environ["PATH"]]))
    if program is None:
        raise ServerNotInstalled(
            "versitygw is missing: go install github.com/versity/versitygw/cmd/versitygw@v1.7.0"
        )
    # /tmp may be a tmpfs, which has no extended attributes on older kernels.
    with tempfile.TemporaryDirectory(prefix="versitygw-", dir="/var/tmp") as name:
        for folder in ("data", "iam"):
            Path(name, folder).mkdir()
        places = {"/data": f"{name}/data", "/iam": f"{name}/iam"}

        def start(port: int) -> tuple[ChildProcess, str]:
            here = {":7070": f"{LOOPBACK}:{port}", **places}
            child = ChildProcess(
                [program, *(here.get(word, word) for word in command)],
                log_file=Path(name, "log"),
                cwd=Path(name),
                env={"ROOT_ACCESS_KEY_ID": "root", "ROOT_SECRET_ACCESS_KEY": "root-secret"},
            )
            url = f"http://{LOOPBACK}:{port}"
            child.start(lambda: answers(f"{url}/health"), START_TIMEOUT)
            return child, url

        child, url = start_on_free_port(start)
        try:
            yield S3Server(url, "root", "root-secret", child.pid)
        finally:
            child.stop()


def refused(server: S3Server, user: str, secret: str, *calls: tuple[str, str]) -> list[bool]:
    """Return for each call, a method and a key, whether the server refuses it to this user."""
    session = boto3.Session(aws_access_key_id=user, aws_secret_access_key=secret)
    client = session.client("s3", endpoint_url=server.endpoint_url, region_name="us-east-1")
    found = []
    for method, key in calls:
        body = {"Body": b"x"} if method == "put_object" else {}
        try:
            getattr(client, method)(Bucket=BUCKET, Key=key, **body)
        except ClientError as error:
            found.append(error.response["Error"]["Code"] in ("AccessDenied", "403"))
        else:
            found.append(False)
    return found


def check_rights(server: S3Server, prefix: str) -> None:
    api, reap, inspect, reader = (
        (user, f"of-{prefix}_{name}_password")
        for user, name in zip(USERS, ("broker", "reap", "inspect", "private"), strict=True)
    )
    put, get, delete = "put_object", "get_object", "delete_object"
    assert refused(server, *api, (put, "incoming/a"), (get, "incoming/a")) == [False, False]
    assert refused(server, *api, (put, "media/a"), (put, "private/a"), (put, "a")) == [True] * 3
    assert refused(server, *inspect, (put, "media/a"), (put, "private/a")) == [False, False]
    assert refused(server, *inspect, (put, "incoming/a"), (delete, "media/a")) == [True, True]
    assert refused(server, *reap, (get, "media/a"), (put, "media/b")) == [False, True]
    assert refused(server, *api, (get, "private/a")) == [True]
    assert refused(server, *reader, (get, "private/a")) == [False]
    assert refused(server, *reader, (get, "incoming/a"), (put, "private/a")) == [True, True]
    assert refused(server, *reap, (delete, "media/a"), (delete, "incoming/a")) == [False, False]


@pytest.mark.matrix(part="walks")
def test_the_users_of_minio_may_do_what_their_processes_need(
    minio_server: S3Server, tmp_path: Path
) -> None:
    services = services_of("docker-compose.yml", minio_server)
    for name in ("bucket", "minio-user"):
        run(services[name], minio_server, tmp_path)
    check_rights(minio_server, "minio")


@pytest.mark.matrix(part="versitygw")
def test_the_users_of_versitygw_may_do_what_their_processes_need(tmp_path: Path) -> None:
    file = yaml.safe_load((ROOT / "docker-compose.versitygw.yml").read_text())
    with installed_or_skip(), versitygw(file["services"]["versitygw"]["command"]) as server:
        services = services_of("docker-compose.versitygw.yml", server)
        for name in ("versitygw-user", "versitygw-user", "bucket"):
            run(services[name], server, tmp_path)
        check_rights(server, "s3")
