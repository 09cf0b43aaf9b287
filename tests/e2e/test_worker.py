"""`broker worker` as a process: it publishes, it stops, and it is replaced when it is killed."""

import functools
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pyvips
from flask import Flask

from broker.db import migrate
from broker.db.models import Worker
from broker.inspection.self_test import photo_with_location
from broker.local.process import free_ports
from tests.e2e.worker_process import WorkerProcess, running
from tests.faults.invariants import check_invariants
from tests.faults.test_worker_children import inspecting
from tests.http.client import rows
from tests.http.processing.arrivals import arrived, row_of
from tests.processes import await_true, command_of, is_running
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres

MATRIX = pytest.mark.matrix(part="kill")
BOTH = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=MATRIX)], indirect=True
)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@functools.cache
def slow_image() -> bytes:
    """Return an interlaced PNG. It takes a second to decode, enough to find the process."""
    image = pyvips.Image.black(5000, 5000).bandjoin([0, 0]).copy(interpretation="srgb")
    return bytes(image.pngsave_buffer(interlace=True, compression=1))


def arrived_slow(app: Flask) -> UUID:
    return arrived(app, slow_image(), content_type="image/png", file_name="slow.png")


def stopped_inspecting(worker: WorkerProcess, app: Flask, upload: UUID) -> int:
    """Stop the process that inspects the upload, after the worker's self-test, and return it.

    So it cannot end before a test has done what should happen meanwhile.
    """
    await_true(lambda: row_of(app, upload).attempts)
    (child,) = await_true(lambda: inspecting(worker.pid))
    os.kill(child, signal.SIGSTOP)
    return int(child)


def is_confirmed(app: Flask, upload: UUID) -> Callable[[], bool]:
    return lambda: row_of(app, upload).state == "confirmed"


def make_due(app: Flask, upload: UUID) -> None:
    """Let the lease or the pause of an upload end now."""
    with app.extensions["broker"].database.session() as session:
        row = session.get_one(type(row_of(app, upload)), upload)
        row.due_at = datetime.now(UTC) - timedelta(seconds=1)
        session.commit()


@BOTH
def test_a_worker_without_a_key_for_tokens_publishes_a_photo_and_ends_at_sigterm(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    upload = arrived(app, photo_with_location())
    (port,) = free_ports(1)
    directory = tmp_path / "worker"
    with running(database_url, s3_bucket, directory, "--metrics-port", str(port)) as worker:
        await_true(is_confirmed(app, upload))
        assert rows(app, Worker) == 1
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'broker_worker_uploads_total{outcome="published"} 1.0' in metrics
        assert worker.ask_to_end() == 0
    assert rows(app, Worker) == 0
    (line,) = worker.log.read_text().splitlines()
    assert '"message":"upload.confirmed"' in line
    assert_clean(app, directory)


def assert_clean(app: Flask, directory: Path) -> None:
    """Check that no directory of a job is left, and that rows and objects agree."""
    assert [str(path) for path in directory.glob("upload-broker-*/job-*")] == []
    assert check_invariants(app).violations == []


@MATRIX
@ON_POSTGRESQL
def test_sigterm_while_an_image_is_inspected_gives_the_attempt_back(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    upload = arrived_slow(app)
    with running(database_url, s3_bucket, tmp_path / "worker") as worker:
        child = stopped_inspecting(worker, app, upload)
        assert worker.ask_to_end() == 0
        assert not Path(f"/proc/{child}").exists()
    row = row_of(app, upload)
    assert (row.state, row.attempts, row.publish_attempts) == ("processing", 0, 1)
    assert row.due_at is not None
    assert row.due_at <= datetime.now(UTC)
    assert rows(app, Worker) == 0
    assert_clean(app, tmp_path / "worker")


@MATRIX
@ON_POSTGRESQL
def test_when_a_worker_is_killed_another_takes_its_upload_at_the_end_of_the_lease(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    upload = arrived_slow(app)
    directory = tmp_path / "worker"
    with running(database_url, s3_bucket, directory) as worker:
        child = stopped_inspecting(worker, app, upload)
        assert worker.ask_to_end(signal.SIGKILL) == -signal.SIGKILL
        os.kill(child, signal.SIGCONT)
        await_true(lambda: not is_running(child))
    assert list(directory.glob("upload-broker-*/job-*"))
    with running(database_url, s3_bucket, directory) as other:
        await_true(lambda: rows(app, Worker) == 2)
        assert row_of(app, upload).attempts == 1
        make_due(app, upload)
        await_true(is_confirmed(app, upload))
        assert other.ask_to_end() == 0
    assert row_of(app, upload).attempts == 2
    assert rows(app, Worker) == 1  # the killed one's, until a worker prunes it
    assert_clean(app, directory)


@MATRIX
@ON_POSTGRESQL
def test_when_an_inspecting_process_is_killed_the_worker_tries_again(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    upload = arrived_slow(app)
    with running(database_url, s3_bucket, tmp_path / "worker") as worker:
        started = row_of(app, upload).due_at
        os.kill(stopped_inspecting(worker, app, upload), signal.SIGKILL)
        await_true(lambda: "signal SIGKILL" in worker.log.read_text())
        await_true(lambda: row_of(app, upload).due_at != started)
        make_due(app, upload)
        await_true(is_confirmed(app, upload))
        assert worker.ask_to_end() == 0
    assert row_of(app, upload).attempts == 2
    assert_clean(app, tmp_path / "worker")


@MATRIX
@ON_POSTGRESQL
def test_when_the_database_is_killed_and_restarted_the_attempt_does_not_count(
    own_postgres: Postgres, make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path
) -> None:
    url = own_postgres.url(own_postgres.create_database())
    migrate.upgrade(url)
    app = make_app(database_url=url, inspection="required")
    upload = arrived_slow(app)
    with running(url, s3_bucket, tmp_path / "worker") as worker:
        child = stopped_inspecting(worker, app, upload)
        own_postgres.stop()
        os.kill(child, signal.SIGCONT)
        await_true(lambda: "waits for the database" in worker.log.read_text())
        own_postgres.start()
        await_true(is_confirmed(app, upload))
        assert worker.ask_to_end() == 0
    row = row_of(app, upload)
    assert (row.attempts, row.publish_attempts) == (1, 2)
    assert "Traceback" not in worker.log.read_text()
    assert_clean(app, tmp_path / "worker")


@MATRIX
@ON_POSTGRESQL
def test_several_processes_share_the_uploads_and_a_killed_one_is_replaced(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    uploads = [arrived(app, photo_with_location()) for _ in range(8)]
    with running(database_url, s3_bucket, tmp_path / "worker", "--processes", "2") as parent:
        await_true(lambda: all(is_confirmed(app, upload)() for upload in uploads))
        await_true(lambda: rows(app, Worker) == 2)
        workers = [pid for pid in parent.children() if "worker" in command_of(pid)]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        await_true(lambda: rows(app, Worker) == 3)
        assert parent.ask_to_end() == 0
        assert not any(map(is_running, workers))
    assert rows(app, Worker) == 1
    assert {row_of(app, upload).attempts for upload in uploads} == {1}
    assert_clean(app, tmp_path / "worker")
