"""gunicorn at SIGTERM and commands at Ctrl-C during their start end without a traceback."""

import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from broker.local.process import ChildProcess, answers, free_ports
from tests.http.client import SECRET

GUNICORN = [
    *(sys.executable, "-X", "importtime", "-m", "gunicorn", "--bind", "127.0.0.1:{port}"),
    *("--workers", "1", "--threads", "2", "wsgi:app"),
]
BROKER = [sys.executable, "-X", "importtime", str(Path(sysconfig.get_path("scripts"), "broker"))]
COMMANDS = {
    "broker serve": [*BROKER, "serve", "--", "sh", "-c", "echo started"],
    "broker dev": [*BROKER, "dev", "--port", "{port}", "--s3-port", "1"],
    "gunicorn": GUNICORN,
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    values = {"DATABASE_URL": f"sqlite:///{tmp_path}/broker.db", "S3_BUCKET": "bucket"}
    broker = {f"BROKER_{name}": value for name, value in values.items()}
    # gunicorn creates a socket in its user's home.
    return {**os.environ, **broker, "BROKER_JWT_SECRET": SECRET, "HOME": str(tmp_path)}


def test_report_27_gunicorn_ends_without_a_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    log = tmp_path / "gunicorn.log"
    command = [word.format(port=port) for word in GUNICORN if word not in ("-X", "importtime")]
    server = ChildProcess(command, log_file=log, cwd=tmp_path, env=environment)
    server.start(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 60)
    server.stop()
    text = log.read_text()
    assert "Traceback" not in text, text
    assert "Worker exiting" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_report_27_ctrl_c_while_modules_are_imported_prints_no_traceback(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    (port,) = free_ports(1)
    with subprocess.Popen(
        [word.format(port=port) for word in COMMANDS[name]],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell ignores SIGINT for the commands that it runs in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith(" click"):
                break
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert output == ""
