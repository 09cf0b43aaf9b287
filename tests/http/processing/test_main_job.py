"""A photo from its ticket to its image, with a worker in between."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from flask import Flask

from broker.services.background.reap import reap_once
from broker.services.processing.process import Outcome
from tests.http.client import EVERYWHERE, Client
from tests.http.part_uploads import put_parts, signed
from tests.http.worker import Worker, read, real, sent
from tests.photos import photo
from tests.servers.fixtures import Bucket


@EVERYWHERE
def test_a_photo_is_published_with_its_size_placeholder_and_variants(
    app: Flask, alice: Client, anyone: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    worker.inspect = real
    ad = alice.ad()
    ticket = sent(alice, ad, photo())

    answer = alice.post(ticket["confirm_url"])
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    waiting = answer.get_json()
    assert (waiting["state"], waiting["image"], waiting["reason"]) == ("processing", None, None)
    assert anyone.get(f"/api/ads/{ad}/").get_json()["images"] == []

    assert worker.run() == [Outcome.PUBLISHED]
    upload = read(alice, ticket)
    image = upload["image"]
    assert (upload["state"], upload["checksum_verified"]) == ("confirmed", True)
    assert (image["width"], image["height"]) == (1200, 900)
    assert image["thumbhash"]
    assert [(each["width"], each["content_type"]) for each in image["variants"]] == [
        (320, "image/webp"),
        (800, "image/webp"),
    ]
    assert alice.post(ticket["confirm_url"]).get_json() == image
    assert anyone.get(f"/api/ads/{ad}/").get_json()["images"] == [image]
    for url in (image["image_url"], *(each["url"] for each in image["variants"])):
        served = httpx.get(url, verify=False)
        assert served.status_code == 200, url
        assert served.headers["Cache-Control"] == "public, max-age=86400"

    incoming = ticket["upload"]["fields"]["key"]
    assert s3_bucket.storage.head(incoming)
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + timedelta(hours=1)) as work:
        reap_once(work)
    assert not list(s3_bucket.storage.list_objects("incoming/"))
    assert httpx.get(image["image_url"], verify=False).status_code == 200


@EVERYWHERE
@pytest.mark.parametrize("transport", ["put", "multipart"])
def test_a_photo_that_was_sent_by_put_or_in_parts_is_published(
    alice: Client, anyone: Client, worker: Worker, transport: str
) -> None:
    worker.inspect = real
    ad = alice.ad()
    ticket = alice.ticket(ad, photo(), transport=transport).get_json()
    upload = ticket["upload"]
    if transport == "put":
        put = httpx.put(upload["url"], content=photo(), headers=upload["headers"], verify=False)
        assert put.status_code == 200, put.text
    else:
        put_parts(signed(alice, ticket, [1], photo()), photo())
    finish = ticket["confirm_url"] if transport == "put" else upload["complete_url"]
    assert alice.post(finish).status_code == 202
    assert anyone.get(f"/api/ads/{ad}/").get_json()["images"] == []

    assert worker.run() == [Outcome.PUBLISHED]
    assert read(alice, ticket)["checksum_verified"] is True
    (image,) = anyone.get(f"/api/ads/{ad}/").get_json()["images"]
    for url in (image["image_url"], *(each["url"] for each in image["variants"])):
        served = httpx.get(url, verify=False)
        assert served.status_code == 200, url
        assert served.headers["Cache-Control"] == "public, max-age=86400"
