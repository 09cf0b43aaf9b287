"""Row leases on both databases: no row is taken twice, and idle polling costs one round trip."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from broker.db import leases
from broker.db.fast_path import driver_cursors
from broker.db.models import Deletion
from broker.db.session import Database
from broker.services.processing.lease import waiting
from broker.services.uploads.outbox import ALL, OF_KEY

ROWS = 60
TAKERS = 4
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.dispose()


def ago(**age: int) -> datetime:
    return datetime.now(UTC) - timedelta(**age)


def add(database: Database, *due: datetime) -> None:
    with database.session() as session:
        for number, moment in enumerate(due):
            row = Deletion(object_key=f"media/{number}", not_before=moment, created_at=moment)
            session.add(row)
        session.commit()


def take(database: Database, queue: leases.Queue = ALL, **arguments: Any) -> Deletion | None:
    with database.session() as session:
        row: Deletion | None = leases.take(session, queue, **arguments)
        return row


def keys_in_order(database: Database) -> list[str]:
    found = []
    while (row := take(database)) is not None:
        found.append(row.object_key)
    return found


@contextmanager
def another(database: Database) -> Iterator[Database]:
    """Yield a pool of connections of its own, as another process has."""
    other = Database(database.engine.url.render_as_string(hide_password=False))
    yield other
    other.dispose()


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    executed: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(driver_cursors, "observe", lambda text, *_: executed.append(text))
        yield executed


def test_no_row_is_taken_twice_by_several_processes(database: Database) -> None:
    add(database, *(ago(seconds=number) for number in range(ROWS)))
    taken: list[str] = []
    begin = threading.Barrier(TAKERS)

    def work() -> None:
        with another(database) as mine:
            begin.wait()
            taken.extend(keys_in_order(mine))

    threads = [threading.Thread(target=work) for _ in range(TAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"media/{number}" for number in range(ROWS))


def test_only_due_rows_are_taken(database: Database) -> None:
    add(database, ago(minutes=1), ago(minutes=3), ago(minutes=2), ago(minutes=-1))
    assert sorted(keys_in_order(database)) == ["media/0", "media/1", "media/2"]


@SQLITE
def test_sqlite_takes_the_row_that_has_been_due_for_longest(database: Database) -> None:
    add(database, ago(minutes=1), ago(minutes=3), ago(minutes=2), ago(minutes=-1))
    assert keys_in_order(database) == ["media/1", "media/2", "media/0"]


@POSTGRESQL
def test_postgresql_takes_one_of_the_first_rows(database: Database) -> None:
    count = 3 * leases.CANDIDATES
    add(database, *(ago(seconds=count - number) for number in range(count)))
    for taken, key in enumerate(keys_in_order(database)):
        assert int(key.removeprefix("media/")) < taken + leases.CANDIDATES


@POSTGRESQL
def test_postgresql_steps_over_rows_that_others_have_locked(database: Database) -> None:
    add(database, *(ago(minutes=3) for _ in range(3)))
    with database.session() as locking:
        locked = select(Deletion.id).where(Deletion.object_key.in_(["media/0", "media/2"]))
        locking.execute(locked.with_for_update())
        assert keys_in_order(database) == ["media/1"]
    assert sorted(keys_in_order(database)) == ["media/0", "media/2"]


def test_a_taken_row_is_due_again_when_its_lease_has_ended(database: Database) -> None:
    add(database, ago(minutes=1))
    first = take(database)
    assert first is not None
    assert first.attempts == 1
    left = (first.not_before - datetime.now(UTC)).total_seconds()
    assert left == pytest.approx(30, abs=5)
    assert take(database) is None
    assert take(database, now=first.not_before - timedelta(seconds=1)) is None
    again = take(database, now=first.not_before)
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)
    assert again.not_before >= first.not_before + timedelta(seconds=30)


def test_only_rows_that_meet_the_condition_are_taken(database: Database) -> None:
    add(database, ago(minutes=1), ago(minutes=1))
    assert take(database, OF_KEY, object_key="media/2") is None
    row = take(database, OF_KEY, object_key="media/1")
    assert row is not None
    assert row.object_key == "media/1"


@POSTGRESQL
@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_this_machine_takes_no_leased_row(
    database: Database, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=hours)

    add(database, ago(seconds=1))
    monkeypatch.setattr(leases, "datetime", Wrong)
    row = take(database)
    assert row is not None
    assert abs((row.not_before - datetime.now(UTC)).total_seconds() - 30) < 10
    assert take(database) is None
    with database.session() as session:
        due = leases.after(session, timedelta(), now=None)
        session.execute(update(Deletion).values(not_before=due))
        session.commit()
    assert take(database) is not None


@POSTGRESQL
def test_a_row_that_another_process_is_taking_is_skipped(database: Database) -> None:
    add(database, ago(minutes=2), ago(minutes=1))
    with database.session() as busy:
        busy.execute(select(Deletion).where(Deletion.object_key == "media/0").with_for_update())
        assert keys_in_order(database) == ["media/1"]
    assert keys_in_order(database) == ["media/0"]


@POSTGRESQL
def test_an_idle_poll_and_a_lease_are_one_statement_each(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with statements(monkeypatch) as executed:
        assert take(database) is None
        add(database, ago(minutes=1))
        assert take(database) is not None
    assert len(executed) == 2
    assert len(set(executed)) == 1


@SQLITE
def test_an_idle_poll_does_not_wait_for_a_process_that_writes(database: Database) -> None:
    with another(database) as other, other.session() as writing:
        writing.execute(text("BEGIN IMMEDIATE"))
        began = datetime.now(UTC)
        assert take(database) is None
        assert datetime.now(UTC) - began < timedelta(seconds=5)


@POSTGRESQL
@pytest.mark.parametrize(
    ("queue", "index", "condition"),
    [
        (
            waiting(("ad", "user")),
            "ix_uploads_processing_since",
            "AND (due_at",
        ),
        (ALL, "ix_deletions_not_before", "Index Cond: (not_before"),
    ],
)
def test_an_index_finds_the_next_row_among_many_that_wait_for_nothing(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    queue: leases.Queue,
    index: str,
    condition: str,
) -> None:
    with statements(monkeypatch) as executed:
        take(database, queue)
    with database.session() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        driver = session.connection().connection.driver_connection
        assert driver is not None
        parameters = {"param_1": timedelta(seconds=1), "attempts_1": 1, "publish_attempts_1": 1}
        plan = driver.execute(f"EXPLAIN {executed[0]}", parameters).fetchall()
    found = "\n".join(line for (line,) in plan)
    assert f"Index Scan using {index}" in found or f"Index Scan on {index}" in found
    assert f"{condition} <= statement_timestamp())" in found
