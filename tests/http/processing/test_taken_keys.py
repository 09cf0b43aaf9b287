"""A worker writes over nothing: a key that is taken leads to another suffix."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from broker.domain.object_keys import variant_key
from broker.services.processing.process import Outcome
from tests.http.client import EACH_DEPLOYMENT, Client
from tests.http.reconciling import adopted, put, there
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import Worker, processing, read
from tests.servers.fixtures import Bucket


@EACH_DEPLOYMENT
@pytest.mark.parametrize("name", ["image", "variant"])
def test_an_object_at_the_key_is_not_written_over_and_the_next_attempt_has_another_key(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket, name: str
) -> None:
    ticket = processing(alice, alice.ad())
    key = ticket["key"] if name == "image" else variant_key(ticket["key"], 800)
    put(s3_bucket, f"media/{key}", b"another object")
    etag = s3_bucket.storage.head(f"media/{key}").etag
    assert worker.run() == [Outcome.GIVEN_BACK, Outcome.PUBLISHED]
    assert s3_bucket.storage.head(f"media/{key}").etag == etag
    image = read(alice, ticket)["image"]
    assert image["image"] != ticket["key"]
    keys = [image["image"], *(each["url"].partition("/media/")[2] for each in image["variants"])]
    assert key not in keys
    reap(app)
    assert all(there(s3_bucket, f"media/{each}") for each in keys)


def test_an_adopted_image_that_is_named_like_a_variant_keeps_its_key(
    app: Flask, alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    ticket = processing(alice, ad)
    named_alike = variant_key(ticket["key"], 320)
    put(s3_bucket, f"media/{named_alike}", ContentType="image/webp")
    assert adopted(app).adopted == 1
    assert worker.run() == [Outcome.PUBLISHED]
    image = read(alice, ticket)["image"]
    assert image["image"].partition("_")[0] == ticket["key"].partition("_")[0]
    assert [each["width"] for each in image["variants"]] == [320, 800]
    reap(app)
    reap(app, timedelta(days=1))
    assert there(s3_bucket, f"media/{named_alike}")
    shown = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert {each["image"] for each in shown} == {named_alike, image["image"]}


def test_an_upload_whose_object_is_lost_is_rejected_after_five_attempts(
    alice: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    ticket = processing(alice, alice.ad())
    s3_bucket.storage.delete(f"incoming/{ticket['key']}")
    for hour in range(5):
        worker.now = datetime.now(UTC) + timedelta(hours=hour)
        worker.run()
    assert worker.outcomes == [*[Outcome.FAILED] * 4, Outcome.REJECTED]
    upload = read(alice, ticket)
    assert (upload["state"], upload["reason"]) == ("rejected", "processing_failed")
