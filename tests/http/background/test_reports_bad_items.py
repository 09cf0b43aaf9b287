"""After a bad item, webhook, reaper, outbox, reconcile and adopt continue with the next."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from broker.db.models import Deletion, Image
from broker.domain.adoption import Skipped
from broker.domain.object_head import ObjectHead
from broker.domain.reconciliation import DifferenceKind
from broker.domain.storage_errors import StorageDenied
from broker.services.background import bucket_notifications
from broker.services.background.consume import Consumer
from broker.services.uploads import outbox
from broker.storage.protocol import QueueMessage
from tests.http.background.test_bucket_notifications import (
    BUCKET_SECRET,
    PATH,
    notification,
    tell,
)
from tests.http.client import Client, rows, send, token
from tests.http.reconciling import adopted, put, put_ours, reconciled
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.uploads.test_outbox import to_delete
from tests.servers.fixtures import Bucket
from tests.servers.header_proxy import refusing
from tests.servers.sse_c import send_encrypted

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MakeApp = Callable[..., Flask]


def bad_and_good(alice: Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send two photos. The bucket refuses to show the first."""
    ad = alice.ad()
    bad, good = (alice.ticket(ad).get_json() for _ in range(2))
    send_encrypted(bad)
    send(good)
    return bad, good


def written(*tickets: dict[str, Any]) -> list[str]:
    return [ticket["upload"]["fields"]["key"] for ticket in tickets]


def state(client: Client, ticket: dict[str, Any]) -> str:
    return str(client.get(f"/api/uploads/{ticket['id']}/").get_json()["state"])


