"""Workers on two hosts whose clocks are twenty minutes apart share the work."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Upload, Worker
from tests.e2e.worker_process import WorkerProcess, running
from tests.faults.invariants import check_invariants
from tests.http.charging import reap
from tests.http.client import Client, declared, rows, send, token
from tests.photos import photo
from tests.processes import await_true
from tests.servers import installed_or_skip
from tests.servers.cutting_proxy import cutting_proxy
from tests.servers.fixtures import Bucket
from tests.servers.hosts import Host, host

# S3 accepts clocks that are wrong by up to 15 minutes.
CLOCKS = {"+10m": 600, "-10m": -600}
UPLOADS = 16


@contextmanager
def worker_on(host: Host, database_url: str, bucket: Bucket, home: Path) -> Iterator[WorkerProcess]:
    """Run a worker on a host. It reaches the database and the bucket through proxies only."""
    with (
        cutting_proxy(database_url, listener=host.listen()) as database,
        cutting_proxy(bucket.server.endpoint_url, listener=host.listen()) as storage,
    ):
        server = replace(bucket.server, endpoint_url=storage.url)
        away = replace(bucket, server=server)
        with running(database.url, away, home, prefix=host.command) as worker:
            yield worker


def seconds_apart(host: Host) -> float:
    """Return by how much the clock of a host differs from ours."""
    code = "import time; print(time.time())"
    command = [*host.command, sys.executable, "-c", code]
    there = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(there.stdout) - time.time()


@pytest.mark.matrix(part="kill")
@pytest.mark.parametrize(
    ("database_url", "s3_bucket"),
    [("postgresql", "minio"), ("postgresql", "seaweedfs")],
    indirect=True,
)
def test_two_workers_whose_clocks_are_apart_process_no_upload_twice(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required", max_images_per_ad=UPLOADS)
    interfaces = socket.if_nameindex()
    with ExitStack() as stack:
        with installed_or_skip():
            hosts = [
                stack.enter_context(host(number, clock)) for number, clock in enumerate(CLOCKS)
            ]
        # Nobody else's network has changed; see tests/servers/hosts.py.
        assert socket.if_nameindex() == interfaces
        apart = [seconds_apart(each) for each in hosts]
        assert all(
            abs(one - wanted) < 60 for one, wanted in zip(apart, CLOCKS.values(), strict=True)
        )
        workers = [
            stack.enter_context(worker_on(each, database_url, s3_bucket, tmp_path / each.name))
            for each in hosts
        ]
        await_true(lambda: rows(app, Worker) == len(workers))
        hand_in_photos(app)
        await_true(lambda: states(app) == {"confirmed"}, timeout=120)
        assert [worker.ask_to_end() for worker in workers] == [0, 0]
        logs = [worker.log.read_text() for worker in workers]
    with app.extensions["broker"].database.session() as session:
        uploads = session.scalars(select(Upload)).all()
    assert {(one.attempts, one.publish_attempts) for one in uploads} == {(1, 1)}
    for days in (3, 6):
        reap(app, timedelta(days=days))
    state = check_invariants(app, at_rest=True)
    published = [log.count("upload.confirmed") for log in logs]
    sys.stdout.write(f"clocks {apart}, published {published}: {state}\n")
    assert state.violations == []
    assert state.counts["images"] == UPLOADS
    assert min(published) > 0
    assert sum(published) == UPLOADS


def hand_in_photos(app: Flask) -> None:
    alice, data = Client(app, token(1)), photo(640, 480)
    answer = alice.post(
        f"/api/ads/{alice.ad()}/upload_images/", {"files": [declared(data)] * UPLOADS}
    )
    for ticket in answer.get_json()["tickets"]:
        assert send(ticket, data).status_code == 201
        assert alice.post(ticket["confirm_url"]).status_code == 202


def states(app: Flask) -> set[str]:
    with app.extensions["broker"].database.session() as session:
        return set(session.scalars(select(Upload.state)))
