"""The outbox: refusals for days, two drainers at once, and what is never deleted."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from broker.db.models import Deletion
from broker.domain.errors import DatabaseUnavailable
from broker.domain.storage_errors import StorageDenied
from broker.services.uploads import outbox
from tests.http.client import Client, rows
from tests.http.reconciling import image_of
from tests.http.uploads.test_lifecycle import gone, reap
from tests.http.variants import add_variant
from tests.servers.fixtures import Bucket

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


def test_two_drainers_with_different_clocks_delete_each_object_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each deletion lets the other drainer, whose clock is 20 seconds ahead, take a row."""
    to_delete(app, *(f"media/{number}.jpg" for number in range(6)))
    broker = app.extensions["broker"]
    deleted: list[str] = []
    other_drained: list[outbox.Drained] = []

    def delete(key: str) -> None:
        deleted.append(key)
        if len(deleted) == 1:
            with broker.system_work(now=NOW + timedelta(seconds=20)) as other:
                other_drained.append(outbox.drain(other))

    monkeypatch.setattr(broker.storage, "delete", delete)
    with broker.system_work(now=NOW) as work:
        assert outbox.drain(work).deleted == 1
    assert [each.deleted for each in other_drained] == [5]
    assert len(set(deleted)) == len(deleted) == 6
    assert rows(app, Deletion) == 0


def test_a_failed_deletion_is_due_again_after_its_backoff_and_an_interrupted_one_after_its_lease(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_delete(app, "media/failed.jpg", "media/interrupted.jpg")
    broker = app.extensions["broker"]

    def delete(key: str) -> None:
        if key == "media/interrupted.jpg":
            raise DatabaseUnavailable("The database cannot be reached.")
        refuse()

    with broker.database.session() as session:
        session.execute(update(Deletion).values(attempts=3))
        session.commit()
    with monkeypatch.context() as patched:
        patched.setattr(broker.storage, "delete", delete)
        with pytest.raises(DatabaseUnavailable):
            reap(app)
    with broker.database.session() as session:
        due = {row.object_key: row.not_before for row in session.scalars(select(Deletion))}
    wait = {key: round((time - datetime.now(UTC)).total_seconds(), -1) for key, time in due.items()}
    # Four attempts have failed: 30 s, doubled three times.
    assert wait == {"media/failed.jpg": 240, "media/interrupted.jpg": 30}


def test_the_object_of_a_variant_is_never_deleted(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    image = image_of(alice, alice.ad())
    key = add_variant(app, s3_bucket, image)
    to_delete(app, f"media/{image['image']}", f"media/{key}")
    reap(app)
    assert not gone(app, image["image"])
    assert not gone(app, key)
    assert rows(app, Deletion) == 0


def test_a_deletion_that_has_begun_cannot_be_withdrawn_even_before_its_repetition(
    app: Flask,
) -> None:
    broker = app.extensions["broker"]
    with broker.system_work(now=NOW) as work:
        outbox.enqueue(work.session, "media/a.jpg", now=NOW, form_dead_at=NOW + timedelta(hours=1))
        work.session.commit()
        assert outbox.drain(work).deleted == 1
        assert not outbox.withdraw(work.session, "media/a.jpg", is_repeated=True)
        work.session.commit()
    assert reap(app, timedelta(hours=2)).deleted == 1
    assert rows(app, Deletion) == 0
