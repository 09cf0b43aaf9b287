"""Report 26: without the bucket a process stays ready, and says so at /readyz and /metrics."""

import socket
import time
from collections.abc import Callable

import pytest
from flask import Flask

from broker.domain.storage_errors import StorageDenied
from broker.storage.bucket_state import BucketState
from tests.http.client import Client, token

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GAUGE = "broker_bucket_available"


def gauge(client: Client) -> list[str]:
    """Return the lines of the gauge, without its help."""
    return [line for line in client.get("/metrics").text.splitlines() if line.startswith(GAUGE)]


@ON_SQLITE
def test_report_26_a_bucket_that_answers_is_ok(app: Flask) -> None:
    client = Client(app, token(1))
    assert client.get("/readyz").get_json() == {"status": "ready", "bucket": "ok"}
    assert gauge(client) == [f"{GAUGE} 1.0"]


@ON_SQLITE
def test_report_26_without_its_bucket_a_process_is_ready_and_issues_tickets(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(make_app(s3_endpoint_url="http://127.0.0.1:9"), token(1))
    for _ in range(2):
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.get_json() == {"status": "ready", "bucket": "storage_unavailable"}
    assert gauge(client) == [f"{GAUGE} 0.0"]
    assert client.ticket(client.ad()).status_code == 201
    lines = [one for one in caplog.records if one.name == "broker.bucket_state"]
    assert len(lines) == 1


@ON_SQLITE
def test_report_26_a_bucket_that_never_answers_does_not_delay_a_probe(
    make_app: Callable[..., Flask],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        client = Client(make_app(s3_endpoint_url=f"http://127.0.0.1:{port}"), token(1))
        began = time.monotonic()
        assert client.get("/readyz").get_json() == {"status": "ready", "bucket": "unknown"}
        assert time.monotonic() - began < 2
        assert gauge(client) == []


def test_report_26_the_state_follows_the_bucket_and_is_checked_once_at_a_time() -> None:
    results: list[Exception | None] = [StorageDenied("No."), None, ValueError("a bug")]
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if (error := results.pop(0)) is not None:
            raise error

    state = BucketState(check, max_age=0, wait=10)
    assert [state.read() for _ in range(3)] == ["storage_denied", "ok", "internal_error"]
    kept = BucketState(lambda: asked.append(1), max_age=60, wait=10)
    asked.clear()
    assert [kept.read() for _ in range(5)] == ["ok"] * 5
    assert len(asked) == 1
