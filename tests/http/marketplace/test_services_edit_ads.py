"""A service edits, sells and deletes ads and images of any user; other users still may not."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from broker.db.models import Ad, Image
from tests.http.client import Client, rows
from tests.http.marketplace.ads import put
from tests.http.middleware.test_logs import lines as lines
from tests.http.reconciling import image_of

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Lines = Callable[[], list[dict[str, Any]]]


def audit(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["logger"] == "broker.audit"]


def test_a_service_edits_and_deletes_the_ad_and_the_images_of_a_user(
    app: Flask, alice: Client, service: Client, lines: Lines
) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/"
    image_of(alice, ad)
    (image,) = alice.get(path).get_json()["images"]
    image_path = f"{path}images/{image['id']}/"
    before = len(audit(lines))
    assert service.patch(path, {"title": "Checked"}).get_json()["title"] == "Checked"
    assert service.post(f"{path}mark_sold/").get_json()["is_sold"] is True
    assert service.patch(image_path, {"alt_text": "side"}).get_json()["alt_text"] == "side"
    assert service.delete(image_path).status_code == 204
    assert service.delete(path).status_code == 204
    assert (rows(app, Ad), rows(app, Image)) == (0, 0)
    written = audit(lines)[before:]
    assert [line["message"] for line in written] == [
        *("ad.edited", "ad.edited", "image.edited", "image.deleted", "ad.deleted")
    ]
    assert {(line["user"], line["role"], line["for_user"]) for line in written} == {
        (900, "service", 1)
    }
    assert {line["owner"] for line in written} == {f"ad/{ad}"}


@ON_SQLITE
def test_the_audit_trail_names_the_service_that_put_an_ad(service: Client, lines: Lines) -> None:
    put(service, 7)
    put(service, 7)
    found = [
        (line["message"], line["owner"], line["user"], line["for_user"], line["created"])
        for line in audit(lines)
    ]
    assert found == [
        ("ad.put", "ad/7", 900, 1, True),
        ("ad.put", "ad/7", 900, 1, False),
    ]


@ON_SQLITE
def test_another_user_may_change_neither_the_ad_nor_its_images(alice: Client, bob: Client) -> None:
    ad = alice.ad()
    path = f"/api/ads/{ad}/"
    image_of(alice, ad)
    before = alice.get(path).get_json()
    image_path = f"{path}images/{before['images'][0]['id']}/"
    refused = [
        bob.patch(path, {"title": "Mine"}),
        bob.post(f"{path}mark_sold/"),
        bob.patch(image_path, {"alt_text": "mine"}),
        bob.delete(image_path),
        bob.delete(path),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert alice.get(path).get_json() == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_ad_that_is_put_for_another_user_meanwhile_is_not_changed_by_the_first(
    app: Flask, alice: Client, service: Client, method: str
) -> None:
    """The request has found that the ad is Alice's, and has not changed it yet."""
    ad = alice.ad()
    statement = {"PATCH": "UPDATE ads", "DELETE": "DELETE FROM ads"}[method]
    done: list[int] = []

    def just_before(_connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.startswith(statement) and not done:
            done.append(0)
            assert service.delete(f"/api/ads/{ad}/").status_code == 204
            done[0] = put(service, ad, 2, title="Bob's").status_code

    engine = app.extensions["broker"].database.engine
    event.listen(engine, "before_cursor_execute", just_before)
    answer = alice.call(method, f"/api/ads/{ad}/", json={"title": "Alice's"})
    event.remove(engine, "before_cursor_execute", just_before)
    assert done == [201]
    assert answer.status_code == 404
    left = service.get(f"/api/ads/{ad}/").get_json()
    assert (left["owner"], left["title"]) == (2, "Bob's")
