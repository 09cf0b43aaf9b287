"""Erased owners: by token, ads of our table, and what an older grant can still do."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db.models import Image, Owner, UppySession
from broker.domain.adoption import AdoptTally, Claim
from broker.domain.bucket_notifications import ObjectCreated
from broker.services.adopt.adopt import adopt
from broker.services.background.bucket_notifications import Outcome, handle_bucket_notification
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import Client, declared, rows, send, token
from tests.http.erasure.erasing import (
    ALT_TEXT,
    DAYS,
    erase,
    erika,
    issued,
    published,
    reap,
    state,
    texts_left,
)
from tests.http.first import FIRST_DATABASE
from tests.http.owners.granted import BY_TOKEN, PRODUCT, PROFILES, entry
from tests.http.reconciling import put, there
from tests.servers.fixtures import Bucket

pytestmark = FIRST_DATABASE
LOGO = "/api/owners/logo/42"
GRANTS = [
    entry("42", "create", "update", "delete", "read"),
    entry("42", "create", profile="logo"),
]


@pytest.fixture
def app(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return make_app(profiles_file=tmp_path / "profiles.toml")


def granted(app: Flask, seconds: float = -60, sub: str = "seller") -> Client:
    return issued(app, sub, seconds, authorization_details=GRANTS, email=None)


def events(service: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.get("/api/events/").get_json()["results"]
    return found


def ask(client: Client, path: str = PRODUCT) -> int:
    return client.post(f"{path}/uploads/", declared()).status_code


@pytest.mark.parametrize(
    "path", [PRODUCT, pytest.param(LOGO, marks=pytest.mark.matrix(part="walks"))]
)
def test_an_erased_owner_is_gone_and_older_grants_do_not_bring_it_back(
    app: Flask,
    service: Client,
    path: str,
    s3_bucket: Bucket,
    pass_time: Callable[[timedelta], None],
) -> None:
    old = granted(app)
    photo = published(old, f"{path}/uploads/")
    assert ask(old, path) == 201
    assert old.post(f"{path}/uppy_session/").status_code == 201
    pass_time(timedelta(seconds=-30))
    erasure = erase(service, f"{path}/")
    pass_time(timedelta())
    assert texts_left(app) == []
    assert rows(app, Image) == rows(app, UppySession) == 0
    for caller in (old, granted(app, -3600), Client(app, token("x", authorization_details=GRANTS))):
        assert ask(caller, path) == 403
        assert caller.get(f"{path}/uploads/").status_code == 403
        assert caller.post(f"{path}/uppy_session/").status_code == 403
    assert old.get(f"{path}/files/").get_json()["results"] == []
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []
    new = granted(app, -10)
    published(new, f"{path}/uploads/", file_name="x.jpg", alt_text="")
    assert ask(old, path) == 403
    assert len(new.get(f"{path}/files/").get_json()["results"]) == 1
    reap(app, DAYS)
    assert state(service, erasure)["state"] == "done"
    assert not there(s3_bucket, f"media/{photo['key']}")
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []


def test_an_older_grant_reaches_no_upload_of_an_owner_that_came_back(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    old, key = granted(app), {"Idempotency-Key": "k"}
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 201
    pass_time(timedelta(seconds=-30))
    erase(service, f"{PRODUCT}/")
    pass_time(timedelta())
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 403
    new = granted(app, -10, sub="another seller")
    ticket = new.post(f"{PRODUCT}/uploads/", declared()).get_json()
    upload = f"/api/uploads/{ticket['id']}/"
    session = new.post(f"{PRODUCT}/uppy_session/").get_json()["id"]
    assert old.post(f"{PRODUCT}/uploads/", declared(), headers=key).status_code == 403
    assert old.get(f"/api/uploads/?ids={ticket['id']}").get_json()["uploads"] == []
    for answer in (
        old.get(upload),
        old.post(f"{upload}renew/"),
        old.post(f"{upload}failures/", {"code": "AccessDenied"}),
        old.post(ticket["confirm_url"]),
        old.delete(upload),
        old.delete(f"/api/uppy_sessions/{session}/"),
    ):
        assert answer.status_code == 404
    assert send(ticket).status_code == 201
    assert new.post(ticket["confirm_url"]).status_code == 200
    assert new.delete(f"/api/uppy_sessions/{session}/").status_code == 204


def test_a_file_of_an_owner_that_came_back_is_kept_without_its_client(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    pass_time(timedelta(seconds=-30))
    erase(service, f"{PRODUCT}/")
    pass_time(timedelta())
    tickets = [granted(app, -10).post(f"{PRODUCT}/uploads/", declared()).get_json() for _ in "ab"]
    for ticket in tickets:
        assert send(ticket).status_code == 201
    broker = app.extensions["broker"]
    written = ObjectCreated(bucket=broker.storage.bucket, key=tickets[0]["upload"]["fields"]["key"])
    with broker.system_work() as work:
        assert handle_bucket_notification(work, written) is Outcome.CONFIRMED
    reap(app, DAYS)
    assert len(service.get(f"{PRODUCT}/files/").get_json()["results"]) == 2


def test_an_owner_that_was_never_used_is_erased_too(app: Flask, service: Client) -> None:
    erasure = erase(service, f"{PRODUCT}/")
    assert (erasure["state"], erasure["objects"]) == ("done", 0)
    assert ask(granted(app)) == 403
    assert service.delete("/api/owners/product_image/no%20owner/").status_code == 422
    assert service.delete("/api/owners/unknown/42/").status_code == 404


def test_a_service_needs_a_later_token_for_an_erased_owner(app: Flask, service: Client) -> None:
    erase(service, f"{PRODUCT}/")
    assert ask(service) == 403
    assert ask(issued(app, 900, -10, role="service")) == 403


def test_an_uppy_session_from_after_the_return_works(
    app: Flask, service: Client, anyone: Client, pass_time: Callable[[timedelta], None]
) -> None:
    pass_time(timedelta(seconds=-30))
    erase(service, f"{PRODUCT}/")
    pass_time(timedelta())
    session = granted(app, -10).post(f"{PRODUCT}/uppy_session/")
    assert session.status_code == 201, session.text
    path = session.get_json()["endpoint"].removeprefix("http://localhost")
    asked = anyone.get(path + "s3/params", query_string={"filename": "x.jpg", "type": "image/jpeg"})
    assert asked.status_code == 200, asked.text


def test_files_that_an_erased_user_sent_for_others_stay_without_their_texts(
    app: Flask, service: Client
) -> None:
    user = granted(app, sub="1")
    published(user, f"{PRODUCT}/uploads/")
    assert ask(user) == 201
    assert (ALT_TEXT in str(service.get("/api/events/").get_json())) is True
    erase(service, "/api/users/1/")
    (file,) = service.get(f"{PRODUCT}/files/").get_json()["results"]
    assert (file["file_name"], file["alt_text"]) == (None, "")
    assert texts_left(app) == []
    types = [event["type"] for event in events(service)]
    assert types == ["image.ready", "image.updated", "owner.erased"]
    assert service.get(f"{PRODUCT}/uploads/").get_json()["results"] == []
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []


def test_an_adopted_image_is_not_adopted_for_an_erased_owner(
    app: Flask, service: Client, s3_bucket: Bucket
) -> None:
    erase(service, f"{PRODUCT}/")
    erase(service, "/api/users/1/")
    keys = ["products/product_42/a.jpg", "avatars/user_1/a.jpg"]
    for key in keys:
        put(s3_bucket, f"media/{key}")
    tally = AdoptTally()
    with app.extensions["broker"].system_work() as work:
        claims = [Claim(key=key, alt_text="", order=0) for key in keys]
        adopt(work, claims, tally=tally)
    assert tally.adopted == rows(app, Image) == 0


def test_the_avatar_by_token_of_an_erased_user_is_erased(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    (tmp_path / "by_token.toml").write_text(BY_TOKEN)
    app = make_app(profiles_file=tmp_path / "by_token.toml")
    service = Client(app, token(900, role="service"))
    grants = [entry("1", "create", profile="avatar"), entry("7", "create", profile="ad_image")]
    user = erika(app, authorization_details=grants)
    published(user, "/api/owners/avatar/1/uploads/")
    published(user, "/api/owners/ad_image/7/uploads/")
    erase(service, "/api/users/1/")
    assert texts_left(app) == []
    assert service.get("/api/owners/avatar/1/files/").get_json()["results"] == []
    assert len(service.get("/api/owners/ad_image/7/files/").get_json()["results"]) == 1
    other = issued(app, 2, authorization_details=grants)
    assert ask(other, "/api/owners/avatar/1") == 403
    assert ask(other, "/api/owners/ad_image/7") == 201


def test_an_ad_is_erased_like_it_is_deleted_and_its_texts_go_too(
    app: Flask, service: Client, s3_bucket: Bucket
) -> None:
    user = erika(app)
    ad = user.ad()
    photo = published(user, f"/api/ads/{ad}/upload_image/")
    erasure = erase(service, f"/api/owners/ad_image/{ad}/")
    assert user.get(f"/api/ads/{ad}/").status_code == 404
    assert [event["type"] for event in events(service)] == [
        "image.ready",
        "image.deleted",
        "owner.erased",
    ]
    assert ALT_TEXT not in str(events(service))
    assert erase(service, f"/api/owners/ad_image/{ad}/")["id"] == erasure["id"]
    assert service.delete("/api/owners/ad_image/999/").status_code == 404
    reap(app, DAYS)
    assert state(service, erasure)["state"] == "done"
    assert not there(s3_bucket, f"media/{photo['key']}")
    assert user.get("/api/users/me/").status_code == 200


def test_erasing_an_avatar_of_our_table_erases_its_user(app: Flask, service: Client) -> None:
    user = erika(app)
    user.ad()
    erase(service, "/api/owners/avatar/1/")
    assert user.get("/api/users/me/").status_code == 401
    with app.extensions["broker"].database.session() as session:
        assert session.scalars(select(Owner)).all() == []


def test_a_service_finds_the_id_of_a_mapped_subject_and_erases_the_user(
    app: Flask, service: Client, alice: Client
) -> None:
    user = erika(app, "0b7f6c1e-uuid")
    me = user.get("/api/users/me/").get_json()
    assert service.get("/api/users/?subject=0b7f6c1e-uuid").get_json()["id"] == me["id"]
    assert service.get("/api/users/?subject=1").status_code == 404
    alice.get("/api/users/me/")
    assert service.get("/api/users/?subject=1").get_json()["id"] == 1
    assert alice.get("/api/users/?subject=1").status_code == 403
    assert service.get("/api/users/?subject=unknown").status_code == 404
    erase(service, f"/api/users/{me['id']}/")
    assert service.get("/api/users/?subject=0b7f6c1e-uuid").status_code == 404
    assert user.get("/api/users/me/").status_code == 401


def test_a_service_puts_ads_of_an_erased_user_only_with_a_later_token(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    ad: dict[str, Any] = {"title": "A", "description": "", "price": "1.00", "owner": "1"}
    pass_time(timedelta(seconds=-30))
    erase(service, "/api/users/1/")
    pass_time(timedelta())
    for caller in (service, issued(app, 900, -3600, role="service")):
        answer = caller.call("PUT", "/api/ads/5/", json=ad)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "user_erased")
    later = issued(app, 900, -10, role="service")
    assert later.call("PUT", "/api/ads/5/", json=ad).status_code == 201
    assert erika(app).get("/api/users/me/").status_code == 401


def test_moving_ads_to_our_table_and_back_forgets_no_erasure(
    make_app: Callable[..., Flask], tmp_path: Path, pass_time: Callable[[timedelta], None]
) -> None:
    (tmp_path / "by_token.toml").write_text(BY_TOKEN)
    first = make_app(profiles_file=tmp_path / "by_token.toml")
    pass_time(timedelta(seconds=-30))
    erase(Client(first, token(900, role="service")), "/api/owners/ad_image/7/")
    pass_time(timedelta())
    make_app()
    again = make_app(profiles_file=tmp_path / "by_token.toml")
    grants = [entry("7", "create", profile="ad_image")]
    old, new = (issued(again, 1, at, authorization_details=grants) for at in (-60, -10))
    assert ask(old, "/api/owners/ad_image/7") == 403
    assert ask(new, "/api/owners/ad_image/7") == 201
