"""The supervisor of several processes restarts those that end, and leaves none running."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.cli import supervisor
from broker.cli.supervisor import Child, supervise
from broker.cli.worker import worker_child
from tests.processes import await_true, is_alive

# A process that writes its id, and ends at SIGTERM.
OBEDIENT = 'trap "echo $$ >> ended; exit 0" TERM; echo $$ >> started; while :; do sleep 0.05; done'
DEAF = 'trap "" TERM; echo $$ >> started; while :; do sleep 0.05; done'
NAMES = ("first", "second")


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
    monkeypatch.setattr(supervisor, "RESTART_FIRST_SECONDS", 0.05)

    def read(name: str) -> list[int]:
        path = tmp_path / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    return read


def run(
    script: str, stop: Callable[[], bool], ended: Callable[[str], None] = supervisor.ignore
) -> None:
    children = [
        Child(name=name, command=["/bin/sh", "-c", script], environment={"PATH": os.defpath})
        for name in NAMES
    ]
    supervise(children, stop=Signal(stop), stop_seconds=0.3, ended=ended)  # type: ignore[arg-type]


def test_each_process_gets_the_stop_signal_and_ends_by_itself(
    written: Callable[[str], list[int]],
) -> None:
    run(OBEDIENT, lambda: len(written("started")) == 2)
    assert set(written("started")) <= set(written("ended"))


def test_a_process_that_is_killed_is_replaced_and_reported(
    written: Callable[[str], list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []
    ended: list[str] = []

    def stop() -> bool:
        started = written("started")
        if len(started) == 2 and not killed:
            killed.append(started[0])
            os.kill(started[0], signal.SIGKILL)
        return len(started) == 3

    run(OBEDIENT, stop, ended.append)
    assert len(written("started")) == 3
    assert not set(written("ended")) & set(killed)
    (line,) = [record.message for record in caplog.records]
    assert line == f"{ended[0]} ended with status -9; starting it again in 0 s"
    assert len(ended) == 1


def test_a_process_that_keeps_ending_is_started_less_and_less_often(
    written: Callable[[str], list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    def pauses(name: str) -> list[str]:
        lines = [record.args for record in caplog.records if record.args]
        return [f"{pause}" for error, pause in lines if f"{error}".startswith(name)]

    run("echo $$ >> started; exit 1", lambda: all(len(pauses(n)) >= 3 for n in NAMES))
    for name in NAMES:
        assert pauses(name) == [f"{0.05 * 2**n}" for n in range(len(pauses(name)))]


def test_a_process_that_ignores_the_stop_signal_is_killed(
    written: Callable[[str], list[int]],
) -> None:
    run(DEAF, lambda: len(written("started")) == 2)
    assert await_true(lambda: not any(map(is_alive, written("started"))))


def test_all_are_asked_to_stop_before_one_is_waited_for(
    written: Callable[[str], list[int]], tmp_path: Path
) -> None:
    waits = 'trap "until [ -e asked ]; do sleep 0.01; done; echo 1 >> ended; exit" TERM'
    asks = 'trap "touch asked; exit" TERM'
    loop = "echo 1 >> started; while :; do sleep 0.01; done"
    children = [
        Child(name=name, command=["/bin/sh", "-c", f"{trap}; {loop}"], environment=os.environ)
        for name, trap in (("waits", waits), ("asks", asks))
    ]
    stop = Signal(lambda: len(written("started")) == 2)
    supervise(children, stop=stop, stop_seconds=5)  # type: ignore[arg-type]
    assert written("ended") == [1]


def test_each_process_of_a_worker_serves_its_metrics_on_a_port_of_its_own() -> None:
    commands = [worker_child(number, "0.0.0.0", 9103).command for number in (1, 2)]
    assert [" ".join(command[-5:]) for command in commands] == [
        "worker --metrics-host 0.0.0.0 --metrics-port 9103",
        "worker --metrics-host 0.0.0.0 --metrics-port 9104",
    ]
    assert worker_child(1, "0.0.0.0", None).command[-1] == "worker"


ORPHANS = """
import ctypes, os, sys
from pathlib import Path
from broker.cli import supervisor
from tests.unit.test_supervisor import Signal
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: like process 1 of a container
supervisor.RESTART_FIRST_SECONDS = 60
orphan = "echo $$ > orphan; while kill -0 $0; do sleep 0.01; done"
script = f"setsid sh -c '{orphan}' $$ & while [ ! -s orphan ]; do sleep 0.01; done; kill -9 $$"
child = supervisor.Child(name="one", command=["/bin/sh", "-c", script], environment=os.environ)
def is_forgotten():
    found = Path("orphan").read_text().strip() if Path("orphan").exists() else ""
    return found and not Path(f"/proc/{found}").exists()
supervisor.supervise([child], stop=Signal(is_forgotten), stop_seconds=1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_no_zombie_is_left_of_what_a_killed_process_had_started(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", ORPHANS]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