def refuse_head_of(app: Flask, ticket: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    """Let the bucket refuse the broker itself when it asks for one object."""
    storage = app.extensions["broker"].storage
    head = storage.head

    def refusing_head(key: str) -> ObjectHead:
        if ticket["key"] in key:
            raise StorageDenied("The bucket refuses the broker's own request: AccessDenied.")
        found: ObjectHead = head(key)
        return found

    patch.setattr(storage, "head", refusing_head)


def test_report_03_a_webhook_batch_goes_on_after_a_bad_object(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    app = make_app(bucket_notifications_secret=BUCKET_SECRET)
    alice, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    keys = written(*bad_and_good(alice))
    assert tell(bucket, s3_bucket, *keys) == {"rejected": 1, "confirmed": 1}
    assert rows(app, Image) == 1


@SQLITE
def test_report_03_a_refused_notification_does_not_delay_the_next_one(
    make_app: MakeApp, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket sends the batch again, because it refused the broker and not the object."""
    app = make_app(bucket_notifications_secret=BUCKET_SECRET)
    alice, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    ad = alice.ad()
    first, second = (alice.ticket(ad).get_json() for _ in range(2))
    send(first)
    send(second)
    body = notification(*written(first, second), name=s3_bucket.name)
    with monkeypatch.context() as patched:
        refuse_head_of(app, first, patched)
        answer = bucket.post(PATH, body)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_denied")
    assert [state(alice, one) for one in (first, second)] == ["pending", "confirmed"]
    assert bucket.post(PATH, body).get_json()["outcomes"] == {"confirmed": 1, "settled": 1}


@SQLITE
def test_report_03_a_notification_that_fails_unexpectedly_is_given_up_and_logged(
    make_app: MakeApp,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(bucket_notifications_secret=BUCKET_SECRET)
    alice, bucket = Client(app, token(1)), Client(app, BUCKET_SECRET)
    ad = alice.ad()
    first, second = (alice.ticket(ad).get_json() for _ in range(2))
    send(second)
    confirm = bucket_notifications.confirm

    def fail_the_first(work: Any, upload_id: Any) -> Image:
        if str(upload_id) == first["id"]:
            raise ValueError("A value that this batch has for the first time.")
        return confirm(work, upload_id)

    monkeypatch.setattr(bucket_notifications, "confirm", fail_the_first)
    with caplog.at_level(logging.ERROR, "broker.bucket_notifications"):
        outcomes = tell(bucket, s3_bucket, *written(first, second))
    assert outcomes == {"failed": 1, "confirmed": 1}
    assert first["key"] in caplog.text
    assert "Traceback" in caplog.text, "the log hides nothing"


def test_report_03_the_reaper_keeps_the_uploads_after_a_bad_one(make_app: MakeApp) -> None:
    app = make_app(reap="confirm")
    alice = Client(app, token(1))
    bad, good = bad_and_good(alice)
    done = reap(app, PAST_GRACE)
    assert (done.kept, done.postponed) == (1, 0)
    assert [state(alice, one) for one in (bad, good)] == ["rejected", "confirmed"]


@SQLITE
def test_report_03_the_reaper_expires_nothing_while_the_bucket_is_missing(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    """A HEAD in a missing bucket is 404, as for an object that never arrived."""
    app = make_app(reap="confirm")
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    with refusing(s3_bucket.server.endpoint_url, "HEAD", 404, "/") as (url, _):
        away = reap(make_app(reap="confirm", s3_endpoint_url=url), PAST_GRACE)
    assert (away.expired, away.postponed) == (0, 1)
    assert reap(app, PAST_GRACE).kept == 1


@SQLITE
def test_report_03_the_outbox_gives_up_an_object_that_cannot_be_deleted(
    make_app: MakeApp, s3_bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing(s3_bucket.server.endpoint_url, "DELETE", 403, "locked.jpg") as (url, asked):
        app = make_app(s3_endpoint_url=url)
        to_delete(app, "media/a/locked.jpg", "media/a/other.jpg")
        first = reap(app)
        assert (first.deleted, first.postponed) == (1, 1)
        hours = 1
        with caplog.at_level(logging.ERROR, "broker.outbox"):
            while "gave up" not in caplog.text:
                assert hours < 2 * outbox.ATTEMPTS_MAX
                hours += 1
                assert reap(app, timedelta(hours=hours)).postponed == 1
        assert "media/a/locked.jpg" in caplog.text
        tried = sum("locked.jpg" in path for path in asked)
        assert tried == outbox.ATTEMPTS_MAX
        assert reap(app, timedelta(hours=hours + 2)).postponed == 0, "it is not tried again soon"
    assert rows(app, Deletion) == 1, "nothing is lost"
    text = Client(app, None).get("/metrics").text
    assert "broker_outbox_given_up 1.0" in text
    assert "broker_outbox_refused 1.0" in text


@SQLITE
def test_report_03_reconcile_reports_an_object_that_it_cannot_read(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    app = make_app()
    alice = Client(app, token(1))
    ad = alice.ad()
    first, second = (alice.ticket(ad).get_json() for _ in range(2))
    for ticket in (first, second):
        send(ticket)
        alice.post(ticket["confirm_url"])
    for ticket in (first, second):
        put(s3_bucket, f"media/{ticket['key']}", b"replaced")
    put_ours(s3_bucket, "media/ads/ad_1/unreadable.jpg")
    put_ours(s3_bucket, "media/ads/ad_1/left.jpg")
    endpoint = s3_bucket.server.endpoint_url
    with refusing(endpoint, "HEAD", 400, first["key"], "unreadable.jpg") as (url, _):
        found = reconciled(make_app(s3_endpoint_url=url))
    kinds = {one.key: (one.kind, "refuses" in one.detail) for one in found}
    assert kinds == {
        f"media/{first['key']}": (DifferenceKind.DIFFERS, True),
        f"media/{second['key']}": (DifferenceKind.DIFFERS, False),
        "media/ads/ad_1/unreadable.jpg": (DifferenceKind.ORPHAN, True),
        "media/ads/ad_1/left.jpg": (DifferenceKind.ORPHAN, False),
    }


@SQLITE
def test_report_03_adopt_skips_an_object_that_it_cannot_read(
    make_app: MakeApp, s3_bucket: Bucket
) -> None:
    ad = Client(make_app(), token(1)).ad()
    for name in ("unreadable.jpg", "other.jpg"):
        put(s3_bucket, f"media/ads/ad_{ad}/{name}")
    endpoint = s3_bucket.server.endpoint_url
    with refusing(endpoint, "HEAD", 400, "unreadable.jpg") as (url, _):
        tally = adopted(make_app(s3_endpoint_url=url))
    assert (tally.adopted, tally.skipped) == (1, {Skipped.UNREADABLE: 1})


class Waiting:
    """A queue in memory. It returns a message at most twice, like one with a dead-letter policy."""

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self.messages = {
            str(number): QueueMessage(
                message_id=str(number), receipt_handle=str(number), body=json.dumps(body)
            )
            for number, body in enumerate(bodies)
        }
        self.receives = 0

    def receive(self, *, wait_seconds: int) -> list[QueueMessage]:
        self.receives += 1
        return list(self.messages.values()) if self.receives <= 2 else []

    def delete(self, message: QueueMessage) -> None:
        del self.messages[message.message_id]


def consumed(app: Flask, queue: Waiting) -> dict[str, int]:
    broker = app.extensions["broker"]
    consumer = Consumer(
        queue=queue, open_work=broker.system_work, check=broker.check, wait=lambda _seconds: False
    )
    return consumer.run(until_empty=True)


@SQLITE
def test_report_03_a_queue_goes_on_after_a_message_about_a_bad_object(
    app: Flask, alice: Client, s3_bucket: Bucket
) -> None:
    bodies = [notification(key, name=s3_bucket.name) for key in written(*bad_and_good(alice))]
    queue = Waiting(*bodies)
    assert consumed(app, queue) == {"rejected": 1, "confirmed": 1}
    assert queue.messages == {}


@SQLITE
def test_report_03_a_queue_goes_on_after_a_message_for_which_the_broker_is_refused(
    app: Flask, alice: Client, s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ad = alice.ad()
    first, second = (alice.ticket(ad).get_json() for _ in range(2))
    send(first)
    send(second)
    queue = Waiting(*(notification(key, name=s3_bucket.name) for key in written(first, second)))
    refuse_head_of(app, first, monkeypatch)
    assert consumed(app, queue) == {"denied": 2, "confirmed": 1}
    assert list(queue.messages) == ["0"], "it stays for the dead-letter queue"
