"""The requests of a confirm to the bucket, and the effect of renew and rejection on the slot."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from broker.domain.storage_errors import StorageUnavailable
from broker.storage.s3 import S3Storage
from tests.http.client import JPEG, Client, declared, send, token


def test_confirm_sends_one_head_and_a_repeated_confirm_none(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    asked: list[str] = []
    head = S3Storage.head

    def counting(self: S3Storage, key: str) -> Any:
        asked.append(key)
        return head(self, key)

    monkeypatch.setattr(S3Storage, "head", counting)
    for _ in range(2):
        assert alice.post(ticket["confirm_url"]).status_code == 200
    assert asked == [ticket["upload"]["fields"]["key"]]


def test_a_ticket_confirmed_right_after_its_renewal_is_returned_as_renewed(
    app: Flask, alice: Client
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    send(ticket)
    engine, asked, confirmed = app.extensions["broker"].database.engine, list[str](), list[int]()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE uploads SET expires_at"):
            asked.append(statement)

    def confirm(_session: Session) -> None:
        if asked:
            asked.clear()
            confirmed.append(alice.post(ticket["confirm_url"]).status_code)

    event.listen(engine, "before_cursor_execute", note)
    event.listen(Session, "after_commit", confirm)
    try:
        renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/")
    finally:
        event.remove(Session, "after_commit", confirm)
        event.remove(engine, "before_cursor_execute", note)
    assert confirmed == [200]
    assert (renewed.status_code, renewed.get_json()["state"]) == (200, "pending")


def test_a_just_expired_form_is_renewed_for_the_same_row_and_slot(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Client(make_app(max_images_per_ad=1), token(1))
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    expired = datetime.now(UTC) + timedelta(seconds=310)
    with monkeypatch.context() as patch:
        patch.setattr("broker.services.work.utc_now", lambda: expired)
        patch.setattr("broker.services.work.utc_now", lambda: expired)
        failure = {"code": "AccessDenied", "message": "Invalid according to Policy: Policy expired"}
        path = f"/api/uploads/{ticket['id']}"
        assert alice.post(f"{path}/failures/", failure).get_json()["action"] == "renew"
        renewed = alice.post(f"{path}/renew/")
        assert renewed.status_code == 200
        assert renewed.get_json()["id"] == ticket["id"]
        assert renewed.get_json()["key"] == ticket["key"]
        assert renewed.get_json()["expires_at"] > ticket["expires_at"]
        assert alice.ticket(ad).status_code == 409
    assert send(ticket).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 200


def test_a_rejected_upload_releases_its_slot(make_app: Callable[..., Flask]) -> None:
    app = make_app(max_images_per_ad=1)
    alice = Client(app, token(1))
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    storage = app.extensions["broker"].storage
    boto3.Session().client("s3", endpoint_url=storage.client.meta.endpoint_url).put_object(
        Bucket=storage.buckets.media, Key=f"incoming/{ticket['key']}", Body=b"other"
    )
    assert alice.ticket(ad).status_code == 409
    assert alice.post(ticket["confirm_url"]).status_code == 422
    assert alice.ticket(ad).status_code == 201


def test_only_its_owner_edits_an_ad_or_a_profile(alice: Client, bob: Client) -> None:
    ad = alice.ad()
    assert alice.patch(f"/api/ads/{ad}/", {"price": "1.5"}).get_json()["price"] == "1.50"
    assert bob.patch(f"/api/ads/{ad}/", {"price": "0.01"}).status_code == 403
    assert bob.delete(f"/api/ads/{ad}/").status_code == 403
    assert alice.patch("/api/users/1/", {"first_name": "Jane"}).get_json()["name"] == "Jane Doe"
    assert bob.patch("/api/users/1/", {"first_name": "Eve"}).status_code == 403
    foreign = {"avatar": "01990000-0000-7000-8000-000000000001"}
    assert alice.patch("/api/users/1/", foreign).get_json()["code"] == "avatar_not_confirmed"


def test_an_image_is_edited_and_deleted_only_at_its_own_ad(
    app: Flask, alice: Client, service: Client
) -> None:
    ad, other = alice.ad(), alice.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    image = alice.post(ticket["confirm_url"]).get_json()["id"]
    # The avatar of a user with the same id as the ad.
    namesake = Client(app, token(other))
    avatar = namesake.post(f"/api/users/{other}/upload_avatar/", declared()).get_json()
    send(avatar)
    face = namesake.post(avatar["confirm_url"]).get_json()["id"]
    for found in (image, face):
        path = f"/api/ads/{other}/images/{found}/"
        for caller in (alice, service):
            assert caller.patch(path, {"alt_text": "x"}).status_code == 404
            assert caller.delete(path).status_code == 404
    path = f"/api/ads/{ad}/images/{image}/"
    # A service may edit the ads of a user but not their profile.
    assert service.patch(path, {"alt_text": "x"}).get_json()["alt_text"] == "x"
    assert service.patch(f"/api/users/{other}/", {"first_name": "x"}).status_code == 403
    assert alice.patch(path, {"alt_text": "y"}).get_json()["alt_text"] == "y"
    assert namesake.get(f"/api/users/{other}/").get_json()["avatar"] == avatar["key"]


def test_after_its_grace_the_advice_for_a_failed_upload_is_to_give_up(
    alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    past_grace = datetime.now(UTC) + timedelta(seconds=300 + 900 + 1)
    monkeypatch.setattr("broker.services.work.utc_now", lambda: past_grace)
    failure = {"code": "AccessDenied", "message": "Invalid according to Policy: Policy expired"}
    answer = alice.post(f"/api/uploads/{ticket['id']}/failures/", failure)
    assert answer.get_json()["action"] == "give_up"
    renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/")
    assert (renewed.status_code, renewed.get_json()["code"]) == (410, "upload_expired")


def test_bytes_sent_after_a_confirm_that_failed_are_published_at_another_key(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(require_checksum=False)
    alice = Client(app, token(1))
    ticket = alice.ticket(alice.ad(), checksum_sha256=None).get_json()
    send(ticket)
    storage = app.extensions["broker"].storage

    def away(*_args: Any, **_kwargs: Any) -> None:
        raise StorageUnavailable("The bucket went away before it copied.")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "copy", away)
        assert alice.post(ticket["confirm_url"]).status_code == 503
    assert send(ticket, JPEG[::-1]).status_code == 201
    image = alice.post(ticket["confirm_url"]).get_json()
    assert httpx.get(image["image_url"]).content == JPEG[::-1]
    # The first copy may still happen, so its object must not be the image's.
    assert image["image"] != ticket["key"]
