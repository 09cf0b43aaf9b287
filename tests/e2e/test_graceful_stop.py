"""`broker serve` with real servers stops without losing an answer."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from broker.local.process import free_ports
from broker.services.background.reap import reap_once
from broker.services.uploads.state import PUBLISH_TIME
from tests.faults.invariants import check_invariants
from tests.http.client import SECRET, declared, send, token
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import header_proxy

ROOT = Path(__file__).parent.parent.parent
BROKER = [sys.executable, "-m", "broker.cli"]
TRIES = 600  # 0.1 s each
SLOW = pytest.mark.matrix(part="kill")
SERVERS = {
    "granian": [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", "{port}", "--workers", "2", "--blocking-threads", "2"),
        *("--respawn-failed-workers", "tests.e2e.patient_wsgi:app"),
    ],
    "gunicorn": [
        *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2"),
        *("--threads", "4", "--worker-tmp-dir", "/dev/shm", "tests.e2e.patient_wsgi:app"),
    ],
}
CLIENT = {"headers": {"Authorization": f"Bearer {token(1)}"}, "timeout": 60}


class Gate:
    """A gate that holds back the answers of S3 while it is closed."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.opened.set()
        self.held = threading.Event()

    def pass_through(self) -> None:
        if not self.opened.is_set():
            self.held.set()
            self.opened.wait(60)


def wait_until(holds: Callable[[], bool]) -> None:
    pause, tries = threading.Event(), TRIES
    while not holds():
        assert (tries := tries - 1) > 0
        pause.wait(0.1)


def status(url: str) -> int | str:
    """Send a request on a new connection; return its status, problem code, or `refused`.

    gunicorn keeps its socket open until its workers have ended. A new connection then gets no
    answer, which is the same as `refused` for a load balancer.
    """
    try:
        answer = httpx.get(url, timeout=3)
    except httpx.TransportError:
        return "refused"
    return str(answer.json()["code"]) if answer.status_code >= 500 else answer.status_code


@contextmanager
def served(
    command: list[str], bucket: Bucket, database_url: str, endpoint_url: str, **settings: Any
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run `broker serve` as in production; yield the API's URL and the process."""
    (port,) = free_ports(1)
    values = {
        "database_url": database_url,
        "s3_bucket": bucket.name,
        "s3_endpoint_url": endpoint_url,
        "s3_public_url": bucket.server.endpoint_url,
        "jwt_secret": SECRET,
        **settings,
    }
    environment = os.environ | {f"BROKER_{name.upper()}": str(values[name]) for name in values}
    run = [*BROKER, "serve", "--", *(word.format(port=port) for word in command)]
    with subprocess.Popen(run, env=environment, cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: process.poll() is not None or status(f"{url}/readyz") == 200)
            assert process.poll() is None
            yield url, process
        finally:
            for _ in range(2):
                process.send_signal(signal.SIGTERM)
            process.wait(30)


def sent(client: httpx.Client) -> str:
    """Upload a photo without confirming it; return the path of the confirm."""
    ad = client.post("/api/ads/", json={"title": "A bicycle", "price": "850.00"}).json()["id"]
    ticket = client.post(f"/api/ads/{ad}/upload_image/", json=declared()).json()
    assert send(ticket).status_code == 201
    return str(ticket["confirm_url"])


def listed_and_counted(url: str) -> list[float]:
    """List the ads ten times; return the request count in /metrics after each time.

    Each request uses a new connection, so any worker may answer it.
    """
    for _ in range(10):
        assert status(f"{url}/api/ads/") == 200
    return [
        sample.value
        for _ in range(4)
        for family in families(httpx.get(f"{url}/metrics").text)
        for sample in family.samples
        if sample.name == "broker_http_requests_total"
        and sample.labels == {"route": "/api/ads/", "method": "GET", "status": "2xx"}
    ]


@pytest.mark.parametrize(
    ("database_url", "server"),
    [
        ("sqlite", "granian"),
        pytest.param("postgresql", "granian", marks=SLOW),
        pytest.param("postgresql", "gunicorn", marks=SLOW),
    ],
    indirect=["database_url"],
)
def test_readiness_fails_first_and_running_requests_are_answered(
    s3_bucket: Bucket, database_url: str, server: str
) -> None:
    gate = Gate()
    limits = {"drain_seconds": 300, "stop_seconds": 60}
    with (
        header_proxy(s3_bucket.server.endpoint_url, before_answer=gate.pass_through) as slow,
        served(SERVERS[server], s3_bucket, database_url, slow, **limits) as (url, process),
        httpx.Client(base_url=url, **CLIENT) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        confirm_url = sent(client)
        assert listed_and_counted(url) == [10] * 4
        gate.opened.clear()
        confirming = pool.submit(client.post, confirm_url)
        assert gate.held.wait(30)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: status(f"{url}/readyz") == "draining")
        # Load balancers notice it late. Requests that arrive until then are still answered.
        assert status(f"{url}/api/ads/") == 200
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: status(f"{url}/healthz") == "refused")
        assert not confirming.done()
        gate.opened.set()
        assert confirming.result(30).status_code == 200
        assert process.wait(30) == 0


@pytest.mark.parametrize("server", ["granian", pytest.param("gunicorn", marks=SLOW)])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_requests_over_the_time_limit_are_cut_and_leave_nothing_half_done(
    s3_bucket: Bucket,
    database_url: str,
    server: str,
    make_app: Callable[..., Any],
    capfd: pytest.CaptureFixture[str],
) -> None:
    gate = Gate()
    limits = {"drain_seconds": 1, "stop_seconds": 1}
    with (
        header_proxy(s3_bucket.server.endpoint_url, before_answer=gate.pass_through) as slow,
        served(SERVERS[server], s3_bucket, database_url, slow, **limits) as (url, process),
        httpx.Client(base_url=url, **CLIENT) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        confirm_url = sent(client)
        gate.opened.clear()
        confirming = pool.submit(client.post, confirm_url)
        assert gate.held.wait(30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert isinstance(confirming.exception(30), httpx.TransportError)
        gate.opened.set()
    assert "killed what took longer than 1 s" in capfd.readouterr().err
    app = make_app()
    assert check_invariants(app).violations == []
    retried = app.test_client().post(confirm_url, headers=CLIENT["headers"])
    assert retried.status_code == 200
    later = datetime.now(UTC) + PUBLISH_TIME + timedelta(minutes=1)
    with app.extensions["broker"].system_work(now=later) as work:
        reap_once(work)
    assert check_invariants(app, at_rest=True).violations == []
