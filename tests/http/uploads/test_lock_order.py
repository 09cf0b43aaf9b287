"""Row locks are taken in one order, so that no deadlock is possible.

The order is uploads, images, ads, quotas, Uppy sessions; ads and quotas by id. Random races seldom
hit the critical moment. So in these tests another transaction locks the first row until the tested
operation waits for it. Then the test checks that the operation does not hold the second row yet.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, Engine, select, text

from broker.db.models import Ad, Image, Upload, UppySession, UserQuota
from broker.services.adopt.insert_images import insert_images
from broker.services.uploads.expire import expire_stale
from tests.http import uppy_calls as uppy
from tests.http.charging import NOW, cancel_at, issue_at
from tests.http.client import JPEG, Client, send, token

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
Row = tuple[type, ColumnElement[bool]]
BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE :pid = ANY(pg_blocking_pids(pid))")
TRIES = 500
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


def ad_row(ad: int) -> Row:
    return Ad, Ad.id == ad


def quota_row(user: int) -> Row:
    return UserQuota, UserQuota.user_id == user


def until_blocked(engine: Engine, pid: int, acting: Future[Any]) -> None:
    """Wait until another backend waits for this one. The limit is a number of tries, not a time."""
    # Within a transaction `pg_stat_activity` does not change.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
        for _ in range(TRIES):
            if looking.execute(BLOCKED, {"pid": pid}).scalar_one():
                return
            assert not wait([acting], timeout=0.02).done, "it did not wait at all"
    raise AssertionError("it never waited")


def waits_without(app: Flask, act: Callable[[], Any], waits_for: Row, free: Row) -> Any:
    """Check that `act`, waiting for one row, does not hold another; return its result."""
    engine = app.extensions["broker"].database.engine

    def locked(row: Row) -> Any:
        return select(row[0]).where(row[1]).with_for_update

    with ThreadPoolExecutor(1) as pool, engine.connect() as partner:
        pid = partner.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert partner.execute(locked(waits_for)()).all() != []
        acting = pool.submit(act)
        until_blocked(engine, pid, acting)
        # LockNotAvailable means that the operation holds it: a deadlock is possible.
        assert partner.execute(locked(free)(nowait=True)).all() != []
        partner.rollback()
        return acting.result(timeout=30)


def expire(app: Flask) -> int:
    broker = app.extensions["broker"]
    with broker.system_work(now=LATER) as work:
        return expire_stale(work)


def test_an_ad_that_is_deleted_waits_for_its_uploads_before_its_row(
    app: Flask, alice: Client
) -> None:
    ad = alice.ad()
    upload = UUID(alice.ticket(ad).get_json()["id"])
    path = f"/api/ads/{ad}/"
    answer = waits_without(
        app, lambda: alice.delete(path), (Upload, Upload.id == upload), ad_row(ad)
    )
    assert answer.status_code == 204


def test_an_ad_that_is_deleted_waits_for_its_images_before_its_row(
    app: Flask, alice: Client
) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    send(ticket)
    image = alice.post(ticket["confirm_url"]).get_json()["id"]
    path = f"/api/ads/{ad}/"
    answer = waits_without(app, lambda: alice.delete(path), (Image, Image.id == image), ad_row(ad))
    assert answer.status_code == 204


def test_stale_uploads_release_their_slots_in_the_order_of_ads(app: Flask, alice: Client) -> None:
    first, *others = (alice.ad() for _ in range(6))
    for seconds, ad in enumerate([*others, first]):
        issue_at(app, ad, NOW + timedelta(seconds=seconds))
    free = (Ad, Ad.id.in_(others))
    assert waits_without(app, lambda: expire(app), ad_row(first), free) == 6


def test_a_stale_upload_locked_by_another_transaction_is_skipped(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    held, stale = issue_at(app, ad, NOW)[0], issue_at(app, ad, NOW)[0]
    engine = app.extensions["broker"].database.engine
    with ThreadPoolExecutor(1) as pool, engine.connect() as partner:
        partner.execute(select(Upload.id).where(Upload.id == held).with_for_update())
        assert pool.submit(expire, app).result(timeout=10) == 1
        found = partner.execute(select(Upload.state).where(Upload.id == stale)).scalar_one()
        assert found == "expired"


def test_quotas_are_refunded_after_all_slots_are_released(app: Flask, alice: Client) -> None:
    first, second = alice.ad(), alice.ad()
    issue_at(app, first, NOW)
    (upload,) = issue_at(app, second, NOW)
    assert waits_without(app, lambda: expire(app), ad_row(second), quota_row(1)) == 2
    (upload,) = issue_at(app, second, NOW)
    waits_without(app, lambda: cancel_at(app, upload, NOW), ad_row(second), quota_row(1))


def test_quotas_of_several_users_are_refunded_in_the_order_of_users(
    app: Flask, alice: Client
) -> None:
    bob = Client(app, token(2))
    for client in (bob, alice):
        assert client.ticket(client.ad()).status_code == 201
    broker = app.extensions["broker"]

    def late() -> int:
        with broker.system_work(now=datetime.now(UTC) + timedelta(hours=1)) as work:
            return expire_stale(work)

    assert waits_without(app, late, quota_row(1), quota_row(2)) == 2


def test_a_ticket_reserves_its_slot_before_its_quota(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    assert alice.ticket(ad).status_code == 201
    answer = waits_without(app, lambda: alice.ticket(ad), ad_row(ad), quota_row(1))
    assert answer.status_code == 201


def test_an_uppy_session_is_charged_after_the_quota_by_tickets_and_confirms(
    app: Flask, alice: Client
) -> None:
    session = uppy.open_session(alice, alice.ad())
    row = (UppySession, UppySession.id == UUID(session["id"]))
    anyone = Client(app, None)
    made = uppy.params(anyone, session).get_json()
    assert uppy.send_form(made, JPEG).status_code in (200, 201)
    key = made["fields"]["key"]
    numbers = count()

    def ask() -> Any:
        return uppy.params(anyone, session, filename=f"{next(numbers)}.jpg")

    assert waits_without(app, ask, quota_row(1), row).status_code == 200

    def confirm() -> Any:
        return anyone.post(uppy.path(session, "confirm/"), {"key": key})

    assert waits_without(app, confirm, quota_row(1), row).status_code == 200


def test_adopted_images_are_counted_in_the_order_of_ads(app: Flask, alice: Client) -> None:
    first, second = alice.ad(), alice.ad()
    rows = [
        {
            "owner_kind": "ad",
            "owner_id": ad,
            "key": f"ads/ad_{ad}/{number}.jpg",
            "content_type": "image/jpeg",
            "size": 1,
            "etag": "x",
            "alt_text": "",
            "order": 0,
            "created_at": NOW,
        }
        for number, ad in enumerate([second, first])
    ]
    broker = app.extensions["broker"]

    def adopt() -> set[str]:
        with broker.system_work() as work:
            return insert_images(work, rows)

    assert len(waits_without(app, adopt, ad_row(first), ad_row(second))) == 2
