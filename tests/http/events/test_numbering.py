"""Numbers of events: no gap, no duplicate, and none appears below one that was read."""

import json
import multiprocessing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from broker.db.models import Event, EventFeed
from broker.db.session import Database, Session
from broker.domain.limits import Limits
from broker.domain.principal import SYSTEM
from broker.services.events import numbering
from broker.services.events.numbering import number, read_state
from broker.services.work import Work
from tests.http.client import at_once
from tests.http.events.reader import Reader

DATA = json.dumps(
    {"profile": "ad_image", "owner": "1", "reason": None, "image": None, "removed_keys": []}
)


def record(session: Session, count: int = 1) -> None:
    """Insert events, in the caller's transaction."""
    row = {
        "type": "upload.expired",
        "created_at": datetime.now(UTC),
        "owner_kind": "ad",
        "owner_id": 1,
        "data": DATA,
    }
    session.execute(insert(Event), [{**row, "event_id": uuid4()} for _ in range(count)])


def work_of(session: Session) -> Work:
    """Return the work of a process that has no bucket."""
    storage: Any = None
    now = datetime.now(UTC)
    return Work(session=session, storage=storage, limits=Limits(), principal=SYSTEM, now=now)


def numbers(session: Session) -> list[int | None]:
    """Return the sequences of all events in the order of their ids."""
    return list(session.scalars(select(Event.sequence).order_by(Event.id)))


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["broker"].database
    return found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_transaction_that_commits_late_gets_a_later_number_and_no_page_misses_it(
    app: Flask, database: Database
) -> None:
    reader = Reader.of(app)
    assert reader.new() == []
    with database.session() as slow, database.session() as fast:
        record(slow)
        record(fast)
        fast.commit()
        assert [event["sequence"] for event in reader.new()] == [1]
        assert reader.new() == []
        slow.commit()
        (late,) = reader.new()
        assert late["sequence"] == 2
        assert numbers(slow) == [2, 1]


def test_events_that_wait_are_numbered_in_batches_in_the_order_of_their_ids(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "BATCH", 3)
    with database.session() as session:
        for count in (3, 7):
            record(session, count)
            session.commit()
            number(work_of(session))
        assert numbers(session) == list(range(1, 11))
        assert read_state(session).last_sequence == 10


def keep_numbering(url: str, rounds: int) -> None:
    """Record and number in four threads."""
    database = Database(url)

    def act() -> None:
        for _ in range(rounds):
            with database.session() as session:
                record(session, 2)
                session.commit()
                number(work_of(session))

    at_once(4, act)
    database.dispose()


@pytest.mark.parametrize("others", [0, pytest.param(1, marks=pytest.mark.matrix(part="walks"))])
def test_four_threads_of_each_process_number_without_gap_or_duplicate(
    database: Database, database_url: str, others: int
) -> None:
    rounds = 5
    context = multiprocessing.get_context("forkserver")
    processes = [
        context.Process(target=keep_numbering, args=(database_url, rounds)) for _ in range(others)
    ]
    for process in processes:
        process.start()
    try:
        keep_numbering(database_url, rounds)
    finally:
        for process in processes:
            process.join(60)
            process.kill()
    assert [process.exitcode for process in processes] == [0] * others
    with database.session() as session:
        found = [sequence or 0 for sequence in numbers(session)]
        assert sorted(found) == list(range(1, (1 + others) * 4 * 2 * rounds + 1))
        assert read_state(session).last_sequence == len(found)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("_", ["first", "second"])
def test_a_reused_database_has_a_feed_that_begins_at_zero(
    app: Flask, database: Database, _: Any
) -> None:
    with database.session() as session:
        assert session.scalars(select(EventFeed.last_sequence)).all() == [0]
        record(session)
        session.execute(update(EventFeed).values(pruned_sequence=7, enqueued_sequence=7))
        session.commit()
        number(work_of(session))
