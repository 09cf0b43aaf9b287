"""Uploads that no client confirms, and forms without a declared size, are processed as well."""

from collections.abc import Callable

import pytest
from flask import Flask

from broker.services.processing.process import Outcome
from tests.http.background.test_bucket_notifications import BUCKET_SECRET, state, tell
from tests.http.client import JPEG, Client, send, token
from tests.http.tickets.test_plain_forms import RELAXED, plain_ticket
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import Worker, read
from tests.servers.fixtures import Bucket


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="required", bucket_notifications_secret=BUCKET_SECRET, **RELAXED)


def test_a_notification_hands_an_upload_over_and_repeated_ones_leave_its_object(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    bucket, ad = Client(app, BUCKET_SECRET), alice.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    written = f"incoming/{ticket['key']}"
    assert tell(bucket, s3_bucket, written) == {"confirmed": 1}
    assert state(alice, ticket) == "processing"
    assert tell(bucket, s3_bucket, written) == {"settled": 1}
    reap(app)
    assert worker.run() == [Outcome.PUBLISHED]
    assert len(alice.get(f"/api/ads/{ad}/").get_json()["images"]) == 1
    # The one for the published image, and one that comes late.
    assert tell(bucket, s3_bucket, f"media/{ticket['key']}") == {"unknown": 1}
    assert tell(bucket, s3_bucket, written) == {"settled": 1}
    assert [one.key for one in s3_bucket.storage.list_objects("incoming/")] == []


def test_a_form_without_a_size_is_published_with_the_size_that_has_arrived(
    app: Flask, worker: Worker
) -> None:
    alice = Client(app, token(1))
    ticket = plain_ticket(alice)
    assert send(ticket).status_code == 303
    waiting = alice.post(ticket["confirm_url"])
    assert (waiting.status_code, waiting.get_json()["size"]) == (202, len(JPEG))
    assert worker.run() == [Outcome.PUBLISHED]
    upload = read(alice, ticket)
    assert (upload["size"], upload["state"]) == (len(JPEG), "confirmed")
    # There was no digest to compare.
    assert upload["checksum_verified"] is False
