"""The outbox if a bucket refuses for days, and if two workers with different clocks drain it."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from broker.db.models import Deletion
from broker.domain.storage_errors import StorageDenied
from broker.services.uploads import outbox
from broker.services.work import Work
from tests.http.client import rows
from tests.http.uploads.test_lifecycle import reap

NOW = datetime.now(UTC)


def refuse(*_: object) -> None:
    raise StorageDenied("The bucket refuses the broker's own request: AccessDenied.")


def to_delete(app: Flask, *keys: str) -> None:
    with app.extensions["broker"].database.session() as session:
        for key in keys:
            outbox.enqueue(session, key, now=NOW)
        session.commit()


def test_a_deletion_refused_for_days_is_retried_hourly_and_delays_no_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_delete(app, "media/locked.jpg", "media/other.jpg")
    broker = app.extensions["broker"]
    with broker.database.session() as session:
        for key, attempts in (("media/locked.jpg", 41), ("media/other.jpg", 1000)):
            one = update(Deletion).where(Deletion.object_key == key)
            session.execute(one.values(attempts=attempts, last_error="storage_denied"))
        session.commit()
    with monkeypatch.context() as patched:
        patched.setattr(broker.storage, "delete", refuse)
        assert reap(app).postponed == 2
        assert reap(app, timedelta(minutes=59)).postponed == 0
        assert reap(app, timedelta(minutes=61)).postponed == 2
    assert reap(app, timedelta(hours=3)).deleted == 2
    assert rows(app, Deletion) == 0


def test_a_worker_overtaken_by_another_reads_the_outbox_row_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the other worker is behind, so the row is due again immediately."""
    to_delete(app, "media/contended.jpg")
    broker = app.extensions["broker"]
    lease, asked = outbox._lease, 0

    def overtaken(work: Work, row: Deletion) -> bool:
        nonlocal asked
        asked += 1
        assert asked < 10, "it asks for the same row over and over"
        if asked == 1:
            earlier = work.now - timedelta(minutes=1)
            with monkeypatch.context() as patched, broker.system_work(now=earlier) as other:
                patched.setattr(broker.storage, "delete", refuse)
                patched.setattr(outbox, "_lease", lease)
                outbox.drain(other)
        return lease(work, row)

    monkeypatch.setattr(outbox, "_lease", overtaken)
    with broker.system_work(now=NOW + timedelta(minutes=2)) as work:
        assert outbox.drain(work).deleted == 1
    assert rows(app, Deletion) == 0
