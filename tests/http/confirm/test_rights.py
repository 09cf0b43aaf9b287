"""The user of the ticket may confirm while the ad is theirs. Services may always confirm."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.http.background.test_bucket_notifications import BUCKET_SECRET, tell
from tests.http.client import Client, send, token
from tests.http.part_uploads import LARGE, PART, put_parts, signed
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.servers.fixtures import Bucket


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(bucket_notifications_secret=BUCKET_SECRET, part_size=PART)


def give_away(app: Flask, ad: int, *, to: int) -> None:
    with app.extensions["broker"].database.session() as session:
        session.execute(text("UPDATE ads SET owner_id = :to WHERE id = :ad"), {"to": to, "ad": ad})
        session.commit()


def state(service: Client, ticket: dict[str, Any]) -> str:
    return str(service.get(f"/api/uploads/{ticket['id']}/").get_json()["state"])


def test_a_user_who_has_lost_the_ad_gets_404_and_the_reaper_confirms_nothing(
    app: Flask, alice: Client, bob: Client, service: Client, s3_bucket: Bucket
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = alice.ticket(ad).get_json()
    parts = alice.ticket(ad, LARGE, transport="multipart").get_json()
    put_parts(signed(alice, parts, [1, 2, 3]))
    send(ticket)
    give_away(app, ad, to=2)
    for caller in (alice, bob):
        for url in (ticket["confirm_url"], parts["upload"]["complete_url"]):
            answer = caller.post(url)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert tell(Client(app, BUCKET_SECRET), s3_bucket, f"incoming/{ticket['key']}") == {
        "unknown": 1
    }
    assert state(service, ticket) == "pending"
    assert reap(app, PAST_GRACE * 100).expired == 2
    assert [state(service, one) for one in (ticket, parts)] == ["expired", "expired"]
    assert service.get(f"/api/ads/{ad}/").get_json()["images"] == []
    assert list(s3_bucket.storage.list_objects("")) == []


def test_a_service_may_confirm_for_an_ad_that_was_given_away(
    app: Flask, alice: Client, bob: Client, service: Client
) -> None:
    ad = alice.ad()
    bob.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    give_away(app, ad, to=2)
    assert service.post(ticket["confirm_url"]).status_code == 200


def test_stale_uploads_of_the_user_before_hold_no_slot(
    make_app: Callable[..., Flask], pass_time: Callable[[timedelta], None]
) -> None:
    app = make_app(max_images_per_ad=1)
    alice, bob = Client(app, token(1)), Client(app, token(2))
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    bob.get("/api/users/me/")
    give_away(app, ad, to=2)
    assert bob.ticket(ad).status_code == 409
    pass_time(PAST_GRACE)
    assert bob.ticket(ad).status_code == 201
    assert alice.get(f"/api/uploads/{ticket['id']}/").get_json()["state"] == "expired"


@pytest.mark.parametrize("transport", ["post", "multipart"])
def test_an_ad_that_is_lost_during_the_confirm_gets_no_photo_of_its_former_user(
    app: Flask,
    alice: Client,
    bob: Client,
    service: Client,
    s3_bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
) -> None:
    """The right is checked in the transaction that begins to publish."""
    ad = alice.ad()
    bob.ad()
    ticket = alice.ticket(ad, LARGE, transport=transport).get_json()
    if transport == "post":
        send(ticket, LARGE)
        url = ticket["confirm_url"]
    else:
        put_parts(signed(alice, ticket, [1, 2, 3]))
        url = ticket["upload"]["complete_url"]
    storage = app.extensions["broker"].storage
    head = storage.head

    def lose_the_ad(key: str) -> Any:
        found = head(key)
        give_away(app, ad, to=2)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(storage, "head", lose_the_ad)
        answer = alice.post(url)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert list(s3_bucket.storage.list_objects("media/")) == [], "nothing was published"
    assert service.get(f"/api/ads/{ad}/").get_json()["images"] == []
    assert state(service, ticket) == "pending"
    assert service.post(ticket["confirm_url"]).status_code == 200
