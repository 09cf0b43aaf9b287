"""Events of uploads that become images, and of those that do not, without a worker."""

from datetime import timedelta
from typing import Any

import httpx
from flask import Flask

from tests.http.background.test_bucket_notifications import BUCKET_SECRET, tell
from tests.http.client import JPEG, Client, at_once, declared, send
from tests.http.events.reader import Reader, types, whole
from tests.http.first import FIRST_SERVER
from tests.http.part_uploads import multipart_ticket, put_parts, signed
from tests.http.reconciling import image_of, put
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.uppy_calls import open_session, params, path, send_form
from tests.servers.fixtures import Bucket

pytestmark = FIRST_SERVER


def avatar(client: Client) -> dict[str, Any]:
    """Request an avatar and send its bytes; return the ticket."""
    ticket: dict[str, Any] = client.post("/api/users/1/upload_avatar/", declared()).get_json()
    assert send(ticket).status_code == 201
    return ticket


def test_a_confirm_is_one_event_with_the_whole_state(alice: Client, reader: Reader) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad, alt_text="front view", order=3).get_json()
    send(ticket)
    assert reader.new() == []
    image = alice.post(ticket["confirm_url"]).get_json()
    assert alice.post(ticket["confirm_url"]).get_json() == image
    (event,) = reader.new()
    assert event == {
        "id": event["id"],
        "sequence": 1,
        "type": "image.ready",
        "timestamp": image["created_at"],
        "data": {
            "profile": "ad_image",
            "owner": str(ad),
            "user": {"id": 1, "subject": "1"},
            "upload": {"id": ticket["id"], "state": "confirmed", "reason": None},
            "image": whole(image),
            "removed_urls": [],
        },
    }
    assert (event["data"]["image"]["alt_text"], event["data"]["image"]["order"]) == (
        "front view",
        3,
    )
    assert httpx.get(event["data"]["image"]["image_url"]).content == JPEG


def test_twenty_confirms_at_once_are_one_event(alice: Client, reader: Reader) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    confirms = at_once(20, lambda: alice.post(ticket["confirm_url"]).status_code)
    assert set(confirms) == {200}
    assert types(reader.new()) == ["image.ready"]


def test_an_avatar_that_is_replaced_or_removed_is_deleted(alice: Client, reader: Reader) -> None:
    first = alice.post(avatar(alice)["confirm_url"]).get_json()
    (ready,) = reader.new()
    assert ready["type"] == "image.ready"
    assert (ready["data"]["profile"], ready["data"]["owner"]) == ("avatar", "1")
    assert ready["data"]["image"] == whole(first)

    second = alice.post(avatar(alice)["confirm_url"]).get_json()
    deleted, ready = reader.new()
    assert types([deleted, ready]) == ["image.deleted", "image.ready"]
    assert deleted["data"]["image"] == whole(first)
    assert deleted["data"]["removed_urls"] == [first["image_url"]]
    assert ready["data"]["image"] == whole(second)

    assert alice.patch("/api/users/1/", {"avatar": None}).status_code == 200
    assert alice.patch("/api/users/1/", {"avatar": None, "first_name": "Jo"}).status_code == 200
    (deleted,) = reader.new()
    assert deleted["type"] == "image.deleted"
    assert deleted["data"]["image"]["id"] == second["id"]
    assert deleted["data"]["user"] == {"id": 1, "subject": "1"}


def test_an_older_avatar_that_is_confirmed_later_is_no_event(alice: Client, reader: Reader) -> None:
    older, newer = avatar(alice), avatar(alice)
    assert alice.post(newer["confirm_url"]).status_code == 200
    assert alice.post(older["confirm_url"]).status_code == 410
    (event,) = reader.new()
    assert event["data"]["upload"]["id"] == newer["id"]


