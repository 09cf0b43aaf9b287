"""kill -9 of a child process that inspects a file, and of its worker while it does."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from broker.inspection.directories import remove_stale
from broker.services.background.reap import reap_once
from broker.services.processing.process import Outcome
from tests.e2e.worker_process import arrived, await_true, row_of, running
from tests.faults.invariants import check_invariants
from tests.faults.photos import photo
from tests.http.worker import Worker, real
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.matrix(part="kill")
MODULE = b"broker.inspection.child"


def at_rest(app: Flask, what: str) -> None:
    broker = app.extensions["broker"]
    for days in (3, 6):
        with broker.system_work(now=datetime.now(UTC) + timedelta(days=days)) as work:
            reap_once(work)
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{what}, at rest: {state}\n")
    assert state.violations == []
    assert state.counts["images"] == 1


def inspecting(worker: int) -> list[int]:
    """Return the processes that inspect a file for a process; a zombie has no command line."""
    found = []
    for children in Path(f"/proc/{worker}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                if MODULE in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


@pytest.mark.parametrize("has_written", [False, True], ids=["at-its-start", "between-two-files"])
def test_a_child_that_is_killed_fails_its_attempt_and_the_next_publishes(
    make_app: Callable[..., Flask], tmp_path: Path, has_written: bool
) -> None:
    app = make_app(inspection="required")
    directory = tmp_path / "worker"
    directory.mkdir()
    upload = arrived(app, photo(3000, 2000))
    worker = Worker(app, directory, inspect=real)
    killed: list[int] = []

    def kill() -> None:
        child = await_true(lambda: inspecting(os.getpid()))[0]
        if has_written:
            await_true(lambda: any(directory.glob("job-*/results/*")))
        os.kill(child, signal.SIGKILL)
        killed.append(child)

    killer = threading.Thread(target=kill)
    killer.start()
    outcome = worker.next()
    killer.join()
    assert outcome is Outcome.FAILED
    assert not is_running(killed[0])
    assert list(directory.iterdir()) == []
    state = check_invariants(app)
    sys.stdout.write(f"child killed: {outcome}, attempts {row_of(app, upload).attempts}: {state}\n")
    assert state.violations == []
    worker.now = datetime.now(UTC) + timedelta(minutes=1)
    assert worker.next() is Outcome.PUBLISHED
    assert row_of(app, upload).attempts == 2
    at_rest(app, "child killed")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_worker_that_is_killed_takes_its_child_with_it_and_the_next_publishes(
    make_app: Callable[..., Flask], database_url: str, s3_bucket: Bucket, tmp_path: Path
) -> None:
    app = make_app(inspection="required")
    home = tmp_path / "worker"
    root = home / f"upload-broker-{os.getuid()}"
    with running(database_url, s3_bucket, home) as first:
        upload = arrived(app, photo(3000, 2000))
        await_true(lambda: row_of(app, upload).attempts == 1)
        child = await_true(lambda: inspecting(first.pid or 0))[0]
        await_true(lambda: any(root.glob("job-*/results/*")))
        os.kill(child, signal.SIGSTOP)  # so that it is still decoding when its worker is killed
        assert [each.name[:4] for each in root.iterdir()] == ["job-"]
        first.ask_to_end(signal.SIGKILL)
        try:
            await_true(lambda: not is_running(child))
        finally:
            if is_running(child):
                os.kill(child, signal.SIGKILL)
        assert [each.name[:4] for each in root.iterdir()] == ["job-"]
    state = check_invariants(app)
    sys.stdout.write(f"worker killed: {row_of(app, upload).state}: {state}\n")
    assert state.violations == []
    lease_runs_out(app, upload)
    with running(database_url, s3_bucket, home) as second:
        await_true(lambda: row_of(app, upload).state == "confirmed")
        assert second.ask_to_end() == 0
    assert list(root.iterdir()) == []
    assert remove_stale(root) == 0
    assert (row_of(app, upload).attempts, row_of(app, upload).publish_attempts) == (2, 2)
    at_rest(app, "worker killed")


def lease_runs_out(app: Flask, upload_id: UUID) -> None:
    with app.extensions["broker"].database.session() as session:
        session.merge(row_of(app, upload_id)).due_at = datetime.now(UTC)
        session.commit()
