"""An erased user: what is removed, what is refused, and who comes back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from broker.db.models import Ad, Event, IdempotencyKey, Image, Upload, User, UserQuota
from broker.services.reconcile.verify_rows import wrong_rows
from tests.http.client import Client, declared, rows, token
from tests.http.erasure.erasing import (
    ALT_TEXT,
    DAYS,
    NAME,
    erase,
    erika,
    issued,
    published,
    reap,
    state,
    texts_left,
)
from tests.http.first import FIRST_DATABASE
from tests.http.reconciling import there
from tests.servers.fixtures import Bucket


def stored(app: Flask, model: Any) -> list[Any]:
    with app.extensions["broker"].database.session() as session:
        found = list(session.scalars(select(model)))
        session.expunge_all()
    return found


def everything_of(user: Client) -> tuple[int, list[str]]:
    """Create an ad, a photo, an avatar and a ticket; return the ad, and the keys of the photos."""
    ad = user.ad()
    user.patch(f"/api/ads/{ad}/", {"description": "Call Erika Mustermann"})
    photo = published(user, f"/api/ads/{ad}/upload_image/")
    avatar = published(user, "/api/users/1/upload_avatar/", alt_text=None)
    pending = user.post(
        f"/api/ads/{ad}/upload_image/",
        declared(file_name=NAME, alt_text=ALT_TEXT),
        headers={"Idempotency-Key": "erikas"},
    )
    assert pending.status_code == 201
    report = f"/api/uploads/{pending.get_json()['id']}/failures/"
    assert user.post(report, {"code": "Mustermann"}).status_code == 200
    assert user.post(f"/api/ads/{ad}/uppy_session/").status_code == 201
    return ad, [photo["key"], avatar["key"]]


def test_an_erased_user_leaves_no_personal_data(
    app: Flask, service: Client, bob: Client, s3_bucket: Bucket
) -> None:
    user = erika(app)
    ad, keys = everything_of(user)
    others = bob.ad()
    published(bob, f"/api/ads/{others}/upload_image/", file_name="x.jpg", alt_text="a bicycle")
    assert texts_left(app) != []
    erasure = erase(service, "/api/users/1/")
    assert erasure["state"] == "deleting"
    assert erasure["objects"] == erasure["objects_left"] >= 5
    assert texts_left(app) == []
    assert service.get(f"/api/ads/{ad}/").status_code == 404
    assert service.get("/api/users/1/").status_code == 404
    assert rows(app, UserQuota) == 1
    assert [row.user_id for row in stored(app, IdempotencyKey)] == []
    (erased,) = (row for row in stored(app, User) if row.id == 1)
    assert (erased.is_erased, erased.email, erased.first_name) == (True, None, "")
    assert [row.key for row in stored(app, Image)] != []
    assert {row.state for row in stored(app, Upload) if row.user_id == 1} == {
        "confirmed",
        "cancelled",
    }
    with app.extensions["broker"].system_work() as work:
        assert list(wrong_rows(work)) == []
    reap(app)
    assert [key for key in keys if there(s3_bucket, f"media/{key}")] == []
    assert state(service, erasure)["state"] == "deleting"
    reap(app, DAYS)
    done = state(service, erasure)
    assert (done["state"], done["objects_left"]) == ("done", 0)
    assert done["finished_at"] is not None
    assert done["objects"] == erasure["objects"]
    assert bob.get(f"/api/ads/{others}/").get_json()["images"][0]["alt_text"] == "a bicycle"


@FIRST_DATABASE
def test_events_say_what_an_erasure_removed(app: Flask, service: Client) -> None:
    everything_of(erika(app))
    erase(service, "/api/users/1/")
    erase(service, "/api/users/1/")
    events = service.get("/api/events/").get_json()["results"]
    assert [event["type"] for event in events].count("image.deleted") == 2
    erased = events[-1]
    assert erased["type"] == "owner.erased"
    assert [event["type"] for event in events].count("owner.erased") == 1
    assert erased["data"]["profile"] == "avatar"
    assert erased["data"]["owner"] == "1"
    assert erased["data"]["user"] == {"id": 1, "subject": "1"}
    assert erased["data"]["image"] is None
    assert {event["data"]["image"]["alt_text"] for event in events[:-1]} == {""}
    assert rows(app, Event) == len(events)


@FIRST_DATABASE
def test_older_tokens_of_an_erased_user_are_refused_at_once(app: Flask, service: Client) -> None:
    old, never = erika(app), Client(app, token(1))
    assert old.get("/api/users/me/").status_code == 200
    assert never.get("/api/users/me/").status_code == 200
    erase(service, "/api/users/1/")
    for caller in (old, never, erika(app, seconds=-3600), Client(app, token(1, email="x@y.z"))):
        answer = caller.get("/api/users/me/")
        assert answer.status_code == 401
        assert answer.get_json()["code"] == "token_invalid"
        assert "erased" in answer.get_json()["detail"]
    assert rows(app, Ad) == 0
    assert [row.is_erased for row in stored(app, User) if row.id == 1] == [True]


@FIRST_DATABASE
def test_a_user_who_comes_back_starts_with_an_empty_row(
    app: Flask, service: Client, pass_time: Callable[[timedelta], None]
) -> None:
    old = erika(app)
    everything_of(old)
    pass_time(timedelta(seconds=-30))
    erase(service, "/api/users/1/")
    pass_time(timedelta())
    new = issued(app, 1, -10, email="new@example.com")
    me = new.get("/api/users/me/").get_json()
    assert (me["id"], me["email"], me["name"], me["avatar"]) == (1, "new@example.com", "", None)
    ad = new.ad()
    published(new, f"/api/ads/{ad}/upload_image/", file_name="x.jpg", alt_text="")
    assert old.get("/api/users/me/").status_code == 401
    assert new.get("/api/ads/?owner=1").get_json()["results"][0]["id"] == ad
    assert texts_left(app) == []


@FIRST_DATABASE
def test_only_a_service_erases(app: Flask, alice: Client, anyone: Client, service: Client) -> None:
    ad = alice.ad()
    for path in ("/api/users/1/", f"/api/owners/ad_image/{ad}/", "/api/owners/avatar/1/"):
        assert alice.delete(path).status_code == 403
        assert anyone.delete(path).status_code == 401
    erasure = erase(service, "/api/users/2/")
    assert alice.get(f"/api/erasures/{erasure['id']}/").status_code == 403
    assert service.get("/api/erasures/0199aaaa-0000-7000-8000-000000000000/").status_code == 404
    assert alice.get(f"/api/ads/{ad}/").status_code == 200


@FIRST_DATABASE
def test_a_user_without_a_row_is_erased_too(app: Flask, service: Client) -> None:
    erasure = erase(service, "/api/users/77/")
    assert (erasure["state"], erasure["objects"]) == ("done", 0)
    assert issued(app, 77).get("/api/users/me/").status_code == 401
    assert service.delete(f"/api/users/{2**52 + 1}/").status_code == 404
    assert service.delete("/api/users/077/").status_code == 404


def test_a_text_that_no_subject_can_be_is_refused(service: Client) -> None:
    for text in ("%00", "a%00b", "%0D%0A"):
        assert service.get(f"/api/users/?subject={text}").status_code == 422
    for text in ("%FF", "%ED%A0%80", "%E2%80%AE"):
        assert service.get(f"/api/users/?subject={text}").status_code == 404
