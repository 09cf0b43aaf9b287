"""Ads and avatars whose owners grants name: our tables are closed, and the old paths work."""

from typing import Any

import pytest
from flask import Flask

from broker.db.models import Ad, Image, Owner
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import Client, declared, rows, send
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import caller, entry, everything

AD = {"title": "A bicycle", "description": "", "price": "1.00"}


def ad(*actions: str, owner: str = "7") -> dict[str, Any]:
    return entry(owner, *actions, profile="ad_image")


def published(client: Client, path: str) -> dict[str, Any]:
    """Upload and confirm an image with a ticket from this path."""
    answer = client.post(path, declared())
    assert answer.status_code == 201, answer.text
    assert send(answer.get_json()).status_code == 201
    confirmed = client.post(answer.get_json()["confirm_url"])
    assert confirmed.status_code == 200, confirmed.text
    return dict(confirmed.get_json())


@FIRST_DATABASE
def test_the_tables_are_closed_and_say_where_to_go(by_token: Flask) -> None:
    service = caller(by_token, "backend", role="service")
    own = service.get("/api/users/me/").get_json()["id"]
    before = everything(by_token)
    for method, path, body in (
        ("GET", "/api/ads/", None),
        ("POST", "/api/ads/", AD),
        ("GET", "/api/ads/7/", None),
        ("PUT", "/api/ads/7/", {**AD, "owner": "1", "is_active": True, "is_sold": False}),
        ("PATCH", "/api/ads/7/", {"title": "x"}),
        ("DELETE", "/api/ads/7/", None),
        ("POST", "/api/ads/7/mark_sold/", None),
        ("GET", f"/api/users/{own}/", None),
        ("PATCH", f"/api/users/{own}/", {"first_name": "x"}),
    ):
        for client in (service, Client(by_token, None)):
            kwargs = {} if body is None else {"json": body}
            answer = client.call(method, path, **kwargs)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found"), path
            name = "ad_image" if path.startswith("/api/ads/") else "avatar"
            assert f"/api/owners/{name}/" in answer.get_json()["detail"]
    assert everything(by_token) == before


@FIRST_DATABASE
def test_the_old_paths_take_grants_and_keep_keys_and_shapes(by_token: Flask) -> None:
    ada = caller(by_token, "ada", ad(), entry("9", profile="avatar"))
    image = published(ada, "/api/ads/7/upload_image/")
    assert image["image"].startswith("ads/ad_7/")
    batch = ada.post("/api/ads/7/upload_images/", {"files": [declared()] * 2})
    assert batch.status_code == 201
    unfinished = ada.get("/api/ads/7/uploads/").get_json()["results"]
    assert [(one["purpose"], one["owner"]) for one in unfinished] == [("ad_image", 7)] * 2
    assert ada.get("/api/owners/ad_image/7/uploads/").get_json()["results"] != []
    assert published(ada, "/api/users/9/upload_avatar/")["image"].startswith("avatars/user_9/")
    newer = published(ada, "/api/owners/avatar/9/uploads/")
    assert rows(by_token, Image) == 2  # an avatar replaces the one before
    assert newer["image"].startswith("avatars/user_9/")
    assert ada.post("/api/ads/7/uppy_session/").status_code == 201
    assert ada.post("/api/users/9/uppy_session/").status_code == 201
    assert (rows(by_token, Ad), rows(by_token, Owner)) == (0, 2)
    with by_token.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []


@FIRST_DATABASE
def test_the_old_paths_of_images_take_the_grants_to_update_and_delete(by_token: Flask) -> None:
    ada = caller(by_token, "ada", ad())
    image = published(ada, "/api/ads/7/upload_image/")
    path, change = f"/api/ads/7/images/{image['id']}/", {"alt_text": "side", "order": 3}
    before = everything(by_token)
    for client in (
        ada,
        caller(by_token, "ada", ad("create", "read")),
        caller(by_token, "ada", ad("update", "delete", owner="8")),
    ):
        assert client.patch(path, change).status_code == 403
        assert client.delete(path).status_code == 403
    assert caller(by_token, "ada", ad("delete")).patch(path, change).status_code == 403
    assert caller(by_token, "ada", ad("update")).delete(path).status_code == 403
    foreign = caller(by_token, "ada", ad("update", "delete", owner="8"))
    assert foreign.delete(path.replace("/7/", "/8/")).status_code == 404
    assert everything(by_token) == before
    edited = caller(by_token, "ben", ad("update")).patch(path, change)
    assert (edited.status_code, edited.get_json()["order"]) == (200, 3)
    assert caller(by_token, "ben", ad("delete")).delete(path).status_code == 204
    assert rows(by_token, Image) == 0
    with by_token.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_old_paths_refuse_a_caller_without_the_grant(by_token: Flask) -> None:
    ada = caller(by_token, 7, ad("read", "update", "delete"), ad(owner="8"))
    ada.get("/api/users/me/")
    before = everything(by_token)
    for path, body, status in (
        ("/api/ads/7/upload_image/", declared(), 403),
        ("/api/ads/7/upload_images/", {"files": [declared()]}, 403),
        ("/api/ads/7/uppy_session/", None, 403),
        # The user with this id has no right without a grant.
        ("/api/users/7/upload_avatar/", declared(), 403),
        ("/api/users/7/uppy_session/", None, 403),
        ("/api/ads/07/upload_image/", declared(), 404),
        (f"/api/ads/{10**18}/upload_image/", declared(), 404),
        (f"/api/users/{10**18}/upload_avatar/", declared(), 404),
    ):
        assert ada.post(path, body).status_code == status, path
    assert ada.get("/api/ads/7/uploads/").status_code == 403
    assert everything(by_token) == before
