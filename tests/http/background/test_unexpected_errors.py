"""An unexpected error of one item, such as a ValueError, delays no other item and is logged."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from broker.cli import reap as command
from broker.db.models import Deletion
from broker.domain.errors import DatabaseUnavailable
from broker.services.background import late_objects
from broker.services.stale import keep_arrived
from tests.http.background.test_bucket_notifications import notification
from tests.http.background.test_late_objects import cancelled
from tests.http.background.test_reports_bad_items import SQLITE, Waiting, consumed, state, written
from tests.http.client import Client, rows, send, token
from tests.http.reconciling import put, there
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.uploads.test_outbox import to_delete
from tests.servers.fixtures import Bucket

MakeApp = Callable[..., Flask]
LATER = PAST_GRACE + timedelta(hours=3)


def fail_for(part: str, patch: pytest.MonkeyPatch, holder: Any, name: str) -> None:
    """Let a function raise ValueError if an argument contains `part`."""
    really = getattr(holder, name)

    def failing(*arguments: Any, **named: Any) -> Any:
        if any(part in str(getattr(one, "key", one)) for one in arguments):
            raise ValueError("A value that nobody expected.")
        return really(*arguments, **named)

    patch.setattr(holder, name, failing)


def test_a_bad_stale_upload_delays_neither_the_next_one_nor_the_listing_nor_the_outbox(
    make_app: MakeApp,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(reap="confirm")
    alice = Client(app, token(1))
    ad = alice.ad()
    late = f"incoming/{cancelled(alice, ad)}"
    reap(app, PAST_GRACE)
    bad, good = (alice.ticket(ad).get_json() for _ in range(2))
    send(bad)
    send(good)
    put(s3_bucket, late)
    to_delete(app, "media/a/other.jpg")
    fail_for(bad["key"], monkeypatch, app.extensions["broker"].storage, "head")
    with caplog.at_level(logging.ERROR, "broker.reap"):
        done = reap(app, LATER)
    assert (done.kept, done.late, done.postponed) == (1, 1, 1)
    assert [state(alice, one) for one in (bad, good)] == ["pending", "confirmed"]
    assert not there(s3_bucket, late)
    assert rows(app, Deletion) == 0
    assert bad["id"] in caplog.text
    assert "ValueError: A value that nobody expected." in caplog.text


def test_a_deletion_that_fails_unexpectedly_delays_no_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    to_delete(app, "media/a/bad.jpg", "media/a/good.jpg", "media/a/best.jpg")
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "broker.outbox"):
        fail_for("bad.jpg", patch, app.extensions["broker"].storage, "delete")
        done = reap(app)
    assert (done.deleted, done.postponed) == (2, 1)
    assert "media/a/bad.jpg" in caplog.text
    assert "ValueError" in caplog.text
    assert "broker_outbox_refused 1.0" in Client(app, None).get("/metrics").text
    assert reap(app, timedelta(hours=1)).deleted == 1


def test_a_late_object_that_fails_unexpectedly_delays_no_other(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ad = alice.ad()
    keys = [cancelled(alice, ad) for _ in range(3)]
    reap(app, PAST_GRACE)
    for key in keys:
        put(s3_bucket, f"incoming/{key}")
    fail_for(keys[1], monkeypatch, late_objects, "_enqueue")
    with caplog.at_level(logging.ERROR, "broker.reap"):
        done = reap(app, LATER)
    assert (done.late, done.deleted, done.postponed) == (2, 2, 1)
    assert [there(s3_bucket, f"incoming/{key}") for key in keys] == [False, True, False]
    assert "ValueError" in caplog.text


@SQLITE
def test_a_lost_database_stops_the_reaper_at_once(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(reap="confirm")
    alice = Client(app, token(1))
    ad = alice.ad()
    for _ in range(2):
        alice.ticket(ad)
    asked = []

    def fail(_work: Any, upload_id: Any) -> None:
        asked.append(upload_id)
        raise OperationalError("SELECT 1", {}, Exception("the connection is lost"))

    monkeypatch.setattr(keep_arrived, "confirm", fail)
    with pytest.raises(DatabaseUnavailable):
        reap(app, PAST_GRACE)
    assert len(asked) == 1


@SQLITE
def test_a_message_that_fails_unexpectedly_stays_queued_and_delays_no_other(
    app: Flask,
    alice: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ad = alice.ad()
    first, second = (alice.ticket(ad).get_json() for _ in range(2))
    send(first)
    send(second)
    queue = Waiting(*(notification(key, name=s3_bucket.name) for key in written(first, second)))
    fail_for(first["key"], monkeypatch, app.extensions["broker"].storage, "head")
    with caplog.at_level(logging.ERROR):
        assert consumed(app, queue) == {"failed": 2, "confirmed": 1}
    assert list(queue.messages) == ["0"], "it stays for the dead-letter queue"
    assert "ValueError" in caplog.text


@SQLITE
def test_the_reaper_process_survives_a_round_that_fails_unexpectedly(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_work: Any) -> None:
        raise ValueError("A value that nobody expected.")

    monkeypatch.setattr(command, "reap_once", fail)
    with caplog.at_level(logging.ERROR, "broker.reap"):
        command._try_round(app.extensions["broker"])
    assert "ValueError: A value that nobody expected." in caplog.text
    metrics = Client(app, None).get("/metrics").text
    assert 'broker_reaper_runs_total{result="internal_error"}' in metrics
