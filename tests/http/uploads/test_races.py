"""Concurrent requests on the same rows: each gets its answer, and none ends in a deadlock.

PostgreSQL resolves a deadlock by failing a transaction, which the client would see as 503. SQLite
allows one writer at a time.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.uploads import removal
from broker.services.uploads.expire import expire_stale
from tests.attacks import SLOW
from tests.http.client import Client, declared, send

ROUNDS = 8
PAST_GRACE = timedelta(seconds=300 + 900 + 1)
# Only PostgreSQL can deadlock.
BOTH = pytest.mark.parametrize(
    "database_url", ["postgresql", pytest.param("sqlite", marks=SLOW)], indirect=True
)


def issue(alice: Client, ad: int, count: int) -> list[dict[str, object]]:
    files = {"files": [declared()] * count}
    answer = alice.post(f"/api/ads/{ad}/upload_images/", files)
    assert answer.status_code == 201
    tickets: list[dict[str, object]] = answer.get_json()["tickets"]
    return tickets


@BOTH
def test_an_ad_is_deleted_while_its_tickets_are_cancelled(app: Flask, alice: Client) -> None:
    for _ in range(ROUNDS):
        ad = alice.ad()
        tickets = issue(alice, ad, 20)
        with ThreadPoolExecutor(8) as pool:
            paths = [f"/api/uploads/{ticket['id']}/" for ticket in tickets]
            paths.insert(6, f"/api/ads/{ad}/")
            answers = list(pool.map(alice.delete, paths))
        assert [answer.status_code for answer in answers] == [204] * 21


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_ad_is_deleted_while_its_ticket_is_confirmed(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL only: SQLite allows one writer at a time."""
    ad, tickets = alice.ad(), list[dict[str, Any]]()

    def just_before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM ads") and not tickets:
            tickets.append(alice.ticket(ad).get_json())
            assert send(tickets[0]).status_code == 201

    def once_it_is_gone(*args: Any, **kwargs: Any) -> Any:
        assert alice.post(tickets[0]["confirm_url"]).status_code == 200
        return end(*args, **kwargs)

    end = removal.end
    monkeypatch.setattr(removal, "end", once_it_is_gone)
    broker = app.extensions["broker"]
    engine = broker.database.engine
    event.listen(engine, "before_cursor_execute", just_before)
    try:
        assert alice.delete(f"/api/ads/{ad}/").status_code == 204
    finally:
        event.remove(engine, "before_cursor_execute", just_before)
    with broker.system_work() as work:
        assert list(wrong_rows(work)) == []
    gone = alice.post(tickets[0]["confirm_url"])
    assert (gone.status_code, gone.get_json()["code"]) == (410, "image_deleted")


@BOTH
def test_stale_uploads_of_many_ads_are_expired_concurrently(app: Flask, alice: Client) -> None:
    ads = [alice.ad() for _ in range(20)]
    order = random.Random(0)
    for _ in range(12):
        for ad in order.sample(ads, len(ads)):
            issue(alice, ad, 1)
    broker = app.extensions["broker"]
    now = datetime.now(UTC) + PAST_GRACE

    def reap(_number: int) -> int:
        with broker.system_work(now=now) as work:
            return expire_stale(work)

    with ThreadPoolExecutor(6) as pool:
        expired = list(pool.map(reap, range(6)))
    assert sum(expired) == 240
    for ad in ads:
        issue(alice, ad, 20)
