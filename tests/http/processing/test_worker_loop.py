"""The loop of a worker: what counts as an attempt, when it waits, and when it ends."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from broker.db.session import Database
from broker.domain.errors import DatabaseUnavailable
from broker.domain.storage_errors import StorageUnavailable
from broker.inspection.inspected import Inspected, Request
from broker.inspection.sandbox import ChildFailed
from broker.services.processing.lease import LEASE, CannotInspect
from broker.services.processing.process import Inspect, Tools
from broker.services.processing.run import PAUSE_MAX_SECONDS, POLL_SECONDS, WorkerLoop
from broker.storage.factory import object_files
from tests.http.processing.arrivals import arrived, row_of
from tests.http.worker import scripted

HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """Stops a worker after a number of pauses; records them."""

    pauses_left: int = 1
    pauses: list[float] = field(default_factory=list)
    is_stopped: bool = False

    def wait(self, seconds: float) -> bool:
        if seconds:
            self.pauses.append(seconds)
            self.pauses_left -= 1
        return self.is_stopped or self.pauses_left <= 0


def loop(
    app: Flask, directory: Path, inspect: Inspect, clock: Clock | None = None, **tools: Any
) -> WorkerLoop:
    """Return the loop of a worker, which ends when no upload is due."""
    broker = app.extensions["broker"]
    directory.mkdir(exist_ok=True)
    tools = {"files": object_files(broker.settings), "directory": directory, **tools}
    return WorkerLoop(
        broker=broker,
        tools=Tools(inspect=inspect, **tools),
        wait=(clock or Clock()).wait,
    )


def failing(error: Exception) -> Inspect:
    def inspect(request: Request, *, keep: Any) -> Inspected:
        raise error

    return inspect


@dataclass
class Down:
    """Makes every use of the database fail while it is down."""

    session: Callable[[Database], Any]
    is_down: bool = False

    def __call__(self, database: Database) -> Any:
        if self.is_down:
            raise DatabaseUnavailable("The database cannot be reached; try again.")
        return self.session(database)


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Down:
    session = Down(Database.session)
    monkeypatch.setattr(Database, "session", lambda database: session(database))
    return session


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "worker"


def state(app: Flask, upload: UUID) -> tuple[str, int]:
    row = row_of(app, upload)
    return row.state, row.attempts


def test_an_image_that_fails_five_times_is_rejected(app: Flask, directory: Path) -> None:
    upload = arrived(app)
    crash = failing(RuntimeError("the decoder crashed"))
    for attempt in range(1, 6):
        loop(app, directory, crash, now=datetime.now(UTC) + attempt * HOUR).run()
        assert state(app, upload) == ("rejected" if attempt == 5 else "processing", attempt)
    assert row_of(app, upload).reason == "processing_failed"


@pytest.mark.matrix(part="inspection")
def test_an_image_that_kills_its_worker_is_rejected_without_a_sixth_attempt(
    app: Flask, directory: Path
) -> None:
    upload = arrived(app)
    inspections = []

    class Killed(BaseException):
        """Ends the worker as a signal does."""

    def kill(request: Request, *, keep: Any) -> Inspected:
        inspections.append(request)
        raise Killed

    for attempt in range(1, 6):
        with pytest.raises(Killed):
            loop(app, directory, kill, now=datetime.now(UTC) + attempt * HOUR).run()
    loop(app, directory, kill, now=datetime.now(UTC) + 6 * HOUR).run()
    assert row_of(app, upload).reason == "processing_failed"
    assert len(inspections) == 5


def test_a_stop_signal_during_an_inspection_gives_the_attempt_back(
    app: Flask, directory: Path
) -> None:
    upload = arrived(app)
    clock = Clock(pauses_left=9)

    def stopped(request: Request, *, keep: Any) -> Inspected:
        clock.is_stopped = True
        keep()
        pytest.fail("the inspection goes on")

    loop(app, directory, stopped, clock, is_stopping=lambda: clock.is_stopped).run()
    assert state(app, upload) == ("processing", 0)
    loop(app, directory, scripted).run()
    assert state(app, upload) == ("confirmed", 1)


@pytest.mark.matrix(part="inspection")
def test_a_stop_signal_that_ends_the_decoding_process_too_gives_the_attempt_back(
    app: Flask, directory: Path
) -> None:
    upload = arrived(app)
    clock = Clock(pauses_left=9)

    def ended(request: Request, *, keep: Any) -> Inspected:
        clock.is_stopped = True
        raise ChildFailed("signal SIGTERM")

    loop(app, directory, ended, clock, is_stopping=lambda: clock.is_stopped).run()
    assert state(app, upload) == ("processing", 0)


@pytest.mark.matrix(part="inspection")
def test_a_stop_signal_while_objects_are_published_lets_the_attempt_finish(
    app: Flask, directory: Path
) -> None:
    upload = arrived(app)
    clock = Clock(pauses_left=9)

    class Files:
        """Stops the worker before the first object is sent."""

        def __init__(self) -> None:
            self._files = object_files(app.extensions["broker"].settings)

        def download(self, *args: Any, **kwargs: Any) -> Any:
            return self._files.download(*args, **kwargs)

        def upload(self, *args: Any, **kwargs: Any) -> str:
            clock.is_stopped = True
            return self._files.upload(*args, **kwargs)

    stop = {"files": Files(), "is_stopping": lambda: clock.is_stopped}
    loop(app, directory, scripted, clock, **stop).run()
    assert state(app, upload) == ("confirmed", 1)


def test_while_the_bucket_is_down_no_attempt_counts_and_the_worker_pauses(
    make_app: Callable[..., Flask], directory: Path
) -> None:
    app = make_app(inspection="required")
    uploads = [arrived(app) for _ in range(3)]
    clock = Clock(pauses_left=6)

    class Files:
        """A bucket that does not answer."""

        def download(self, *_: Any, **__: Any) -> Any:
            raise StorageUnavailable("The bucket does not answer; try again.")

    loop(app, directory, scripted, clock, files=Files()).run()
    assert {state(app, upload) for upload in uploads} == {("processing", 0)}
    assert clock.pauses == [1, 2, 4, *[POLL_SECONDS] * 3]  # one pause for each; then none is due
    assert all(row_of(app, upload).publish_attempts == 1 for upload in uploads)
    loop(app, directory, scripted, now=datetime.now(UTC) + HOUR).run()
    assert {state(app, upload) for upload in uploads} == {("confirmed", 1)}


@pytest.mark.matrix(part="inspection")
def test_an_attempt_that_the_database_interrupts_is_given_back_when_it_answers_again(
    app: Flask, directory: Path, down: Down, caplog: pytest.LogCaptureFixture
) -> None:
    upload = arrived(app)
    seen = []

    @dataclass
    class Recovering(Clock):
        """The database answers again after four pauses."""

        def wait(self, seconds: float) -> bool:
            down.is_down = down.is_down and len(self.pauses) < 4
            return super().wait(seconds)

    def interrupted(request: Request, *, keep: Any) -> Inspected:
        seen.append(state(app, upload))
        down.is_down = len(seen) == 1
        return scripted(request, keep=keep)

    clock = Recovering(pauses_left=6)
    loop(app, directory, interrupted, clock).run()
    assert seen == [("processing", 1), ("processing", 1)]
    assert state(app, upload) == ("confirmed", 1)
    assert clock.pauses[:4] == [1, 2, 4, 8]
    assert max(clock.pauses) <= PAUSE_MAX_SECONDS
    assert [r.message for r in caplog.records if r.name == "broker.worker"] == [
        "the worker waits for the database: The database cannot be reached; try again.",
        "the database answers again",
    ]


@pytest.mark.matrix(part="inspection")
def test_an_interrupted_attempt_whose_lease_has_run_out_is_not_given_back(
    app: Flask, directory: Path, down: Down
) -> None:
    upload = arrived(app)

    def interrupted(request: Request, *, keep: Any) -> Inspected:
        down.is_down = True
        return scripted(request, keep=keep)

    first = loop(app, directory, interrupted)
    first.run()
    down.is_down = False
    later = datetime.now(UTC) + LEASE + timedelta(seconds=1)
    loop(app, directory, scripted, now=later).run()
    assert state(app, upload) == ("confirmed", 2)
    first.wait = Clock().wait
    first.run()
    assert state(app, upload) == ("confirmed", 2)


@pytest.mark.matrix(part="inspection")
def test_a_worker_that_can_no_longer_inspect_ends_and_its_attempt_does_not_count(
    app: Flask, directory: Path
) -> None:
    upload = arrived(app)
    broken = failing(OSError("No space left on device"))
    worker = loop(app, directory, broken, self_test=lambda: "a photo could not be inspected")
    with pytest.raises(CannotInspect, match="a photo could not be inspected"):
        worker.run()
    assert state(app, upload) == ("processing", 0)


@pytest.mark.matrix(part="inspection")
def test_workers_that_run_at_once_never_process_an_upload_twice(
    app: Flask, directory: Path
) -> None:
    uploads = [arrived(app) for _ in range(6)]
    sources: list[Path] = []
    together = threading.Barrier(3)

    def inspect(request: Request, *, keep: Any) -> Inspected:
        sources.append(request.source)
        return scripted(request, keep=keep)

    def work(number: int) -> None:
        together.wait(30)
        loop(app, directory / str(number), inspect).run()

    directory.mkdir()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert len(sources) == 6
    assert [state(app, upload) for upload in uploads] == [("confirmed", 1)] * 6
