"""`broker worker --processes N` restarts workers that end, and leaves none running."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.cli import worker_processes
from broker.cli.worker_processes import run_workers
from tests.processes import await_true, is_alive

# A worker that writes its process id, and ends at SIGTERM.
OBEDIENT = 'trap "echo $$ >> ended; exit 0" TERM; echo $$ >> started; while :; do sleep 0.05; done'
DEAF = 'trap "" TERM; echo $$ >> started; while :; do sleep 0.05; done'


class Signal:
    """A stop signal that arrives when a condition is true."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition

    def is_set(self) -> bool:
        return self._condition()

    def wait(self, _seconds: float | None = None) -> bool:
        return self._condition()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[int]]:
    """Return a function that returns the process ids in a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worker_processes, "RESTART_FIRST_SECONDS", 0.05)

    def read(name: str) -> list[int]:
        path = tmp_path / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    return read


def run(script: str, stop: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_processes, "WORKER", ["/bin/sh", "-c", script])
    run_workers(
        2,
        stop=Signal(stop),  # type: ignore[arg-type]
        stop_seconds=0.3,
        metrics_host="127.0.0.1",
        metrics_port=None,
    )


def test_each_worker_gets_the_stop_signal_and_ends_by_itself(
    written: Callable[[str], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(OBEDIENT, lambda: len(written("started")) == 2, monkeypatch)
    assert set(written("started")) <= set(written("ended"))


def test_a_worker_that_is_killed_is_replaced(
    written: Callable[[str], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    killed = []

    def stop() -> bool:
        started = written("started")
        if len(started) == 2 and not killed:
            killed.append(started[0])
            os.kill(started[0], signal.SIGKILL)
        return len(started) == 3

    run(OBEDIENT, stop, monkeypatch)
    assert len(written("started")) == 3
    assert not set(written("ended")) & set(killed)
    (line,) = [record.message for record in caplog.records]
    assert "ended with status -9; starting it again in" in line


def test_a_worker_that_keeps_ending_is_started_less_and_less_often(
    written: Callable[[str], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run("echo $$ >> started; exit 1", lambda: len(written("started")) >= 6, monkeypatch)
    pauses = [record.args[1] for record in caplog.records if isinstance(record.args, tuple)]
    assert {0.05, 0.1, 0.2} <= set(pauses)


def test_a_worker_that_ignores_the_stop_signal_is_killed(
    written: Callable[[str], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(DEAF, lambda: len(written("started")) == 2, monkeypatch)
    assert await_true(lambda: not any(map(is_alive, written("started"))))


def test_each_worker_serves_its_metrics_on_a_port_of_its_own(
    written: Callable[[str], list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "$*" >> arguments; ' + OBEDIENT
    monkeypatch.setattr(worker_processes, "WORKER", ["/bin/sh", "-c", script, "worker"])
    run_workers(
        2,
        stop=Signal(lambda: len(written("started")) == 2),  # type: ignore[arg-type]
        stop_seconds=5,
        metrics_host="0.0.0.0",
        metrics_port=9103,
    )
    assert sorted((tmp_path / "arguments").read_text().splitlines()) == [
        "--metrics-host 0.0.0.0 --metrics-port 9103",
        "--metrics-host 0.0.0.0 --metrics-port 9104",
    ]
