"""The list of an owner's files: its order, its pages, and who sees what."""

from typing import Any

import pytest
from flask import Flask

from broker.api.request import page_cursors
from tests.http.client import JPEG, Client, declared
from tests.http.files.private_files import Owner, download, granted, owner_of
from tests.http.first import FIRST_DATABASE
from tests.http.uploads.test_lifecycle import reap
from tests.http.worker import Worker, processing

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PHOTO = {"file_name": "Ada Lovelace.jpg", "content_type": "image/jpeg"}


def published(owner: Owner, worker: Worker, **changes: Any) -> dict[str, Any]:
    """Publish a photo through a worker; return it as its owner's list has it."""
    ticket = owner.send(JPEG, **{**PHOTO, **changes})
    assert owner.client.post(ticket["confirm_url"]).status_code == 202
    worker.run()
    return next(file for file in owner.files() if file["key"] == ticket["key"])


def test_files_are_in_the_order_of_their_owner_on_every_page(app: Flask) -> None:
    order = owner_of(app, "invoice")
    places = [3, 0, 1, 32767, 1, 0]
    ids = [order.add(order=place)["id"] for place in places]
    expected = [one for _, one in sorted(zip(places, ids, strict=True))]
    assert [file["id"] for file in order.files()] == expected
    for limit in (1, 4, 6):
        pages = [[file["id"] for file in page] for page in order.pages(limit)]
        assert [one for page in pages for one in page] == expected
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert owner_of(app, "invoice", "8").files() == []


@FIRST_DATABASE
def test_a_file_that_is_deleted_between_two_pages_moves_no_other(app: Flask) -> None:
    order = owner_of(app, "invoice")
    ids = [order.add()["id"] for _ in range(4)]
    pages = order.pages(2)
    assert [file["id"] for file in next(pages)] == ids[:2]
    for one in ids[:2]:
        assert order.client.delete(f"{order.path}files/{one}/").status_code == 204
    assert [file["id"] for file in next(pages)] == ids[2:]


@SQLITE
def test_a_cursor_that_the_broker_did_not_create_is_refused(app: Flask) -> None:
    order = owner_of(app, "invoice")
    for cursor in ("x", "!", "", page_cursors.encode(1) + "x", page_cursors.encode(2**200)):
        answer = order.client.get(f"{order.path}files/", query_string={"cursor": cursor})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation_error")
    for query in ({"limit": 0}, {"limit": 101}, {"page": 2}):
        assert order.client.get(f"{order.path}files/", query_string=query).status_code == 422


def test_any_number_in_a_cursor_is_a_place_in_the_list(app: Flask) -> None:
    order = owner_of(app, "invoice")
    id_ = order.add()["id"]
    for number, expected in (
        (0, [id_]),
        (2**63, [id_]),
        (2**128 - 1, []),
        (32767 << 128 | 2**128 - 1, []),
    ):
        found = order.files(cursor=page_cursors.encode(number))
        assert [file["id"] for file in found] == expected, number


@FIRST_DATABASE
def test_anyone_lists_public_files_but_only_their_owner_sees_the_names(
    app: Flask, worker: Worker, anyone: Client, bob: Client, service: Client
) -> None:
    product = owner_of(app, "product_image", "Bike-42")
    file = published(product, worker)
    assert (file["file_name"], file["url_expires_at"]) == ("Ada Lovelace.jpg", None)
    assert download(file["url"]).content == JPEG
    path = f"{product.path}files/"
    reader = granted(app, "product_image", "Bike-42", "read", sub=5)
    for client in (service, reader):
        assert client.get(path).get_json()["results"] == [file]
    others = [granted(app, "product_image", "bike-42"), granted(app, "invoice", "Bike-42")]
    for client in (anyone, bob, *others):
        assert client.get(path).get_json()["results"] == [{**file, "file_name": None}]


