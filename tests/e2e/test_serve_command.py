"""How `broker serve` ends with any server: remaining processes, output and exit status."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from broker.local.process import free_ports
from broker.telemetry.metric_files import MEMORY
from tests.http.client import SECRET

BROKER = [sys.executable, "-m", "broker.cli"]


@pytest.fixture
def environment() -> dict[str, str]:
    values = {"BROKER_DATABASE_URL": "sqlite://", "BROKER_S3_BUCKET": "bucket"}
    return {**os.environ, **values, "BROKER_JWT_SECRET": SECRET}


def ends(pipe: int) -> bool:
    """Wait until every process has closed its copy of the pipe's other end."""
    readable, _, _ = select.select([pipe], [], [], 60)
    return bool(readable) and os.read(pipe, 1) == b""


# A server with one worker that announces itself. Both ignore SIGTERM.
STUBBORN = "trap '' TERM; sh -c 'echo at work; sleep 600' & {then}"


@pytest.mark.parametrize(
    ("then", "number"),
    [("wait", signal.SIGTERM), ("wait", signal.SIGHUP), ("read _; kill -KILL $$", None)],
)
def test_no_worker_outlives_broker_serve_however_it_ends(
    environment: dict[str, str], then: str, number: signal.Signals | None
) -> None:
    environment |= {"BROKER_DRAIN_SECONDS": "0", "BROKER_STOP_SECONDS": "1"}
    command = [*BROKER, "serve", "--", "sh", "-c", STUBBORN.format(then=then)]
    reader, words = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    ) as process:
        os.close(words)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"at work\n"
        if number is None:
            process.stdin.close()
        else:
            process.send_signal(number)
        assert ends(process.stdout.fileno()), "the worker has it as well"
    assert process.returncode in (0, 1, 137)


def test_an_impossible_drain_file_is_reported_before_serving(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["BROKER_DRAIN_FILE"] = str(tmp_path / "none" / "draining")
    done = subprocess.run(
        [*BROKER, "serve", "--", "sh", "-c", "echo at work"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}/none/draining: No such file or directory" in done.stderr


def test_a_stop_is_clean_even_if_the_drain_file_can_no_longer_be_created(
    environment: dict[str, str], tmp_path: Path
) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    environment |= {"BROKER_DRAIN_FILE": f"{directory}/draining", "BROKER_DRAIN_SECONDS": "0"}
    server = "trap 'echo ended well; exit 0' TERM; echo at work; while :; do sleep 0.1; done"
    command = [*BROKER, "serve", "--", "sh", "-c", server]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        directory.rmdir()
        process.terminate()
        assert process.stdout.read() == "ended well\n"
    assert process.returncode == 0


def test_a_worker_that_is_starting_is_stopped_too(
    environment: dict[str, str], tmp_path: Path
) -> None:
    os.mkfifo(import_may_end := tmp_path / "import_may_end")
    environment |= {"BROKER_DRAIN_SECONDS": "0", "BROKER_STOP_SECONDS": "60"}
    environment |= {"IMPORT_MAY_END": str(import_may_end)}
    (port,) = free_ports(1)
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    command = [*BROKER, "serve", "--", *server, "tests.e2e.slow_wsgi:app"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "importing\n" in process.stdout
        process.terminate()
        assert "signalled\n" in process.stdout
        import_may_end.write_bytes(b"")
        assert process.wait(60) == 0
        assert "killed" not in process.stderr.read()


@pytest.mark.skipif(not os.access(MEMORY, os.W_OK), reason="no such place here")
def test_its_files_are_in_memory_so_that_a_full_disk_stops_no_worker(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for name in ("PROMETHEUS_MULTIPROC_DIR", "BROKER_DRAIN_FILE"):
        environment.pop(name, None)
    done = subprocess.run(
        [*BROKER, "serve", "--", "sh", "-c", "echo $PROMETHEUS_MULTIPROC_DIR $BROKER_DRAIN_FILE"],
        env=environment | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    places = [Path(name) for name in done.stdout.split()]
    assert [place.is_relative_to(MEMORY) for place in places] == [True, True]
    assert not any(place.parent.exists() for place in places), "it is gone with the server"


def test_broker_serve_ends_with_the_status_of_its_server(environment: dict[str, str]) -> None:
    for command, expected in (["exit 3", 3], ["kill -KILL $$", 137]):
        done = subprocess.run(
            [*BROKER, "serve", "--", "sh", "-c", str(command)], env=environment, timeout=60
        )
        assert done.returncode == expected
    missing = subprocess.run(
        [*BROKER, "serve", "--", "no-such-server"], env=environment, capture_output=True, text=True
    )
    assert missing.returncode == 1
    assert "no-such-server: No such file" in missing.stderr


def test_a_server_with_workers_that_cannot_start_is_not_started() -> None:
    environment = {**os.environ, "BROKER_S3_BUCKET": "bucket", "BROKER_JWT_SECRET": SECRET}
    for url in ("mysql://broker:its-password@host/db", "postgresql://u:its-password@host:port/db"):
        done = subprocess.run(
            [*BROKER, "serve", "--", "sh", "-c", "echo started"],
            env={**environment, "BROKER_DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("broker: BROKER_DATABASE_URL: must be a URL such as")
        assert "its-password" not in done.stderr
