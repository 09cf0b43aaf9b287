"""Metrics of several processes, and of workers without an API."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families as families

from broker.local.process import free_ports
from tests.http.client import SECRET, Client, token
from tests.servers.fixtures import Bucket

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BROKER = [sys.executable, "-m", "broker"]
API = """
import sys
from broker.app import create_app
client = create_app().test_client()
for _ in range(3):
    client.get("/healthz")
print(client.get("/metrics").text)
"""


def values(text: str, name: str) -> dict[str, float]:
    """Return the values of a metric by their label values."""
    return {
        ",".join(sample.labels.values()): sample.value
        for family in families(text)
        for sample in family.samples
        if sample.name == name
    }


@pytest.fixture
def environment(app: Flask, s3_bucket: Bucket) -> dict[str, str]:
    settings = app.extensions["broker"].settings
    return {
        **os.environ,
        "BROKER_DATABASE_URL": settings.database_url,
        "BROKER_S3_BUCKET": settings.s3_bucket,
        "BROKER_S3_ENDPOINT_URL": s3_bucket.server.endpoint_url,
        "BROKER_JWT_SECRET": SECRET,
    }


@contextmanager
def reaper(environment: dict[str, str], log: Path, *options: str) -> Iterator[None]:
    command = [*BROKER, "reap", "--every", "1", *options]
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0


def scraped(url: str, name: str) -> dict[str, float]:
    """Scrape until the worker has finished a round. Return the values of one metric."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            text = ""
        if values(text, "broker_reaper_runs_total"):
            return values(text, name)
        time.sleep(0.05)
    raise AssertionError("the reaper tells of no round")


def test_a_reaper_exposes_its_metrics_on_its_own_port(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    with reaper(environment, tmp_path / "reaper.log", "--metrics-port", str(port)):
        url = f"http://127.0.0.1:{port}/metrics"
        assert scraped(url, "broker_reaper_runs_total")["ok"] >= 1
        (last,) = scraped(url, "broker_reaper_last_success_timestamp_seconds").values()
    assert time.time() - 60 < last <= time.time()


def test_a_reaper_without_a_database_logs_its_failed_rounds_as_json(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    away = {**environment, "BROKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    with reaper(away, tmp_path / "reaper.log", "--metrics-port", str(port)):
        url = f"http://127.0.0.1:{port}/metrics"
        assert set(scraped(url, "broker_reaper_runs_total")) == {"database_unavailable"}
        (last,) = scraped(url, "broker_reaper_last_success_timestamp_seconds").values()
    assert last == 0
    log = (tmp_path / "reaper.log").read_text()
    assert '"logger":"broker.reap","message":"database_unavailable: ' in log


def test_a_taken_port_is_reported_in_one_line(environment: dict[str, str], app: Flask) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [*BROKER, "reap", "--every", "1", "--metrics-port", port]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        f"cannot listen on 127.0.0.1:{port}: Address already in use"
    )
    assert len(done.stderr.splitlines()) == 1


def test_processes_that_share_a_directory_are_exposed_as_one(
    environment: dict[str, str], app: Flask, tmp_path: Path
) -> None:
    Client(app, token(1)).ad()
    shared = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "not" / "there")}
    subprocess.run([*BROKER, "reap", "--once"], env=shared, capture_output=True, check=True)
    for requests in (3, 7):  # three more requests, and the previous scrape
        done = subprocess.run(
            [sys.executable, "-c", API], env=shared, capture_output=True, text=True, check=True
        )
        counted = values(done.stdout, "broker_http_requests_total")
        assert sum(counted.values()) == requests
    assert counted == {"GET,/healthz,2xx": 6, "GET,/metrics,2xx": 1}
    assert values(done.stdout, "broker_reaper_runs_total") == {"ok": 1}
    (last,) = values(done.stdout, "broker_reaper_last_success_timestamp_seconds").values()
    assert last > 0
    assert set(values(done.stdout, "broker_outbox_waiting")) == {""}