@FIRST_DATABASE
def test_the_files_of_an_ad_are_its_images(
    app: Flask, worker: Worker, alice: Client, bob: Client, anyone: Client, service: Client
) -> None:
    ad = alice.ad()
    processing(alice, ad, file_name="Ada.jpg")
    worker.run()
    path = f"/api/owners/ad_image/{ad}/files/"
    (file,) = alice.get(path).get_json()["results"]
    (image,) = anyone.get(f"/api/ads/{ad}/").get_json()["images"]
    assert (file["key"], file["url"], file["file_name"]) == (
        image["image"],
        image["image_url"],
        "Ada.jpg",
    )
    assert file["variants"] == image["variants"]
    # Our tables decide about ads. A grant changes nothing.
    also = granted(app, "ad_image", str(ad), sub=2)
    for client in (bob, anyone, also):
        assert client.get(path).get_json()["results"] == [{**file, "file_name": None}]
    assert service.get(path).get_json()["results"] == [file]
    for client in (bob, also):
        assert client.patch(f"{path}{file['id']}/", {"alt_text": "x"}).status_code == 403
        assert client.delete(f"{path}{file['id']}/").status_code == 403
    changed = alice.patch(f"{path}{file['id']}/", {"alt_text": "front"})
    assert (changed.status_code, changed.get_json()["alt_text"]) == (200, "front")
    assert service.patch(f"{path}{file['id']}/", {"order": 3}).get_json()["order"] == 3
    assert service.delete(f"{path}{file['id']}/").status_code == 204
    assert anyone.get(path).get_json() == {"results": [], "next_cursor": None}
    assert anyone.get("/api/owners/ad_image/999/files/").status_code == 404


@FIRST_DATABASE
def test_private_files_are_for_those_with_a_grant_to_read(
    app: Flask, anyone: Client, bob: Client, service: Client
) -> None:
    order = owner_of(app, "invoice")
    order.add()
    path = f"{order.path}files/"
    refused = anyone.get(path)
    assert (refused.status_code, refused.get_json()["code"]) == (401, "token_missing")
    for client in (
        bob,
        granted(app, "invoice", "7", "create", "update", "delete"),
        granted(app, "invoice", "8"),
        granted(app, "invoice", "07"),
        granted(app, "contract", "7"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
        assert "private/" not in answer.text
    for client in (service, granted(app, "invoice", "7", "read", sub=2)):
        (file,) = client.get(path).get_json()["results"]
        assert file["file_name"] == "Rechnung.pdf"
        assert download(file["url"]).status_code == 200


@FIRST_DATABASE
def test_each_change_of_a_file_needs_its_own_action(app: Flask, bob: Client) -> None:
    order = owner_of(app, "invoice")
    path = f"{order.path}files/{order.add()['id']}/"
    may_edit, may_delete = (granted(app, "invoice", "7", one) for one in ("update", "delete"))
    for client in (bob, may_delete, granted(app, "invoice", "7", "create", "read")):
        assert client.patch(path, {"order": 2}).status_code == 403
    for client in (bob, may_edit, granted(app, "invoice", "7", "create", "read")):
        assert client.delete(path).status_code == 403
    changed = may_edit.patch(path, {"order": 2, "alt_text": "of March"}).get_json()
    assert (changed["order"], changed["alt_text"]) == (2, "of March")
    # Who may edit, but not read, gets no URL.
    assert (changed["url"], changed["url_expires_at"]) == (None, None)
    assert download(order.client.patch(path, {}).get_json()["url"]).status_code == 200
    assert may_edit.patch(path, {}).get_json()["order"] == 2
    assert may_delete.delete(path).status_code == 204
    assert may_delete.delete(path).status_code == 404


@FIRST_DATABASE
def test_a_file_is_found_below_its_own_owner_only(app: Flask) -> None:
    order, other = owner_of(app, "invoice"), owner_of(app, "invoice", "8")
    file = order.add()
    other.add()
    never_used = owner_of(app, "invoice", "9")
    same_name = owner_of(app, "contract", "7")
    for one in (other, never_used, same_name):
        path = f"{one.path}files/{file['id']}/"
        assert one.client.patch(path, {"order": 1}).status_code == 404
        assert one.client.delete(path).status_code == 404
    assert [one["id"] for one in order.files()] == [file["id"]]


@SQLITE
def test_unknown_profiles_and_malformed_owners_are_refused(app: Flask, service: Client) -> None:
    assert service.get("/api/owners/nothing/7/files/").status_code == 404
    for path in ("invoice/a.b", f"invoice/{'x' * 65}", "ad_image/07", "ad_image/x"):
        answer = service.get(f"/api/owners/{path}/files/")
        assert answer.status_code == 422
        assert answer.get_json()["errors"].keys() == {"owner"}
    assert service.delete("/api/owners/invoice/7/files/0/").status_code == 404


@SQLITE
def test_deleting_a_file_releases_its_slot(app: Flask, worker: Worker) -> None:
    product = owner_of(app, "product_image")
    first = published(product, worker)
    published(product, worker)
    full = product.client.post(f"{product.path}uploads/", declared(JPEG, **PHOTO))
    assert (full.status_code, full.get_json()["code"]) == (409, "image_limit_reached")
    assert product.client.delete(f"{product.path}files/{first['id']}/").status_code == 204
    published(product, worker)
    reap(app)
    assert download(first["url"]).status_code in (403, 404)
