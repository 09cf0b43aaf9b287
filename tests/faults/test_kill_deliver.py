"""kill -9 of a deliverer after each of its steps, and a database that restarts: no event is lost.

An event that was sent, but not recorded as delivered, is sent again: at least once, with its id.
"""

import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from broker.db import migrate
from broker.db.models import Delivery, Event, EventFeed
from broker.db.session import Database
from broker.domain.webhooks import Webhook
from broker.services.events import run
from broker.services.events.run import Deliverer
from tests.events.receivers import Answer, Receiver, receiver, status
from tests.events.stored import store_event
from tests.faults import victim
from tests.faults.operations import ALICE, SETTINGS
from tests.faults.victim import Request
from tests.faults.victims import Victims
from tests.http.client import BOTH_SERVERS
from tests.servers.fixtures import Bucket
from tests.servers.postgres import Postgres

KILL = pytest.mark.matrix(part="kill")
STEPS_MAX = 40
AFTER_A_LEASE = timedelta(hours=1)


def violations(database: Database, received: set[str], *, at_rest: bool = False) -> list[str]:
    """Return the violated invariants of events and deliveries."""
    with database.session() as session:
        events = session.scalars(select(Event).order_by(Event.id)).all()
        waiting = set(session.scalars(select(Delivery.id)))
        feed = session.scalars(select(EventFeed)).one()
        session.commit()
    found = []
    numbers = sorted(event.sequence for event in events if event.sequence is not None)
    if numbers != list(range(1, feed.last_sequence + 1)):
        found.append(f"sequences {numbers} are not those up to {feed.last_sequence}")
    for event in events:
        is_enqueued = event.sequence is not None and event.sequence <= feed.enqueued_sequence
        if is_enqueued and event.id not in waiting and str(event.event_id) not in received:
            found.append(f"event {event.sequence} is lost")
        if not is_enqueued and event.id in waiting:
            found.append(f"event {event.id} has a delivery too early")
        if at_rest and str(event.event_id) not in received:
            found.append(f"event {event.sequence} was not received")
    if at_rest and waiting:
        found.append(f"deliveries {waiting} are left")
    return found


def once(answer: Answer) -> Answer:
    """Answer in this way to the first request with each id, and then accept."""
    seen: set[str] = set()

    def answering(request: Any, *others: Any) -> None:
        is_first = request.event_id not in seen
        seen.add(request.event_id)
        (answer if is_first else status(204))(request, *others)

    return answering


@KILL
@BOTH_SERVERS
@pytest.mark.parametrize(
    "answer",
    [pytest.param(status(204), id="accepted"), pytest.param(status(500), id="refused once")],
)
def test_after_a_kill_at_any_step_no_event_is_lost(
    make_app: Callable[..., Flask],
    database_url: str,
    s3_bucket: Bucket,
    victims: Victims,
    answer: Answer,
) -> None:
    app = make_app(**SETTINGS)
    database = app.extensions["broker"].database
    victims.start(database_url, s3_bucket, SETTINGS)
    kills = 0
    with receiver(once(answer)) as receiving:
        deliver = Request(ALICE, delivers_to=receiving.url)
        for step in range(1, STEPS_MAX):
            ids = [store_event(database) for _ in range(2)]
            killed = victims.is_killed(deliver, step)
            found = violations(database, set(receiving.ids))
            sys.stdout.write(f"{'killed' if killed else 'done'} at {step}: {found}\n")
            assert found == []
            for attempt in range(1, 4):
                later = Request(ALICE, delivers_to=receiving.url, after=attempt * AFTER_A_LEASE)
                victim.perform(app, later)
            found = violations(database, set(receiving.ids), at_rest=True)
            times = [receiving.ids.count(one) for one in ids]
            sys.stdout.write(f"at rest: {found}, received {times} times\n")
            assert found == []
            assert max(times) <= 3
            if not killed:
                break
            kills += 1
        else:
            pytest.fail(f"not finished after {STEPS_MAX} steps")
    assert kills > 6


@KILL
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_restarts_twice_loses_no_event(
    own_postgres: Postgres, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PAUSE_MAX_SECONDS", 0.2)
    url = own_postgres.url(own_postgres.create_database())
    migrate.upgrade(url)
    app = make_app(database_url=url)
    broker = app.extensions["broker"]
    ids = [store_event(broker.database) for _ in range(40)]
    stop = threading.Event()
    with receiver() as receiving:
        deliverer = Deliverer(
            broker=broker,
            webhook=Webhook(url=receiving.url, keys=(b"k" * 32,)),
            threads=2,
            wait=stop.wait,
            stop_seconds=10,
        )
        running = threading.Thread(target=deliverer.run)
        running.start()
        try:
            for count in (5, 20):
                receiving.wait_for(count)
                own_postgres.stop()
                own_postgres.start()
            ids += [store_event(broker.database) for _ in range(5)]
            wait_until_all_are_received(receiving, ids)
        finally:
            stop.set()
            running.join()
        found = violations(broker.database, set(receiving.ids), at_rest=True)
    sys.stdout.write(f"received {len(receiving.ids)} of {len(ids)} events: {found}\n")
    assert found == []


def wait_until_all_are_received(receiving: Receiver, ids: list[str]) -> None:
    with receiving.changed:
        assert receiving.changed.wait_for(lambda: set(ids) <= set(receiving.ids), timeout=60)
