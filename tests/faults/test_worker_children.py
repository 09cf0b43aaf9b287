"""kill -9 of the child process that inspects a file, at its start and between two results."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from broker.services.processing.process import Outcome
from tests.faults.invariants import check_invariants
from tests.http.charging import reap
from tests.http.processing.arrivals import arrived, row_of
from tests.http.worker import Worker, real
from tests.photos import photo
from tests.processes import await_true, is_running

pytestmark = pytest.mark.matrix(part="kill")
MODULE = b"broker.inspection.child"


def inspecting(worker: int) -> list[int]:
    """Return the processes that inspect a file for a process; a zombie has no command line."""
    found = []
    for children in Path(f"/proc/{worker}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                if MODULE in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


@pytest.mark.parametrize(
    ("database_url", "has_written"),
    [
        pytest.param("sqlite", False, id="sqlite-at-its-start"),
        pytest.param("postgresql", True, id="postgresql-between-two-files"),
    ],
    indirect=["database_url"],
)
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
    for days in (3, 6):
        reap(app, timedelta(days=days))
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"child killed, at rest: {state}\n")
    assert state.violations == []
    assert state.counts["images"] == 1
