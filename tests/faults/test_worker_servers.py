"""The database or the bucket is killed after each step of a worker's attempt.

When the server runs again, the worker publishes the image, and the interrupted attempt does not
count.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from broker.db import migrate
from broker.db.fast_path.driver_cursors import DriverCursor
from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.inspection.inspect import inspect
from broker.local.seaweedfs import EmbeddedS3
from broker.services.processing.process import Tools
from broker.services.processing.run import WorkerLoop
from broker.storage import bucket_setup
from broker.storage.factory import object_files
from tests.faults.invariants import check_invariants
from tests.faults.operations import INSPECTED, Scene, processing
from tests.faults.victim import after_each_commit_without_session
from tests.http.charging import reap
from tests.servers import S3Server, installed_or_skip, start_on_free_port
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres, postgres
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY

pytestmark = [
    pytest.mark.matrix(part="kill"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    # Each kill and each start takes a second or two.
    pytest.mark.timeout(600),
]
STEPS_MAX = 30
PAUSES_MAX = 30


@dataclass
class Outage:
    """Kills a server after a number of steps.

    A step is the beginning or the end of a commit, or an answer of S3.
    """

    kill: Callable[[], None]
    start: Callable[[], None]
    left: int = 0
    is_down: bool = False
    is_paused: bool = False

    def step(self, *_: Any, **__: Any) -> None:
        if self.is_paused:
            return
        self.left -= 1
        if self.left == 0:
            self.kill()
            self.is_down = True

    def end(self) -> None:
        if self.is_down:
            self.start()
            self.is_down = False


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """Yield a list; what a test puts into it is called before and after each commit."""
    called: list[Callable[[], None]] = []

    def committed(_session: Session | None = None) -> None:
        for each in called:
            each()

    for name in ("first", "commit"):  # restored at the end
        monkeypatch.setattr(DriverCursor, name, getattr(DriverCursor, name))
    after_each_commit_without_session(committed)
    for moment in ("before_commit", "after_commit"):
        event.listen(Session, moment, committed)
    yield called
    for moment in ("before_commit", "after_commit"):
        event.remove(Session, moment, committed)


def work_until_settled(app: Flask, upload_id: UUID, outage: Outage, tools: Tools) -> Upload:
    """Run a worker's loop until the upload has ended. A killed server is started in its pause."""
    broker = app.extensions["broker"]
    pauses = 0

    def row() -> Upload:
        outage.is_paused = True
        with broker.database.session() as session:
            found: Upload = session.get_one(Upload, upload_id)
            if found.state == UploadState.PROCESSING and found.attempts == 0:
                found.due_at = datetime.now(UTC)  # the time that a given-back upload waits
            session.commit()
            session.refresh(found)
        outage.is_paused = False
        return found

    def wait(seconds: float) -> bool:
        nonlocal pauses
        if seconds == 0:
            return not outage.is_down and row().state != UploadState.PROCESSING
        assert (pauses := pauses + 1) < PAUSES_MAX
        outage.end()
        row()
        return False

    WorkerLoop(broker=broker, tools=tools, wait=wait).run()
    outage.end()
    return row()


def kill_after_every_step(
    scene: Scene, directory: Path, outage: Outage, steps: list[Callable[[], None]]
) -> int:
    """Kill a server after step 1, 2, … of an attempt; return the number of kills."""
    broker = scene.app.extensions["broker"]
    files = object_files(broker.settings)
    files._client.meta.events.register("after-call.s3", outage.step)
    tools = Tools(files=files, inspect=lambda request, **_: inspect(request), directory=directory)
    for step in range(1, STEPS_MAX):
        ticket = processing(scene)
        outage.left = step
        steps.append(outage.step)
        upload = work_until_settled(scene.app, UUID(ticket["id"]), outage, tools)
        steps.clear()
        killed = outage.left <= 0
        state = check_invariants(scene.app)
        sys.stdout.write(
            f"{'killed' if killed else 'done'} at {step}: {upload.state}, attempt "
            f"{upload.publish_attempts}, counted {upload.attempts}: {state}\n"
        )
        assert (upload.state, upload.attempts) == (UploadState.CONFIRMED, 1)
        assert state.violations == []
        if not killed:
            return step - 1
    pytest.fail(f"not finished after {STEPS_MAX} steps")


def at_rest(app: Flask, images: int) -> None:
    for days in (3, 6):
        reap(app, timedelta(days=days))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"at rest: {state}\n")
    assert state.violations == []
    assert state.counts["images"] == images


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    with installed_or_skip(), postgres(durable=True) as server:
        yield server


def test_a_database_that_is_killed_after_any_step_of_a_worker_costs_no_attempt(
    own_postgres: Postgres,
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    steps: list[Callable[[], None]],
    tmp_path: Path,
) -> None:
    url = own_postgres.url(own_postgres.create_database())
    migrate.upgrade(url)
    scene = Scene(make_app(database_url=url, **INSPECTED), s3_bucket)
    outage = Outage(own_postgres.stop, own_postgres.start)
    kills = kill_after_every_step(scene, tmp_path, outage, steps)
    assert kills > 5
    at_rest(scene.app, images=kills + 1)


@pytest.fixture
def own_seaweedfs(tmp_path: Path) -> Iterator[EmbeddedS3]:
    def start(port: int) -> EmbeddedS3:
        server = EmbeddedS3(tmp_path / "seaweedfs", port, ACCESS_KEY, SECRET_KEY)
        server.start()
        return server

    with installed_or_skip():
        server = start_on_free_port(start)
    yield server
    server.stop(grace=0)


def test_a_bucket_that_is_killed_after_any_step_of_a_worker_costs_no_attempt(
    own_seaweedfs: EmbeddedS3,
    make_app: Callable[..., Flask],
    s3_bucket: Bucket,
    steps: list[Callable[[], None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("broker.storage.circuit_breaker.OPEN_SECONDS", 0.0)
    app = make_app(s3_endpoint_url=own_seaweedfs.endpoint_url, **INSPECTED)
    list(bucket_setup.apply(app.extensions["broker"].settings))
    server = S3Server(own_seaweedfs.endpoint_url, ACCESS_KEY, SECRET_KEY, own_seaweedfs.pid)
    scene = Scene(app, Bucket(server, s3_bucket.name, s3_bucket.settings, s3_bucket.storage))
    directory = tmp_path / "worker"
    directory.mkdir()
    outage = Outage(lambda: own_seaweedfs.stop(grace=0), own_seaweedfs.start)
    kills = kill_after_every_step(scene, directory, outage, steps)
    assert kills > 5
    at_rest(app, images=kills + 1)
