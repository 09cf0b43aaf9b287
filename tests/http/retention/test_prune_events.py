"""Old events are pruned in the order of their sequence, and no backend misses one unknowingly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, update

from broker.db.models import Delivery, Event, EventFeed
from broker.services.events import feed, prune
from broker.services.events.prune import prune_events
from tests.http.client import Client, at_once, rows
from tests.http.retention.aging import confirmed, reap

OLD = timedelta(days=31)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(inspection="off")


def pruned(app: Flask, after: timedelta = OLD) -> int:
    with app.extensions["broker"].system_work(now=datetime.now(UTC) + after) as work:
        return prune_events(work)


def add(app: Flask, count: int, after: timedelta = timedelta()) -> None:
    """Insert events that nobody has numbered yet."""
    time = datetime.now(UTC) + after
    with app.extensions["broker"].database.session() as session:
        for _ in range(count):
            session.add(
                Event(
                    event_id=uuid4(),
                    type="owner.erased",
                    created_at=time,
                    owner_kind="ad",
                    owner_id=1,
                    data='{"profile": "ad_image", "owner": "1", "reason": null, "image": null,'
                    ' "removed_keys": []}',
                )
            )
        session.commit()


def change(app: Flask, *statements: Any) -> None:
    with app.extensions["broker"].database.session() as session:
        for statement in statements:
            session.execute(statement)
        session.commit()


def sequences(app: Flask) -> list[int | None]:
    with app.extensions["broker"].database.session() as session:
        return [event.sequence for event in session.query(Event).order_by(Event.id)]


def undelivered(app: Flask, sequence: int, **columns: Any) -> None:
    with app.extensions["broker"].database.session() as session:
        event = session.query(Event).filter_by(sequence=sequence).one()
        session.add(Delivery(id=event.id, due_at=event.created_at, **columns))
        session.commit()


def read(service: Client, after: str | None = None, limit: int = 100) -> tuple[list[int], str]:
    query = f"?limit={limit}" + (f"&after={after}" if after else "")
    answer = service.get(f"/api/events/{query}")
    assert answer.status_code == 200, answer.text
    page = answer.get_json()
    return [event["sequence"] for event in page["results"]], page["next_cursor"]


def test_old_events_go_and_a_cursor_before_them_is_refused(app: Flask, service: Client) -> None:
    add(app, 3)
    _, first = read(service, limit=1)
    _, third = read(service)
    add(app, 2, after=timedelta(days=20))
    # A round of the reaper numbers and prunes.
    assert reap(app, timedelta(days=29)).pruned == 0
    assert reap(app, OLD).pruned == 3
    assert sequences(app) == [4, 5]
    refused = service.get(f"/api/events/?after={first}")
    assert (refused.status_code, refused.get_json()["code"]) == (410, "cursor_expired")
    assert read(service, third)[0] == [4, 5]
    assert read(service)[0] == [4, 5]


def test_events_that_nobody_reads_are_numbered_and_pruned(app: Flask, alice: Client) -> None:
    confirmed(alice, alice.ad())
    assert sequences(app) == [None]
    assert pruned(app) == 1


def test_an_undelivered_event_stays_and_the_feed_goes_on_without_it(
    app: Flask, service: Client
) -> None:
    add(app, 4)
    read(service)
    change(app, update(EventFeed).values(enqueued_sequence=4))
    undelivered(app, 2)
    undelivered(app, 3, dead_at=datetime.now(UTC))
    assert pruned(app) == 2
    assert sequences(app) == [2, 3]
    # Its neighbours are gone, so a page with it would hide that events are missing.
    assert read(service)[0] == []
    change(app, delete(Delivery))
    assert pruned(app) == 2
    events, cursor = read(service)
    assert events == []
    add(app, 1)
    assert read(service, cursor)[0] == [5]


def test_events_that_the_deliverer_has_not_seen_stay(app: Flask, service: Client) -> None:
    add(app, 3)
    read(service)
    change(app, update(EventFeed).values(enqueued_sequence=1))
    assert pruned(app) == 1
    assert sequences(app) == [2, 3]


def test_events_stay_if_they_are_to_be_sent_and_no_deliverer_has_run(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(webhook_url="https://shop.example/events")
    add(app, 1)
    assert pruned(app) == 0


def test_events_go_in_order_even_if_a_clock_was_wrong(app: Flask) -> None:
    add(app, 1)
    add(app, 1, after=timedelta(days=5))
    add(app, 1)
    assert pruned(app) == 1
    assert sequences(app) == [2, 3]


def test_a_page_that_is_read_during_a_prune_hides_no_missing_event(
    app: Flask, service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(app, 3)
    _, first = read(service, limit=1)
    add(app, 1, after=timedelta(days=20))
    numbered = feed.number

    def number_before_prune(session: Any) -> None:
        numbered(session)
        assert pruned(app) == 3

    with monkeypatch.context() as patched:
        patched.setattr(feed, "number", number_before_prune)
        assert service.get(f"/api/events/?after={first}").status_code == 410
    assert read(service)[0] == [4]


def test_reapers_that_prune_events_at_once_prune_each_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 3)
    add(app, 10)
    assert sum(at_once(4, lambda: pruned(app))) == 10
    assert rows(app, Event) == 0


def test_a_round_prunes_a_limited_number_of_events(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)
    monkeypatch.setattr(prune, "MOST", 3)
    add(app, 7)
    assert [pruned(app) for _ in range(3)] == [4, 3, 0]
