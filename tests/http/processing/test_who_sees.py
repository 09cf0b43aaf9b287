"""Only its user and services see an upload that has no image; nothing public shows it."""

from typing import Any

from flask import Flask

from broker.domain.rejections import RejectionReason
from tests.http.charging import charged, places
from tests.http.client import JPEG, Client, declared, send
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.workers import Worker, processing, read, rejecting
from tests.servers.fixtures import Bucket


def avatar(client: Client) -> dict[str, Any]:
    client.ad()
    ticket: dict[str, Any] = client.post("/api/users/1/upload_avatar/", declared()).get_json()
    send(ticket)
    assert client.post(ticket["confirm_url"]).status_code == 202
    return ticket


def test_nobody_else_sees_an_upload_that_is_processed_or_rejected(
    alice: Client,
    bob: Client,
    service: Client,
    anyone: Client,
    worker: Worker,
    s3_bucket: Bucket,
) -> None:
    ad = alice.ad()
    bob.ad()
    tickets = {"rejected": processing(alice, ad), "processing": processing(alice, ad)}
    worker.inspect = rejecting(RejectionReason.CORRUPT)
    worker.next()
    for state, ticket in tickets.items():
        assert [read(one, ticket)["state"] for one in (alice, service)] == [state, state]
        only_its_user_sees(ticket, ad, bob, anyone)
    for reader in (alice, bob, service, anyone):
        shown = reader.get(f"/api/ads/{ad}/").get_json()
        assert (shown["images"], shown["main_image_url"]) == ([], None)
        listed = reader.get("/api/ads/").text
        assert not [one for one in tickets.values() if one["id"] in listed or one["key"] in listed]
    assert not list(s3_bucket.storage.list_objects("media/"))


def only_its_user_sees(ticket: dict[str, Any], ad: int, bob: Client, anyone: Client) -> None:
    path = f"/api/uploads/{ticket['id']}/"
    for answer in (
        bob.get(path),
        bob.post(f"{path}confirm/"),
        bob.post(f"{path}renew/"),
        bob.post(f"{path}failures/", {"code": "NetworkError"}),
        bob.delete(path),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert bob.get(f"/api/uploads/?ids={ticket['id']}").get_json() == {"uploads": []}
    assert bob.get(f"/api/ads/{ad}/uploads/").status_code == 403
    for path_of_ad in (path, f"/api/uploads/?ids={ticket['id']}", f"/api/ads/{ad}/uploads/"):
        assert anyone.get(path_of_ad).status_code == 401


def test_an_avatar_that_is_processed_replaces_nothing_until_it_is_published(
    app: Flask, alice: Client, anyone: Client, worker: Worker
) -> None:
    first = avatar(alice)
    assert anyone.get("/api/users/1/").get_json()["avatar_image"] is None
    worker.run()
    shown = anyone.get("/api/users/1/").get_json()
    assert shown["avatar"] == first["key"]
    assert [each["width"] for each in shown["avatar_image"]["variants"]] == [320, 800]
    second = avatar(alice)
    assert anyone.get("/api/users/1/").get_json() == shown
    refused = alice.patch("/api/users/1/", {"avatar": second["id"]})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "avatar_not_confirmed")
    worker.inspect = rejecting(RejectionReason.NOT_AN_IMAGE)
    worker.run()
    assert anyone.get("/api/users/1/").get_json() == shown


def test_an_avatar_that_was_requested_earlier_does_not_replace_a_later_one(
    app: Flask, alice: Client, anyone: Client, worker: Worker, s3_bucket: Bucket
) -> None:
    alice.ad()
    earlier = alice.post("/api/users/1/upload_avatar/", declared()).get_json()
    later = avatar(alice)
    worker.run()
    send(earlier)
    assert alice.post(earlier["confirm_url"]).status_code == 202
    worker.run()
    assert anyone.get("/api/users/1/").get_json()["avatar"] == later["key"]
    reap(app)
    reap(app, PAST_GRACE * 4)
    kept = {item.key for item in s3_bucket.storage.list_objects("")}
    assert len(kept) == 3
    assert f"media/{later['key']}" in kept


def test_a_processed_upload_holds_its_slot_and_a_cancelled_or_rejected_one_releases_it(
    app: Flask, alice: Client, worker: Worker
) -> None:
    ad = alice.ad()
    cancelled, rejected, published = (processing(alice, ad) for _ in range(3))
    assert (places(app, ad), charged(app)) == (3, (3 * len(JPEG), 3))
    assert alice.delete(f"/api/uploads/{cancelled['id']}/").status_code == 204
    assert places(app, ad) == 2
    assert alice.delete(f"/api/uploads/{cancelled['id']}/").status_code == 204
    assert places(app, ad) == 2
    outcomes = iter([rejecting(RejectionReason.CORRUPT), worker.inspect])
    for inspect in outcomes:
        worker.inspect = inspect
        worker.next()
    assert places(app, ad) == 1
    assert [read(alice, one)["state"] for one in (cancelled, rejected, published)] == [
        "cancelled",
        "rejected",
        "confirmed",
    ]
    # Their forms can still be sent, so they are charged until these have expired.
    assert charged(app) == (3 * len(JPEG), 3)
    reap(app)
    reap(app, PAST_GRACE)
    assert charged(app) == (len(JPEG), 1)
    gone = alice.post(cancelled["confirm_url"])
    assert (gone.status_code, gone.get_json()["code"]) == (410, "upload_cancelled")
