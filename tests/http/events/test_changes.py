"""Events of images that are edited, adopted or reprocessed, and of owners by token."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from broker.db.models import Event
from tests.http.client import JPEG, Client, declared, rows, send
from tests.http.events.reader import Reader, types, whole
from tests.http.files.private_files import PDF, granted, owner_of
from tests.http.first import FIRST_SERVER
from tests.http.owners.granted import caller, entry
from tests.http.reconciling import adopted, image_of, put
from tests.http.reprocess.runs import cleaning, reprocessed
from tests.servers.fixtures import Bucket

pytestmark = FIRST_SERVER


def urls(image: dict[str, Any]) -> list[str]:
    """Return the URLs of an image and its variants."""
    return [image["image_url"], *(one["url"] for one in image["variants"])]


def test_an_edit_is_an_event_with_the_whole_state_and_an_empty_one_is_none(
    alice: Client, service: Client, reader: Reader
) -> None:
    ad = alice.ad()
    image = image_of(alice, ad)
    reader.new()
    of_ad, of_owner = f"/api/ads/{ad}/images/", f"/api/owners/ad_image/{ad}/files/"
    for client, path, changes in (
        (alice, of_ad, {"alt_text": "side"}),
        (alice, of_owner, {"order": 4}),
        (service, of_owner, {"alt_text": "", "order": 1}),
    ):
        assert client.patch(f"{path}{image['id']}/", {}).status_code == 200
        assert client.patch(f"{path}{image['id']}/", changes).status_code == 200
        image |= changes
        (event,) = reader.new()
        assert (event["type"], event["data"]["image"]) == ("image.updated", whole(image))
        assert (event["data"]["removed_urls"], event["data"]["user"]["id"]) == ([], 1)
    refused = alice.patch(f"{of_ad}{image['id'] + 1}/", {"order": 2})
    assert refused.status_code == 404
    assert reader.new() == []


def test_adopted_images_are_events_without_a_user(
    app: Flask, alice: Client, reader: Reader, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    for name in ("a", "b", "é 1"):
        put(s3_bucket, f"media/ads/ad_{ad}/{name}.jpg")
    for _ in range(2):
        adopted(app)
    events = reader.new()
    assert types(events) == ["image.ready"] * 3
    images = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    for event, image in zip(events, images, strict=True):
        data = event["data"]
        assert (data["user"], data["upload"], data["owner"]) == (None, None, str(ad))
        assert data["image"] == {**whole(image), "checksum_sha256": None}


def test_a_reprocess_says_what_an_image_has_now_and_which_urls_are_gone(
    app: Flask, alice: Client, reader: Reader, tmp_path: Path
) -> None:
    ad = alice.ad()
    image_of(alice, ad)
    reader.new()
    for _ in range(2):
        reprocessed(app, tmp_path)
    (event,) = reader.new()
    (before,) = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert (event["type"], event["data"]["image"]) == ("image.updated", whole(before))
    assert [one["width"] for one in before["variants"]] == [320, 800]
    assert event["data"]["removed_urls"] == []

    reprocessed(app, tmp_path, inspect=_shorter, clean=True)
    (event,) = reader.new()
    (after,) = alice.get(f"/api/ads/{ad}/").get_json()["images"]
    assert event["type"] == "image.updated"
    assert event["data"]["image"] == whole(after, JPEG[:-1])
    assert sorted(event["data"]["removed_urls"]) == sorted(urls(before))
    assert not set(urls(after)) & set(urls(before))


def _shorter(request: Any, *, keep: Any) -> Any:
    data = request.source.read_bytes()
    request.source.write_bytes(data[:-1] + b"#")
    return cleaning(request, keep=keep)


def test_owners_and_users_are_named_as_the_marketplace_names_them(
    app: Flask, reader: Reader
) -> None:
    ada = caller(app, "ada@shop", entry("042", profile="product_image"))
    own = ada.get("/api/users/me/").get_json()["id"]
    ticket = ada.post("/api/owners/product_image/042/uploads/", declared()).get_json()
    assert send(ticket).status_code == 201
    assert ada.post(ticket["confirm_url"]).status_code == 200
    (event,) = reader.new()
    assert (event["data"]["profile"], event["data"]["owner"]) == ("product_image", "042")
    assert event["data"]["user"] == {"id": own, "subject": "ada@shop"}
    (file,) = reader.files(profile="product_image")
    assert file == event["data"]


@pytest.mark.parametrize("profile", ["invoice", "contract"])
def test_private_files_have_no_urls(app: Flask, reader: Reader, profile: str) -> None:
    owner = owner_of(app, profile)
    first = owner.add()
    owner.add(PDF + b" 2")
    events = reader.new()
    replaced = ["image.deleted"] if profile == "contract" else []
    assert types(events) == ["image.ready", *replaced, "image.ready"]
    (last,) = owner.files()[-1:]
    everything = granted(app, profile, "7")
    path = f"{owner.path}files/{last['id']}/"
    assert everything.patch(path, {"order": 9}).status_code == 200
    assert everything.delete(path).status_code == 204
    events += reader.new()
    assert types(events)[-2:] == ["image.updated", "image.deleted"]
    assert events[0]["data"]["image"]["id"] == first["id"]
    for event in events:
        data = event["data"]
        assert (data["image"]["image_url"], data["removed_urls"]) == (None, [])
        assert data["image"]["image"].endswith(".pdf")
    assert rows(app, Event) == len(events)
