"""Several processes of granian and of gunicorn stop accepting a key that the issuer withdraws."""

import os
import sys
import time
from pathlib import Path

import httpx
import pytest

from broker.db import migrate
from broker.local.process import LOOPBACK, ChildProcess, answers
from tests.http.auth.issuer import Issuer, running_issuer
from tests.processes import await_answer
from tests.servers import START_TIMEOUT, start_on_free_port

MAX_AGE = 10  # the smallest value of the setting
SERVERS = {
    "granian": ["granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "2"],
    # The app is loaded before the workers are forked.
    "gunicorn": ["gunicorn", "--preload", "--workers", "2", "--threads", "2"],
}


def address(server: str, port: int) -> list[str]:
    if server == "gunicorn":
        return ["--bind", f"{LOOPBACK}:{port}"]
    return ["--host", LOOPBACK, "--port", str(port)]


def statuses(port: int, bearer: str) -> set[int]:
    """Send requests on so many connections that each process gets some."""
    headers = {"Authorization": f"Bearer {bearer}", "Connection": "close"}
    url = f"http://{LOOPBACK}:{port}/api/users/1/"
    with httpx.Client(headers=headers) as client:
        return {client.get(url).status_code for _ in range(20)}


@pytest.mark.matrix(part="kill")
@pytest.mark.parametrize("server", SERVERS)
def test_report_06_every_process_refuses_a_withdrawn_key_in_time(
    server: str, tmp_path: Path
) -> None:
    with running_issuer() as issuer:
        issuer.rotate("old")
        issuer.rotate("new")
        check(server, issuer, tmp_path)


def check(server: str, issuer: Issuer, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'broker.db'}"
    migrate.upgrade(database)
    environment = {
        "PATH": os.environ["PATH"],
        "BROKER_DATABASE_URL": database,
        "BROKER_S3_BUCKET": "media-bucket",
        "BROKER_JWT_ALGORITHM": "ES256",
        "BROKER_JWT_JWKS_URL": issuer.url,
        "BROKER_JWT_JWKS_MAX_AGE": str(MAX_AGE),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    children: list[ChildProcess] = []

    def start(port: int) -> int:
        child = ChildProcess(
            [sys.executable, "-m", *SERVERS[server], *address(server, port), "wsgi:app"],
            log_file=tmp_path / f"{port}.log",
            cwd=tmp_path,
            env=environment,
        )
        children.append(child)
        child.start(lambda: answers(f"http://{LOOPBACK}:{port}/healthz"), START_TIMEOUT)
        return port

    try:
        port = start_on_free_port(start)
        old, new = issuer.token("old"), issuer.token("new")
        assert statuses(port, old) == {200}
        # The kernel may give many connections in a row to the same process.
        await_answer(lambda: statuses(port, new) == {200} and issuer.asked == 2)
        del issuer.keys["old"]
        withdrawn = time.monotonic()
        await_answer(lambda: statuses(port, old) == {401})
        assert time.monotonic() - withdrawn <= MAX_AGE + 3
        assert statuses(port, new) == {200}
        issuer.down = True
        await_answer(lambda: statuses(port, new) == {503})
        assert time.monotonic() - withdrawn <= 2 * MAX_AGE + 3
        issuer.down = False
        await_answer(lambda: statuses(port, new) == {200})
    finally:
        for child in children:
            child.stop()
