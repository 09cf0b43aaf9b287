"""The API in several Granian processes, as it is deployed."""

import http.client
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from broker.db import migrate
from broker.local.process import LOOPBACK, ChildProcess, answers
from tests.http.client import SECRET, token
from tests.servers import START_TIMEOUT, start_on_free_port
from tests.servers.counters import Counters


@pytest.fixture
def workers(tmp_path: Path, counters_server: Counters) -> Iterator[list[int]]:
    """Start two processes of one deployment; yield their ports."""
    counters_server.client().flushall()
    database = f"sqlite:///{tmp_path / 'broker.db'}"
    migrate.upgrade(database)
    environment = {
        "PATH": os.environ["PATH"],
        "BROKER_DATABASE_URL": database,
        "BROKER_S3_BUCKET": "media-bucket",
        "BROKER_JWT_SECRET": SECRET,
        "BROKER_RATE_LIMIT_STORAGE_URL": counters_server.url,
        "BROKER_RATE_LIMIT_USER": "10/hour",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with ExitStack() as stack:

        def start(port: int) -> int:
            child = ChildProcess(
                [
                    *(sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"),
                    *("--host", LOOPBACK, "--port", str(port)),
                    *("--workers", "1", "--blocking-threads", "2", "broker.app:create_app"),
                ],
                log_file=tmp_path / f"{port}.log",
                cwd=tmp_path,
                env=environment,
            )
            stack.callback(child.stop)
            child.start(lambda: answers(f"http://{LOOPBACK}:{port}/healthz"), START_TIMEOUT)
            return port

        yield [start_on_free_port(start) for _ in range(2)]


def ask(port: int, method: str = "GET", path: str = "/api/users/1/", body: object = None) -> int:
    """Send a request to one process. A body is sent in chunks, without Content-Length."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    headers = {"Authorization": f"Bearer {token(1)}", "Content-Type": "application/json"}
    chunks = None if body is None else iter([json.dumps(body).encode()])
    connection.request(method, path, chunks, headers, encode_chunked=body is not None)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_rate_limit_holds_over_two_processes(workers: list[int]) -> None:
    statuses = [ask(port) for _ in range(8) for port in workers]
    assert statuses == [200] * 10 + [429] * 6


def test_a_body_in_chunks_is_read_up_to_its_limit(workers: list[int]) -> None:
    ad = {"title": "A bicycle", "price": "850.00"}
    assert ask(workers[0], "POST", "/api/ads/", ad) == 201
    assert ask(workers[0], "POST", "/api/ads/", {**ad, "description": "x" * 70_000}) == 413
