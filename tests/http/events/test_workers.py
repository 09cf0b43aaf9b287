"""Events of a worker: an image with its variants, or the reason of a rejection."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from flask import Flask

from broker.domain.rejections import RejectionReason
from broker.services.processing.process import Outcome
from tests.http.client import JPEG, Client, declared, send
from tests.http.events.reader import Reader, types, whole
from tests.http.first import FIRST_SERVER
from tests.http.worker import Worker, processing, read, real, rejecting
from tests.photos import photo

pytestmark = FIRST_SERVER


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="required")


def test_an_image_is_ready_with_urls_that_can_be_fetched(
    alice: Client, reader: Reader, worker: Worker
) -> None:
    ad = alice.ad()
    worker.inspect = real
    data = photo()
    ticket = processing(alice, ad, data, alt_text="front")
    assert reader.new() == []
    assert worker.run() == [Outcome.PUBLISHED]
    (event,) = reader.new()
    image = read(alice, ticket)["image"]
    served = httpx.get(image["image_url"])
    assert event["type"] == "image.ready"
    assert event["data"]["image"] == whole(image, served.content)
    assert event["data"]["upload"] == {"id": ticket["id"], "state": "confirmed", "reason": None}
    assert event["data"]["image"]["thumbhash"]
    variants = event["data"]["image"]["variants"]
    assert [one["width"] for one in variants] == [320, 800]
    assert [httpx.get(one["url"]).headers["Content-Type"] for one in variants] == ["image/webp"] * 2

    assert alice.delete(f"/api/ads/{ad}/images/{image['id']}/").status_code == 204
    (deleted,) = reader.new()
    assert deleted["data"]["image"] == event["data"]["image"]
    gone = [image["image_url"], *(one["url"] for one in variants)]
    assert deleted["data"]["removed_urls"] == gone


def test_a_rejection_has_the_reason_of_the_worker(
    alice: Client, reader: Reader, worker: Worker
) -> None:
    ad = alice.ad()
    tickets = [processing(alice, ad) for _ in range(2)]
    for ticket, reason in zip(
        tickets, (RejectionReason.CORRUPT, RejectionReason.NOT_AN_IMAGE), strict=True
    ):
        worker.inspect = rejecting(reason)
        assert worker.next() == Outcome.REJECTED
        assert alice.post(ticket["confirm_url"]).status_code == 422
        (event,) = reader.new()
        assert (event["type"], event["data"]["image"]) == ("image.rejected", None)
        upload = {"id": ticket["id"], "state": "rejected", "reason": reason}
        assert event["data"]["upload"] == upload


def test_avatars_that_workers_publish_replace_each_other(
    alice: Client, reader: Reader, worker: Worker, tmp_path: Path
) -> None:
    tickets = []
    for _ in range(3):
        ticket = alice.post("/api/users/1/upload_avatar/", declared()).get_json()
        send(ticket, JPEG)
        tickets.append(ticket)
    for ticket in (tickets[1], tickets[0], tickets[2]):
        assert alice.post(ticket["confirm_url"]).status_code == 202
        worker.run()
    events = reader.new()
    assert types(events) == ["image.ready", "image.deleted", "image.ready"]
    uploads = [event["data"]["upload"]["id"] for event in events]
    assert uploads == [tickets[1]["id"], tickets[1]["id"], tickets[2]["id"]]
    assert len(events[1]["data"]["removed_urls"]) == 1 + len(events[1]["data"]["image"]["variants"])
