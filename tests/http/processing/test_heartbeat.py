"""Heartbeats say which workers run; the API's metrics say how long uploads wait for one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from broker.db.models import Upload, Worker
from broker.db.session import Database
from broker.services.processing import heartbeat
from broker.services.processing.heartbeat import Heartbeat, recent_workers, workers_alive
from broker.services.work import Broker
from tests.http.client import Client, rows
from tests.http.processing.arrivals import arrived


@pytest.fixture
def parts(app: Flask) -> Broker:
    broker: Broker = app.extensions["broker"]
    return broker


def beating(parts: Broker) -> Heartbeat:
    found = Heartbeat(parts, is_isolated=True, content_types=["image/jpeg", "image/png"])
    found.beat()
    return found


def age(parts: Broker, seconds: float) -> None:
    """Let all heartbeats be as old as this."""
    with parts.system_work() as work:
        seen_at = datetime.now(UTC) - timedelta(seconds=seconds)
        work.session.execute(update(Worker).values(seen_at=seen_at))
        work.session.commit()


def alive(parts: Broker) -> int:
    with parts.system_work() as work:
        return workers_alive(work)


def test_a_worker_is_alive_while_its_heart_beats_and_its_row_is_deleted_at_its_end(
    app: Flask, parts: Broker
) -> None:
    one, other = beating(parts), beating(parts)
    assert alive(parts) == 2
    one.end()
    assert alive(parts) == 1
    age(parts, 61)
    assert alive(parts) == 0
    other.beat()  # the last beat was less than ten seconds ago
    assert alive(parts) == 0
    assert rows(app, Worker) == 1


def test_a_worker_renews_its_row_every_ten_seconds(
    app: Flask, parts: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = beating(parts)
    age(parts, 61)
    now = heartbeat.time.monotonic()
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: now + heartbeat.BEAT_SECONDS)
    worker.beat()
    assert alive(parts) == 1
    with parts.system_work() as work:
        (row,) = recent_workers(work)
    assert row.started_at < row.seen_at
    assert (row.is_isolated, row.content_types) == (True, "image/jpeg image/png")
    assert rows(app, Worker) == 1


def test_a_worker_that_fails_its_self_test_is_seen_and_not_alive(parts: Broker) -> None:
    beating(parts).fail("a photo kept its location")
    with parts.system_work() as work:
        assert [row.self_test for row in recent_workers(work)] == ["a photo kept its location"]
        assert workers_alive(work) == 0


def test_a_starting_worker_removes_the_rows_of_workers_that_were_killed_a_day_ago(
    app: Flask, parts: Broker
) -> None:
    beating(parts)
    beating(parts)
    age(parts, 86_500)
    beating(parts)
    assert rows(app, Worker) == 1


def test_without_the_database_a_heartbeat_is_left_out(parts: Broker, tmp_path: Path) -> None:
    gone = Database(f"sqlite:///{tmp_path}/none/broker.db")
    worker = Heartbeat(replace(parts, database=gone), is_isolated=True, content_types=[])
    worker.beat()
    worker.end()
    gone.dispose()


def test_the_metrics_have_the_uploads_that_wait_and_the_age_of_the_oldest(
    app: Flask, alice: Client, parts: Broker
) -> None:
    def gauges() -> dict[str, float]:
        lines = app.test_client().get("/metrics").text.splitlines()
        values = dict(line.split(" ") for line in lines if not line.startswith("#"))
        return {
            name: float(values[f"broker_{name}"])
            for name in ("uploads_processing", "uploads_processing_oldest_seconds", "workers_alive")
        }

    assert set(gauges().values()) == {0}
    arrived(app)
    oldest = arrived(app)
    beating(parts)
    with parts.system_work() as work:
        upload = work.session.scalars(select(Upload).where(Upload.id == oldest)).one()
        upload.processing_since = datetime.now(UTC) - timedelta(seconds=300)
        work.session.commit()
    found = gauges()
    assert found["uploads_processing"] == 2
    assert 300 <= found["uploads_processing_oldest_seconds"] < 330
    assert found["workers_alive"] == 1
