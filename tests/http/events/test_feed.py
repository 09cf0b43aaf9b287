"""The feed and the list of all files: pages, cursors, rights, and resynchronising."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from broker.db.models import Event, EventFeed
from broker.services.events import feed as service_feed
from tests.http.client import Client, declared, send
from tests.http.events.reader import Reader, types
from tests.http.files.private_files import owner_of
from tests.http.first import FIRST_DATABASE
from tests.http.reconciling import image_of

pytestmark = FIRST_DATABASE
MALFORMED = (
    "after=",
    "after=12",
    "after=zz.1",
    "after=ab.01",
    "after=ab.-1",
    "after=ab.1.2",
    "after=ab.1%0A",
    "after=LATEST",
    "after=ab.1234567890123456789",
    "after=ab.%D9%A1",
    "limit=0",
    "limit=101",
    "cursor=ab.1",
)


def images(client: Client, count: int) -> list[dict[str, Any]]:
    """Confirm some images of one ad."""
    ad = client.ad()
    files = {"files": [declared()] * count}
    tickets = client.post(f"/api/ads/{ad}/upload_images/", files).get_json()["tickets"]
    for ticket in tickets:
        send(ticket)
    return [client.post(ticket["confirm_url"]).get_json() for ticket in tickets]


def prune(app: Flask, until: int) -> None:
    """Delete the events up to a sequence, as their age does."""
    with app.extensions["broker"].database.session() as session:
        session.execute(delete(Event).where(Event.sequence <= until))
        session.execute(update(EventFeed).values(pruned_sequence=until))
        session.commit()


def refused(client: Client, path: str, status: int, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.text


def test_pages_have_every_event_once_and_in_order(alice: Client, reader: Reader) -> None:
    assert reader.new() == []
    begin = reader.cursor
    found = images(alice, 5)
    pages = [reader.new(limit=2) for _ in range(4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    events = [event for page in pages for event in page]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["data"]["image"]["id"] for event in events] == [one["id"] for one in found]
    # The same cursor returns the same page again, and no cursor the oldest one.
    assert Reader(reader.client, begin).new() == events
    assert Reader(reader.client).new(limit=1) == events[:1]


def test_latest_is_the_cursor_after_all_events_so_far(alice: Client, reader: Reader) -> None:
    images(alice, 2)
    answer = reader.client.get("/api/events/?after=latest").get_json()
    assert answer["results"] == []
    reader.cursor = answer["next_cursor"]
    assert reader.new() == []
    (image,) = images(alice, 1)
    (event,) = reader.new()
    assert (event["sequence"], event["data"]["image"]["id"]) == (3, image["id"])


def test_a_cursor_below_the_oldest_event_has_expired(
    app: Flask, alice: Client, reader: Reader
) -> None:
    reader.new()
    begin = reader.cursor
    images(alice, 4)
    reader.new(limit=2)
    prune(app, 2)
    refused(reader.client, f"/api/events/?after={begin}", 410, "cursor_expired")
    assert [event["sequence"] for event in Reader(reader.client, reader.cursor).new()] == [3, 4]
    assert [event["sequence"] for event in Reader(reader.client).new()] == [3, 4]
    prune(app, 4)
    refused(reader.client, f"/api/events/?after={reader.cursor}", 410, "cursor_expired")
    after_all = Reader(reader.client)
    assert after_all.new() == []
    images(alice, 1)
    assert [event["sequence"] for event in after_all.new()] == [5]


def test_events_that_are_pruned_while_a_page_is_read_are_noticed(
    app: Flask, alice: Client, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(alice, 3)
    reader.new(limit=1)
    number = service_feed.number

    def numbered_and_pruned(work: Any) -> None:
        number(work)
        prune(app, 2)

    monkeypatch.setattr(service_feed, "number", numbered_and_pruned)
    refused(reader.client, f"/api/events/?after={reader.cursor}", 410, "cursor_expired")


def test_cursors_of_another_database_have_expired(
    app: Flask, alice: Client, reader: Reader
) -> None:
    images(alice, 2)
    reader.new()
    epoch, _, sequence = str(reader.cursor).partition(".")
    assert sequence == "2"
    for cursor in (f"{epoch}.3", "0.2", f"{epoch[::-1]}0.2", f"{epoch}.999999999999999999"):
        refused(reader.client, f"/api/events/?after={cursor}", 410, "cursor_expired")
    with app.extensions["broker"].database.session() as session:
        session.execute(update(EventFeed).values(epoch="beef"))
        session.commit()
    refused(reader.client, f"/api/events/?after={reader.cursor}", 410, "cursor_expired")


def test_malformed_queries_are_refused(reader: Reader) -> None:
    for query in MALFORMED:
        refused(reader.client, f"/api/events/?{query}", 422, "validation_error")


def test_only_services_may_read(alice: Client, anyone: Client, reader: Reader) -> None:
    for path in ("/api/events/", "/api/events/?after=latest", "/api/files/"):
        refused(alice, path, 403, "forbidden")
        refused(anyone, path, 401, "token_missing")
        assert reader.client.get(path).status_code == 200
    refused(alice, "/api/files/?profile=unknown", 403, "forbidden")


def test_all_files_are_listed_in_pages_of_one_profile_or_of_all(
    app: Flask, alice: Client, reader: Reader
) -> None:
    expected = [image["id"] for image in images(alice, 3)]
    invoice = owner_of(app, "invoice").add()
    everything = reader.files(limit=2)
    assert [one["image"]["id"] for one in everything] == [*expected, invoice["id"]]
    assert [one["profile"] for one in everything] == ["ad_image"] * 3 + ["invoice"]
    assert reader.files(profile="ad_image", limit=2) == everything[:3]
    assert reader.files(profile="invoice") == everything[3:]
    assert reader.files(profile="avatar") == []
    refused(reader.client, "/api/files/?profile=unknown", 404, "not_found")
    refused(reader.client, "/api/files/?after=x", 422, "validation_error")
    refused(reader.client, "/api/files/?limit=101", 422, "validation_error")


def state_after(state: dict[int, Any], events: list[dict[str, Any]]) -> dict[int, Any]:
    """Return the images that a receiver has after these events, in any order."""
    newest: dict[int, dict[str, Any]] = {}
    for event in events:
        image = event["data"]["image"]
        if image is not None and newest.get(image["id"], event)["sequence"] <= event["sequence"]:
            newest[image["id"]] = event
    for image_id, event in newest.items():
        state[image_id] = event["data"]["image"]
        if event["type"] == "image.deleted":
            del state[image_id]
    return state


def test_a_reader_that_resynchronises_has_the_state_of_one_that_follows(
    app: Flask, alice: Client, reader: Reader
) -> None:
    def change() -> None:
        ad = alice.ad()
        first, second, third = (image_of(alice, ad) for _ in range(3))
        alice.patch(f"/api/ads/{ad}/images/{first['id']}/", {"alt_text": "x"})
        alice.delete(f"/api/ads/{ad}/images/{second['id']}/")
        alice.patch(f"/api/ads/{ad}/images/{third['id']}/", {"order": 7})

    change()
    events = reader.new()
    following = state_after({}, list(reversed(events)))
    other = Reader(
        reader.client, reader.client.get("/api/events/?after=latest").get_json()["next_cursor"]
    )
    change()  # between taking the cursor and reading the files
    state = {one["image"]["id"]: one["image"] for one in other.files(limit=2)}
    change()
    again = other.new()
    assert types(again).count("image.deleted") == 2
    state = state_after(state, again)
    assert state == state_after(following, reader.new())
    assert state == {one["image"]["id"]: one["image"] for one in reader.files()}