def test_parts_and_uppy_are_events_like_forms(
    alice: Client, anyone: Client, reader: Reader
) -> None:
    ticket = multipart_ticket(alice, JPEG)
    put_parts(signed(alice, ticket, [1], JPEG), JPEG)
    image = alice.post(ticket["upload"]["complete_url"]).get_json()
    (event,) = reader.new()
    assert (event["type"], event["data"]["image"]) == ("image.ready", whole(image))

    session = open_session(alice, alice.ad())
    parameters = params(anyone, session, **{"metadata[alt_text]": "front"}).get_json()
    assert send_form(parameters).status_code == 201
    image = anyone.post(path(session, "confirm/"), {"key": parameters["fields"]["key"]}).get_json()
    (event,) = reader.new()
    assert (event["type"], event["data"]["image"]["alt_text"]) == ("image.ready", "front")
    assert event["data"]["image"] == {**whole(image), "checksum_sha256": None}


def test_a_confirm_that_rejects_is_an_event_with_its_reason_and_a_cancel_is_none(
    alice: Client, reader: Reader, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    other, cancelled = (alice.ticket(ad).get_json() for _ in range(2))
    put(s3_bucket, f"incoming/{other['key']}", b"forged")
    assert [alice.post(other["confirm_url"]).status_code for _ in range(2)] == [422, 422]
    assert alice.delete(f"/api/uploads/{cancelled['id']}/").status_code == 204
    (event,) = reader.new()
    assert event["type"] == "image.rejected"
    assert event["data"] == {
        "profile": "ad_image",
        "owner": str(ad),
        "user": {"id": 1, "subject": "1"},
        "upload": {"id": other["id"], "state": "rejected", "reason": "object_mismatch"},
        "image": None,
        "removed_urls": [],
    }


def test_the_reaper_records_what_it_keeps_and_what_expires(
    app: Flask, alice: Client, reader: Reader
) -> None:
    ad = alice.ad()
    sent, never_sent = (alice.ticket(ad).get_json() for _ in range(2))
    send(sent)
    reap(app, PAST_GRACE)
    reap(app, PAST_GRACE + timedelta(hours=1))
    found = {event["type"]: event["data"] for event in reader.new()}
    assert found.keys() == {"image.ready", "upload.expired"}
    assert found["image.ready"]["upload"]["id"] == sent["id"]
    assert found["upload.expired"]["upload"] == {
        "id": never_sent["id"],
        "state": "expired",
        "reason": None,
    }


def test_the_reaper_that_deletes_records_each_upload_once(
    make_app: Any, alice: Client, reader: Reader
) -> None:
    ad = alice.ad()
    tickets = [alice.ticket(ad).get_json() for _ in range(2)]
    send(tickets[0])
    deleting = make_app(reap="delete")
    reap(deleting, PAST_GRACE)
    reap(deleting, PAST_GRACE)
    events = reader.new()
    assert types(events) == ["upload.expired"] * 2
    assert {one["data"]["upload"]["id"] for one in events} == {one["id"] for one in tickets}


def test_a_bucket_notification_is_one_event(
    app: Flask, alice: Client, reader: Reader, s3_bucket: Bucket
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    bucket = Client(app, BUCKET_SECRET)
    for outcome in ("confirmed", "settled"):
        assert tell(bucket, s3_bucket, f"incoming/{ticket['key']}") == {outcome: 1}
    (event,) = reader.new()
    assert (event["type"], event["data"]["user"]["id"]) == ("image.ready", 1)


def test_deleted_images_and_ads_are_events_with_every_url(alice: Client, reader: Reader) -> None:
    ad = alice.ad()
    first, second, third = (image_of(alice, ad) for _ in range(3))
    reader.new()
    path_of_first = f"/api/ads/{ad}/images/{first['id']}/"
    assert [alice.delete(path_of_first).status_code for _ in range(2)] == [204, 404]
    (event,) = reader.new()
    assert (event["type"], event["data"]["image"]) == ("image.deleted", whole(first))
    assert event["data"]["removed_urls"] == [first["image_url"]]

    alice.ticket(ad)
    assert alice.delete(f"/api/ads/{ad}/").status_code == 204
    events = reader.new()
    assert types(events) == ["image.deleted"] * 2
    assert {one["data"]["image"]["id"] for one in events} == {second["id"], third["id"]}
    assert {one["data"]["owner"] for one in events} == {str(ad)}
